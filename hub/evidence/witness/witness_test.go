package witness

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	flog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// log is a small log in memory.
type testLog struct {
	t      testing.TB
	hashes []tlog.Hash
	size   int64
	signer note.Signer
	key    string
}

func newLog(t testing.TB, origin string) *testLog {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{t: t, signer: s, key: public}
}

func (l *testLog) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func (l *testLog) add(data ...string) {
	for _, d := range data {
		h, err := tlog.StoredHashes(l.size, []byte(d), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes, l.size = append(l.hashes, h...), l.size+1
	}
}

// fork is the log as it was at a size.
func (l *testLog) fork(size int64) *testLog {
	f := *l
	f.hashes, f.size = append([]tlog.Hash(nil), l.hashes[:tlog.StoredHashIndex(0, size)]...), size
	return &f
}

func (l *testLog) checkpoint() []byte {
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	n, err := note.Sign(&note.Note{Text: string(flog.Checkpoint{Origin: l.signer.Name(), Size: uint64(l.size), Hash: root[:]}.Marshal())}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

func (l *testLog) prove(_ context.Context, old, size uint64) (out [][]byte, err error) {
	p, err := tlog.ProveTree(int64(size), int64(old), l)
	for _, h := range p {
		out = append(out, h[:])
	}
	return out, err
}

// serve starts a witness of logs, and gives it as a peer.
func serve(t testing.TB, dir string, logs ...*testLog) (*Server, Peer) {
	t.Helper()
	key := filepath.Join(dir, "key")
	if _, err := os.Stat(key); errors.Is(err, fs.ErrNotExist) {
		private, _, err := note.GenerateKey(rand.Reader, "witness.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(key, []byte(private), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	private, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, l := range logs {
		keys = append(keys, l.key)
	}
	s, err := NewServer(Config{Dir: dir, Signer: string(private), Logs: keys, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := NewPeer(server.URL, s.Key())
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func TestPromise5WitnessRefusesForksAndRollbacks(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, "log.example")
	_, p := serve(t, dir, l)
	ask := func(l *testLog, p Peer, old uint64) error {
		line, err := p.Cosign(t.Context(), http.DefaultClient, l.checkpoint(), old, uint64(l.size), l.prove)
		if err == nil && !strings.HasPrefix(line, "— witness.example ") {
			t.Errorf("got line %q", line)
		}
		return err
	}
	l.add("a", "b", "c")
	if err := ask(l, p, 0); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		l.add("d", "e")
		if err := ask(l, p, uint64(l.size-2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(l, p, 0); err != nil {
		t.Errorf("the same checkpoint again, with the size not known: %v", err)
	}
	// A witness that was restarted remembers.
	_, p = serve(t, dir, l)
	old := l.fork(5)
	if err := ask(old, p, 0); !errors.Is(err, ErrRefused) {
		t.Errorf("a log that was rolled back: got %v", err)
	}
	forked := l.fork(l.size - 1)
	forked.add("other")
	if err := ask(forked, p, uint64(forked.size)); !errors.Is(err, ErrRefused) {
		t.Errorf("a fork of the same size: got %v", err)
	}
	forked.add("more", "and more")
	if err := ask(forked, p, uint64(l.size)); !errors.Is(err, ErrRefused) {
		t.Errorf("a fork that is longer: got %v", err)
	}
	l.add("f")
	if err := ask(l, p, 2); err != nil {
		t.Errorf("the honest log, after all that: %v", err)
	}
}

func TestServerAnswersAsTheProtocolSays(t *testing.T) {
	l, stranger := newLog(t, "log.example"), newLog(t, "stranger.example")
	impostor := newLog(t, "log.example")
	s, _ := serve(t, t.TempDir(), l)
	l.add("a", "b", "c", "d")
	stranger.add("a")
	impostor.add("a")
	good, err := l.prove(t.Context(), 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body []byte) (int, string) { return s.cosign(body) }
	for _, c := range []struct {
		name string
		body []byte
		want int
	}{
		{"rubbish", []byte("rubbish"), 400},
		{"no empty line", []byte("old 0\n"), 400},
		{"size with a zero in front", append([]byte("old 00\n\n"), l.checkpoint()...), 400},
		{"negative size", append([]byte("old -1\n\n"), l.checkpoint()...), 400},
		{"short hash", append([]byte("old 0\nAAAA\n\n"), l.checkpoint()...), 400},
		{"too many hashes", append([]byte("old 0\n"+strings.Repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 64)+"\n"), l.checkpoint()...), 400},
		{"log that is not known", request{checkpoint: stranger.checkpoint()}.encode(), 404},
		{"signed by another key", request{checkpoint: impostor.checkpoint()}.encode(), 403},
		{"old above new", request{old: 9, checkpoint: l.checkpoint()}.encode(), 400},
		{"another size than was cosigned", request{old: 2, proof: good, checkpoint: l.checkpoint()}.encode(), 409},
		{"first, with a proof", request{proof: good, checkpoint: l.checkpoint()}.encode(), 422},
		{"first", request{checkpoint: l.checkpoint()}.encode(), 200},
		{"wrong proof", func() []byte { l.add("e"); return request{old: 4, proof: good, checkpoint: l.checkpoint()}.encode() }(), 422},
	} {
		if got, answer := post(c.body); got != c.want {
			t.Errorf("%s: got %d %q, want %d", c.name, got, answer, c.want)
		}
	}
	if c := s.Counts(); c.Cosigned != 1 || c.Refused == 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestServerRefusesDamagedMemory(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, "log.example")
	s, p := serve(t, dir, l)
	l.add("a")
	if _, err := p.Cosign(t.Context(), http.DefaultClient, l.checkpoint(), 0, 1, l.prove); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file("log.example"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.cosign(request{checkpoint: l.checkpoint()}.encode()); status != 500 {
		t.Errorf("got %d, want 500: it must not forget what it has cosigned", status)
	}
}

// TestRFC6962Vectors runs the proofs, good and bad, of testdata/rfc6962.
func TestRFC6962Vectors(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("testdata/rfc6962", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v struct {
			LeafIdx, TreeSize, Size1, Size2 uint64
			Root, LeafHash, Root1, Root2    []byte
			Proof                           [][]byte
			Desc                            string
			WantErr                         bool
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if strings.Contains(path, "consistency") {
			err = proof.VerifyConsistency(rfc6962.DefaultHasher, v.Size1, v.Size2, v.Proof, v.Root1, v.Root2)
		} else {
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, v.LeafIdx, v.TreeSize, v.LeafHash, v.Proof, v.Root)
		}
		if (err != nil) != v.WantErr {
			t.Errorf("%s, %s: got %v, want an error: %t", path, v.Desc, err, v.WantErr)
		}
		seen++
		return nil
	})
	if err != nil || seen < 90 {
		t.Fatalf("%d vectors, %v", seen, err)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("old 0\n\nlog.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— x y\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRequest(b)
		if err != nil {
			return
		}
		if again, err := decodeRequest(r.encode()); err != nil || again.old != r.old || len(again.proof) != len(r.proof) {
			t.Fatalf("%q decodes and does not encode: %v", b, err)
		}
	})
}
