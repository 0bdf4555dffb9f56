package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/view"
	"frostline/proto/enrol"
	"frostline/proto/reading"
)

// backend answers everything the API asks, in memory.
type backend struct {
	mu       sync.Mutex
	fail     error
	after    int // readings before fail
	actor    string
	watchers map[int]func(view.Batch)
	next     int
}

func (b *backend) Gateways(context.Context) ([]view.Gateway, error) {
	return []view.Gateway{{ID: "site-1", Sensors: []view.Sensor{{Name: "s", Channels: []view.Channel{{Quantity: reading.Temperature, Interval: time.Second, Current: true}}}}}}, nil
}
func (b *backend) Accounts(context.Context) ([]view.Account, error)     { return nil, nil }
func (b *backend) Undated(context.Context, view.Series) (uint64, error) { return 7, nil }
func (b *backend) PEM() []byte                                          { return nil }
func (b *backend) IssueBroker([]string, time.Duration) (c, k []byte, e error) {
	return nil, nil, errors.New("no")
}
func (b *backend) Revoke(_ context.Context, actor, gateway, reason string) error { return nil }

func (b *backend) NewCode(_ context.Context, actor, _ string) (enrol.Code, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.actor = actor
	return enrol.Code{}, time.Now(), nil
}

func (b *backend) Readings(ctx context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error {
	b.mu.Lock()
	fail, after := b.fail, b.after
	b.mu.Unlock()
	for i := range 5000 {
		if fail != nil && i == after {
			return fail
		}
		if err := visit(view.Reading{Dated: true, UTC: from + int64(i), Value: int64(i)}); err != nil {
			return err
		}
	}
	return nil
}

func (b *backend) Watch(fn func(view.Batch)) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == nil {
		b.watchers = map[int]func(view.Batch){}
	}
	id := b.next
	b.next++
	b.watchers[id] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, id)
	}
}

// tell passes a batch to the watchers, and says how many there are.
func (b *backend) tell(batch view.Batch) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fn := range b.watchers {
		fn(batch)
	}
	return len(b.watchers)
}

// short gives a directory with a path short enough for sockets.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func serve(t *testing.T, b *backend, socket string) (c *Client, stop func() error) {
	t.Helper()
	s, err := New(Config{Socket: socket, Fleet: b, History: b, Feed: b, Access: b, Authority: b, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	select {
	case <-s.Ready():
	case err := <-done:
		done <- err
	}
	return NewClient(socket), stop
}

func TestSocketIsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(short(t), "hub")
	socket := filepath.Join(dir, "frostline.sock")
	_, stop := serve(t, &backend{}, socket)
	for path, want := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, socket: fs.ModeSocket | 0o600} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".sock-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the stop the socket is still there: %v", err)
	}
}

func TestSocketOfAnotherHub(t *testing.T) {
	dir := short(t)
	socket := filepath.Join(dir, "frostline.sock")
	// One that a killed hub left behind is replaced.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	c, stop := serve(t, &backend{}, socket)
	if _, err := c.Health(t.Context()); err != nil {
		t.Fatalf("over a stale socket: %v", err)
	}
	// One of a hub that lives is not.
	_, second := serve(t, &backend{}, socket)
	if err := second(); err == nil || !strings.Contains(err.Error(), "another hub is running") {
		t.Errorf("a second hub: got %v", err)
	}
	if _, err := c.Health(t.Context()); err != nil {
		t.Errorf("the first hub no longer answers: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestSocketRefusesWhatIsUnsafe(t *testing.T) {
	open := short(t)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(short(t), "frostline.sock")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for socket, want := range map[string]string{
		filepath.Join(open, "frostline.sock"): "chmod 700",
		file:                                  "is no socket",
		filepath.Join(short(t), strings.Repeat("long", 30), "frostline.sock"): "shorter path",
	} {
		_, stop := serve(t, &backend{}, socket)
		if err := stop(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", socket, err, want)
		}
	}
	if b, _ := os.ReadFile(file); string(b) != "precious" {
		t.Error("a file that was no socket is gone")
	}
}

func TestCallerIsNamedByTheKernel(t *testing.T) {
	b := &backend{}
	c, _ := serve(t, b, filepath.Join(short(t), "s"))
	if _, err := c.Code(t.Context(), "site-1"); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("local uid %d pid %d", os.Getuid(), os.Getpid()); b.actor != want {
		t.Errorf("the trail says %q, want %q", b.actor, want)
	}
}

func TestHistoryIsWholeOrAnError(t *testing.T) {
	b := &backend{}
	c, _ := serve(t, b, filepath.Join(short(t), "s"))
	from, to := time.UnixMilli(0), time.UnixMilli(1e6)
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		undated, err := c.History(t.Context(), &out, "site-1/s", from, to, asJSON)
		if n := strings.Count(out.String(), "\n"); err != nil || undated != 7 || n != 5000 && n != 5001 {
			t.Errorf("json %t: got %d lines, %d undated, %v", asJSON, n, undated, err)
		}
	}
	// It fails before the first byte has gone out, or long after.
	for _, after := range []int{0, 4000} {
		b.mu.Lock()
		b.fail, b.after = errors.New("disk on fire"), after
		b.mu.Unlock()
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			if _, err := c.History(t.Context(), &out, "site-1/s", from, to, asJSON); err == nil {
				t.Errorf("json %t, failing after %d readings: no error, and %d bytes", asJSON, after, out.Len())
			}
		}
	}
}

func TestTail(t *testing.T) {
	b := &backend{}
	c, stop := serve(t, b, filepath.Join(short(t), "s"))
	if err := c.Tail(t.Context(), "nobody", nil); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Errorf("tail of a stranger: %v", err)
	}
	batch := func(gateway string, values ...int64) view.Batch {
		out := view.Batch{Gateway: gateway}
		for _, v := range values {
			out.Readings = append(out.Readings, view.Taken{Sensor: "s", Quantity: reading.Temperature, Reading: view.Reading{Value: v}})
		}
		return out
	}
	lines := make(chan Line, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- c.Tail(context.Background(), "site-1", func(l Line) error { lines <- l; return nil })
	}()
	for b.tell(view.Batch{Gateway: "site-1"}) == 0 {
		time.Sleep(time.Millisecond) // until the tail has begun to watch
	}
	b.tell(batch("site-2", 9))
	b.tell(batch("site-1", 1, 2))
	for _, want := range []string{"0.001", "0.002"} {
		if l := <-lines; l.Value.String() != want {
			t.Errorf("got %s, want %s", l.Value, want)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("the hub does not stop while a tail is open: %v", err)
	}
	if err := <-ended; !errors.Is(err, ErrEnded) {
		t.Errorf("the tail ended with %v, want ErrEnded", err)
	}
}

func TestSlowTailIsToldWhatItMissed(t *testing.T) {
	q := &lines{wake: make(chan struct{}, 1)}
	b := view.Batch{Gateway: "g", Readings: make([]view.Taken, 1000)}
	for range tailWaiting/1000 + 5 {
		q.put(b)
	}
	held, missed := q.take()
	if len(held) != tailWaiting || missed != 5000 {
		t.Errorf("holds %d lines and missed %d, want %d and 5000", len(held), missed, tailWaiting)
	}
	if held, missed = q.take(); len(held) != 0 || missed != 0 {
		t.Errorf("then holds %d and missed %d", len(held), missed)
	}
}
