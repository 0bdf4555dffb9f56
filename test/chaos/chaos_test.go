package chaos

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"frostline/test/rig"
)

// patience bounds every wait for a condition. It is generous because nothing
// here is about speed.
const patience = 2 * time.Minute

var binaries struct {
	sync.Once
	dir string
	err error
}

// command gives the path of one of the project's binaries.
func command(t testing.TB, name string) string {
	t.Helper()
	binaries.Do(func() { binaries.dir, binaries.err = rig.Build() })
	if binaries.err != nil {
		t.Fatal(binaries.err)
	}
	return filepath.Join(binaries.dir, name)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir) // temporary, and the system cleans up too
	}
	os.Exit(code)
}

// chance is a source of random choices. Several goroutines may use it.
type chance struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

// seeded gives a test its chance, and tells the seed if it fails.
func seeded(t testing.TB) *chance {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("FROSTLINE_CHAOS_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("FROSTLINE_CHAOS_SEED %q: want a number", s)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with FROSTLINE_CHAOS_SEED=%d", seed)
		}
	})
	return &chance{rnd: rand.New(rand.NewPCG(seed, 0))}
}

// fork gives a chance of its own, so that what one goroutine draws does not
// depend on the others.
func (c *chance) fork(name string) *chance {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // cannot fail
	c.mu.Lock()
	defer c.mu.Unlock()
	return &chance{rnd: rand.New(rand.NewPCG(c.rnd.Uint64(), h.Sum64()))}
}

// below draws from 0 to n-1.
func (c *chance) below(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n)
}

// in is true in so many of a hundred cases.
func (c *chance) in(percent int) bool { return c.below(100) < percent }

// between draws a duration.
func (c *chance) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.below(int(most-least)))
}

// wait lets a random time pass, so that what follows comes at a random instant.
func (c *chance) wait(t testing.TB, most time.Duration) {
	timer := time.NewTimer(c.between(0, most))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

func (c *chance) shuffle(n int, swap func(i, j int)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rnd.Shuffle(n, swap)
}

// folder makes a folder that outlives a test that fails. Its path is short, as
// sockets want it.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is left in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// logTo makes a logger that writes to a file in dir, whose end is shown when
// the test fails.
func logTo(t testing.TB, dir, name string) *slog.Logger {
	t.Helper()
	path := filepath.Join(dir, name+".log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		showTail(t, path)
	})
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})).With("of", name)
}

// showTail shows the end of a log if the test has failed.
func showTail(t testing.TB, path string) {
	const most = 4000
	if !t.Failed() {
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		b = []byte(err.Error())
	}
	t.Logf("--- end of %s\n%s", path, b[max(0, len(b)-most):])
}

// loopback is an address of a port that was free a moment ago.
func loopback(t testing.TB) string {
	t.Helper()
	port, err := rig.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}
