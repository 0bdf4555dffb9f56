package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"google.golang.org/protobuf/proto"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
)

// source is domain events and seals in memory.
type source struct {
	mu      sync.Mutex
	events  []event.Event
	seals   map[uint64][]byte // verified ones
	waiting uint64
	version int64
}

func (s *source) append(n int, of string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		p := int64(len(s.events)) + 1
		s.events = append(s.events, event.Event{Position: p, ID: fmt.Sprintf("%s-%d", of, p), Stream: "site/a", Version: p, Type: "registry.site_defined", Schema: 1, At: 1, Actor: "person/ann",
			Data: json.RawMessage(`{"id":"a"}`)})
	}
}

func (s *source) seal(number, waiting uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := proto.Marshal(&pb.Seal{Epoch: 1, Number: number, Head: make([]byte, 32)})
	if err != nil {
		panic(err)
	}
	if s.seals == nil {
		s.seals = map[uint64][]byte{}
	}
	s.seals[number], s.waiting = b, waiting
	s.version++
}

func (s *source) Read(_ context.Context, after int64, limit int, _ ...string) ([]event.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := min(int(after), len(s.events))
	return slices.Clone(s.events[from:min(from+limit, len(s.events))]), nil
}

func (s *source) Last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.events))
}

func (s *source) Chains(yield func(string, uint32, int64, uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version > 0 {
		yield("van-1", 1, s.version, s.waiting)
	}
}

func (s *source) Seals(_ context.Context, _ string, _ uint32, after uint64, limit int, yield func(uint64, []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(s.seals)) {
		if n > after && limit > 0 {
			limit--
			if err := yield(n, s.seals[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// faulty is a store whose writes fail when told to: before or after they are done.
type faulty struct {
	*store.DB
	mu   sync.Mutex
	fail string // "", "failed", "failed but done"
	hits int
}

var errInjected = errors.New("injected fault")

func (f *faulty) set(fail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.hits = fail, 0
}

func (f *faulty) Write(ctx context.Context, do func(context.Context, *store.Tx) error) error {
	f.mu.Lock()
	fail := f.fail
	if f.fail != "" {
		f.hits++
	}
	f.mu.Unlock()
	switch fail {
	case "failed":
		return errInjected
	case "failed but done":
		return errors.Join(f.DB.Write(ctx, do), errInjected)
	}
	return f.DB.Write(ctx, do)
}

func openTest(t testing.TB, dir string, db Store, s *source) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Origin: "frostline/test", Store: db, Events: s, Seals: s, Log: storetest.Logger(t), Interval: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// started is a ledger that is open for appending, whose turns the test takes.
func started(t testing.TB, dir string, db Store, s *source) (l *Ledger, stop func()) {
	t.Helper()
	l = openTest(t, dir, db, s)
	stop, err := l.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(stop)
	t.Cleanup(stop)
	return l, stop
}

// whole checks that the log has every event and seal once, in order, under a
// checkpoint that its key signed.
func whole(t testing.TB, l *Ledger, s *source, more ...string) {
	t.Helper()
	ctx := t.Context()
	c, ok := l.Latest()
	size, err := l.size(ctx)
	if err != nil || !ok || c.Size != size {
		t.Fatalf("log of %d entries, %v, checkpoint %+v", size, err, c)
	}
	var names []string
	prove, err := l.Inclusion(ctx, size)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := l.o.Store.Query(ctx, `SELECT idx, kind, name, leaf FROM evidence_entry ORDER BY idx`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var idx uint64
		var kind, name string
		var leaf []byte
		if err := rows.Scan(&idx, &kind, &name, &leaf); err != nil {
			t.Fatal(err)
		}
		p, err := prove(idx)
		if err == nil {
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, idx, size, leaf, p, c.Root)
		}
		if err != nil {
			t.Fatalf("entry %d, %s %s: %v", idx, kind, name, err)
		}
		names = append(names, kind+" "+name)
	}
	if err := rows.Err(); err != nil || uint64(len(names)) != size {
		t.Fatalf("%d rows of %d entries: %v", len(names), size, err)
	}
	want := append([]string{"key bundle/frostline/test/bundle"}, more...)
	for _, e := range s.events {
		want = append(want, fmt.Sprintf("event %d/%s", e.Position, e.ID))
	}
	for n := range s.seals {
		want = append(want, fmt.Sprintf("seal van-1/1/%d", n))
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Fatalf("the log has\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
}

// TestEveryWriteFailed runs every write of a turn as failed, and as failed but
// done: nothing is lost and nothing comes twice.
func TestEveryWriteFailed(t *testing.T) {
	for _, fail := range []string{"failed", "failed but done"} {
		for _, what := range []string{"the table", "the log"} {
			t.Run(what+" "+fail, func(t *testing.T) {
				db := &faulty{DB: storetest.Open(t, storetest.SQLite(t))}
				s := &source{}
				l, _ := started(t, t.TempDir(), db, s)
				s.append(5, "a")
				s.seal(60, 0)
				if err := l.turn(t.Context()); err != nil {
					t.Fatal(err)
				}
				whole(t, l, s)
				for round := range 3 {
					s.append(3, fmt.Sprint("b", round))
					s.seal(uint64(120+60*round), 0)
					add := l.add
					if what == "the table" {
						db.set(fail)
					} else {
						l.add = func(ctx context.Context, data [][]byte) error {
							if fail == "failed" {
								return errInjected
							}
							return errors.Join(add(ctx, data), errInjected)
						}
					}
					if err := l.turn(t.Context()); !errors.Is(err, errInjected) {
						t.Fatalf("got %v, want the fault", err)
					}
					db.set("")
					l.add = add
					if err := l.turn(t.Context()); err != nil {
						t.Fatal(err)
					}
					whole(t, l, s)
				}
			})
		}
	}
}

// TestCrashBetweenLogAndTable starts a hub again whose log has what its table
// has not.
func TestCrashBetweenLogAndTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		dir := t.TempDir()
		s := &source{}
		f := &faulty{DB: db}
		l, stop := started(t, dir, f, s)
		s.append(300, "a")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.append(700, "b") // crosses bundles
		s.seal(60, 0)
		f.set("failed")
		for l.next < 301+700 { // each try logs a batch that the table misses
			if err := l.turn(t.Context()); err == nil {
				t.Fatal("the fault did not show")
			}
			size, err := l.size(t.Context())
			if err != nil || size > 301 {
				break
			}
		}
		stop()
		f.set("")
		l, _ = started(t, dir, f, s)
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole(t, l, s)
	})
}

// TestSealsOutOfOrder: a seal that waited for its block is logged when it is
// verified, and one from before a start too.
func TestSealsOutOfOrder(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	dir, s := t.TempDir(), &source{}
	l, stop := started(t, dir, db, s)
	turn := func() {
		t.Helper()
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole(t, l, s)
	}
	s.seal(60, 0)
	turn()
	s.seal(180, 120) // 120 waits
	turn()
	s.seal(240, 120)
	turn()
	s.seal(120, 0)
	turn()
	s.seal(360, 300)
	turn()
	stop()
	s.seal(300, 0) // verified, and the hub stopped before it was logged
	l, _ = started(t, dir, db, s)
	turn()
	for n := range uint64(1500) { // more than a page and a batch
		s.seal(1000+n, 0)
	}
	turn()
}

// TestLogAndStoreOfDifferentTimes: backups that do not fit together.
func TestLogAndStoreOfDifferentTimes(t *testing.T) {
	broken := func(t *testing.T, err error, want string) {
		t.Helper()
		var b *BrokenError
		if !errors.As(err, &b) || !strings.Contains(b.Reason, want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	t.Run("log older than store", func(t *testing.T) {
		db := storetest.Open(t, storetest.SQLite(t))
		dir, s := t.TempDir(), &source{}
		l, stop := started(t, dir, db, s)
		s.append(5, "a")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		old := t.TempDir()
		if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		os.Chmod(filepath.Join(old, "log.key"), 0o600)
		l, stop = started(t, dir, db, s)
		s.append(5, "b")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		l, _ = started(t, old, db, s)
		broken(t, l.turn(t.Context()), "older than the store")
	})
	t.Run("log changed", func(t *testing.T) {
		db := storetest.Open(t, storetest.SQLite(t))
		dir, s := t.TempDir(), &source{}
		l, stop := started(t, dir, db, s)
		s.append(5, "a")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		tile := filepath.Join(dir, "log", "tile", "0", "000.p", "6")
		b, err := os.ReadFile(tile)
		if err != nil {
			t.Fatal(err)
		}
		b[40] ^= 1
		if err := os.WriteFile(tile, b, 0o644); err != nil {
			t.Fatal(err)
		}
		l, _ = started(t, dir, db, s)
		broken(t, l.turn(t.Context()), "not those that were signed")
	})
	t.Run("store older than log", func(t *testing.T) {
		dir, s := t.TempDir(), &source{}
		l, stop := started(t, dir, storetest.Open(t, storetest.SQLite(t)), s)
		s.append(8, "a")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		// The store comes back without the last three events, and others take
		// their places.
		lost := []string{"event 6/a-6", "event 7/a-7", "event 8/a-8"}
		s.events = s.events[:5]
		s.append(4, "b")
		l, _ = started(t, dir, storetest.Open(t, storetest.SQLite(t)), s)
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole(t, l, s, lost...)
		if d := l.Status().Diverged; d != 3 {
			t.Errorf("diverged by %d, want 3", d)
		}
	})
	t.Run("key lost", func(t *testing.T) {
		db := storetest.Open(t, storetest.SQLite(t))
		dir, s := t.TempDir(), &source{}
		l, stop := started(t, dir, db, s)
		s.append(1, "a")
		if err := l.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if err := os.Remove(filepath.Join(dir, "log.key")); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Options{Dir: dir, Origin: "frostline/test", Store: db, Events: s, Log: storetest.Logger(t)}); err == nil || !strings.Contains(err.Error(), "restore it") {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeyIsItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	db, s := storetest.Open(t, storetest.SQLite(t)), &source{}
	openTest(t, dir, db, s)
	path := filepath.Join(dir, "log.key")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, Origin: "frostline/test", Store: db, Events: s, Log: storetest.Logger(t)}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v", err)
	}
}

// TestServe follows the log as a tlog-tiles client would.
func TestServe(t *testing.T) {
	db, s := storetest.Open(t, storetest.SQLite(t)), &source{}
	l, _ := started(t, t.TempDir(), db, s)
	get := func(method, path string) (int, string) {
		r := httptest.NewRecorder()
		l.ServeHTTP(r, httptest.NewRequest(method, path, nil))
		b, _ := io.ReadAll(r.Body)
		return r.Code, string(b)
	}
	if code, _ := get("GET", "/log/checkpoint"); code != 404 {
		t.Errorf("before the first checkpoint: %d", code)
	}
	s.append(300, "a")
	if err := l.turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/log/checkpoint": 200, "/checkpoint": 200, "/log/key": 200, "/log/tile/0/000": 200, "/log/tile/0/001.p/45": 200, "/log/tile/1/000.p/1": 200,
		"/log/tile/entries/000": 404, "/log/tile/entries/001.p/45": 404, "/log/tile/0/009": 404,
		"/log/.state/treeState": 404, "/log/../log.key": 404, "/log/tile/../.state/treeState": 404, "/log/tile/0/": 404, "/log/": 404, "/log/tile/entries": 404,
	} {
		if code, _ := get("GET", path); code != want {
			t.Errorf("%s: got %d, want %d", path, code, want)
		}
	}
	if code, _ := get("POST", "/log/checkpoint"); code != 405 {
		t.Errorf("POST: %d", code)
	}
	for n, want := range []int{256, 45} {
		raw, err := l.Bundle(t.Context(), uint64(n))
		var b api.EntryBundle
		if err == nil {
			err = b.UnmarshalText(raw)
		}
		if err != nil || len(b.Entries) != want {
			t.Errorf("bundle %d: %d entries, %v: want %d", n, len(b.Entries), err, want)
		}
	}
	if _, err := l.Bundle(t.Context(), 2); !errors.Is(err, ErrNoBundle) {
		t.Errorf("bundle 2: got %v, want %v", err, ErrNoBundle)
	}
	if _, note := get("GET", "/log/checkpoint"); !strings.HasPrefix(note, "frostline/test\n301\n") {
		t.Errorf("checkpoint %q", note)
	}
}

// TestLargeEvent is logged by its digest.
func TestLargeEvent(t *testing.T) {
	db, s := storetest.Open(t, storetest.SQLite(t)), &source{}
	dir := t.TempDir()
	l, stop := started(t, dir, db, s)
	s.append(1, "a")
	s.events[0].Data = json.RawMessage(`{"a":"` + strings.Repeat("x", 2*MaxEvent) + `"}`)
	if err := l.turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, l, s)
	stop()
	l, _ = started(t, dir, storetest.Open(t, storetest.SQLite(t)), s) // all rows from the log
	if err := l.turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole(t, l, s)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(eventLine + `{"id":"a","position":1,"stream":"site/a"}`))
	f.Add([]byte(digestLine + "a\nsite/a\n7\nff\n"))
	f.Add(SealEntry("van-1", 3, 9, []byte{8, 3, 16, 9}).Data)
	f.Add([]byte(keyLine + `{"use":"seal"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parse(b); err == nil && !slices.Equal(e.Data, b) {
			t.Fatalf("entry %q reads as %q", b, e.Data)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	db, s := storetest.Open(b, storetest.SQLite(b)), &source{}
	l, _ := started(b, b.TempDir(), db, s)
	for b.Loop() {
		s.append(4096, "a")
		if err := l.turn(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/event")
}

// TestCheckpointsAreListed newest first, page by page, each as it was kept.
func TestCheckpointsAreListed(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		for i := range 5 {
			if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO evidence_checkpoint (size, root, at_ms, cosigned, quorum, note) VALUES ($1, $2, $3, $4, $5, $6)`, int64(i+1)*10, []byte{byte(i)}, int64(i), i, int64(i%2), "note")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		l := &Ledger{o: Options{Store: db}}
		var sizes []uint64
		for below := uint64(0); ; {
			all, err := l.Checkpoints(t.Context(), below, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				break
			}
			for _, c := range all {
				if c.Quorum != (c.At%2 == 1) || c.Cosigned != int(c.At) || c.Root[0] != byte(c.At) || c.Note != "note" {
					t.Errorf("checkpoint %+v", c)
				}
				sizes = append(sizes, c.Size)
				below = c.Size
			}
		}
		if !slices.Equal(sizes, []uint64{50, 40, 30, 20, 10}) {
			t.Errorf("listed %v", sizes)
		}
	})
}
