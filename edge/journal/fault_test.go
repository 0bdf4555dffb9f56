package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/reading"
)

// faultyDisk fails the operations from number at on, so many of them.
type faultyDisk struct {
	localDisk
	mu    sync.Mutex
	ops   []string
	at, n int
	done  bool // what fails is done all the same
	err   error
}

// op counts an operation and tells whether it fails.
func (d *faultyDisk) op(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, name)
	k := len(d.ops) - 1
	return d.err != nil && k >= d.at && k < d.at+d.n
}

func (d *faultyDisk) open(path string) (*bbolt.DB, error) {
	if !d.op("open " + filepath.Base(path)) {
		return d.localDisk.open(path)
	}
	if d.done {
		if db, err := d.localDisk.open(path); err == nil {
			db.Close()
		}
	}
	return nil, fmt.Errorf("injected: %w", d.err)
}

func (d *faultyDisk) commit(tx *bbolt.Tx) error {
	if !d.op("commit") {
		return tx.Commit()
	}
	if d.done {
		if err := tx.Commit(); err != nil {
			return err
		}
	} else if err := tx.Rollback(); err != nil {
		return err
	}
	return fmt.Errorf("injected: %w", d.err)
}

func (d *faultyDisk) change(name string, do func() error) error {
	if !d.op(name) {
		return do()
	}
	if d.done {
		if err := do(); err != nil {
			return err
		}
	}
	return fmt.Errorf("injected: %w", d.err)
}

func (d *faultyDisk) write(path string, b []byte) error {
	return d.change("write "+filepath.Base(path), func() error { return d.localDisk.write(path, b) })
}

func (d *faultyDisk) rename(from, to string) error {
	return d.change("rename "+filepath.Base(from), func() error { return d.localDisk.rename(from, to) })
}

func (d *faultyDisk) sync(dir string) error {
	return d.change("sync", func() error { return d.localDisk.sync(dir) })
}

func (d *faultyDisk) remove(path string) error {
	return d.change("remove "+filepath.Base(path), func() error { return d.localDisk.remove(path) })
}

// smallHub remembers blocks as the hub does, and minds that a block is not
// another one the next time.
type smallHub struct {
	t      *testing.T
	blocks map[uint32]map[uint64][]byte
	heads  map[uint32]chain.Head
	last   map[uint32]uint64
}

func newHub(t *testing.T) *smallHub {
	return &smallHub{t, map[uint32]map[uint64][]byte{}, map[uint32]chain.Head{}, map[uint32]uint64{}}
}

// take reads what is pending and acknowledges the first share of it, percent.
func (h *smallHub) take(j *Journal, share uint64) {
	h.t.Helper()
	for _, p := range j.Pending() {
		if h.blocks[p.Epoch] == nil {
			h.blocks[p.Epoch], h.heads[p.Epoch] = map[uint64][]byte{}, chain.Genesis("van-1", p.Epoch)
		}
		upto := p.First + (p.Last-p.First+1)*share/100 - 1
		for n := h.last[p.Epoch] + 1; n <= upto; {
			run, err := j.Read(p.Epoch, n, 50, 1<<20)
			if err != nil {
				h.t.Fatal(err)
			}
			if len(run.Blocks) == 0 || run.First != n || run.PrevHead != h.heads[p.Epoch] {
				h.t.Fatalf("read block %d of epoch %d: got %d blocks from %d on head %v, want head %v", n, p.Epoch, len(run.Blocks), run.First, run.PrevHead, h.heads[p.Epoch])
			}
			for _, raw := range run.Blocks {
				if n <= upto {
					h.blocks[p.Epoch][n] = raw
					h.heads[p.Epoch] = chain.Next(h.heads[p.Epoch], raw)
					h.last[p.Epoch] = n
					n++
				}
			}
		}
		if err := j.Acknowledge(Commit{Epoch: p.Epoch, Committed: h.last[p.Epoch], Head: h.heads[p.Epoch]}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestPromise1And3EachWriteFails runs one story with each operation on the
// disk failing, once and for a while, done all the same or not. Every reading
// must reach the hub once.
func TestPromise1And3EachWriteFails(t *testing.T) {
	count := &faultyDisk{}
	story(t, memory(t), count)
	t.Logf("%d operations", len(count.ops))
	for _, c := range []struct {
		name string
		n    int
		done bool
		err  error
	}{
		{"failed", 1, false, unix.EIO},
		{"failed but done", 1, true, unix.EIO},
		{"failed for long", 12, false, unix.EIO},
		{"failed but done for long", 12, true, unix.EIO},
		{"full", 1, false, unix.ENOSPC},
		{"full but done", 1, true, unix.ENOSPC},
		{"full for long", 12, false, unix.ENOSPC},
	} {
		t.Run(c.name, func(t *testing.T) {
			for at := range count.ops {
				if testing.Short() && at%5 != 0 {
					continue
				}
				d := &faultyDisk{at: at, n: c.n, done: c.done, err: c.err}
				if !t.Run(fmt.Sprint(at), func(t *testing.T) { story(t, memory(t), d) }) {
					t.Fatalf("operation %d: %s", at, d.ops[min(at, len(d.ops)-1)])
				}
			}
		})
	}
}

// story appends, rotates, acknowledges, starts an epoch, and reopens.
func story(t *testing.T, dir string, d disk) {
	o := opts()
	o.disk = d
	o.BlockReadings = 128
	hub := newHub(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var want []reading.Reading
	j := open(t, dir, o)
	f := newFeed(t, j, 4)
	put := func(appends int) {
		t.Helper()
		for range appends {
			var r []reading.Reading
			for range 100 {
				r = append(r, f.next()...)
			}
			for i := range r {
				r[i].Value = rnd.Int64() // large blocks of few readings
			}
			if _, err := j.Append(context.Background(), r, nil); err != nil && !errors.Is(err, ErrHeld) {
				t.Fatal(err)
			}
			want = append(want, r...)
		}
	}
	flush := func() {
		t.Helper()
		for range 100 {
			if j.Flush(context.Background()) == nil {
				return
			}
		}
		t.Fatal("the disk does not come back")
	}
	again := func(fn func() error) {
		t.Helper()
		for range 100 {
			if err := fn(); err == nil {
				return
			} else if !errors.Is(err, d.(*faultyDisk).err) {
				t.Fatal(err)
			}
		}
		t.Fatal("the disk does not come back")
	}
	reopen := func() {
		t.Helper()
		flush()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir, o)
		g := newFeed(t, j, 4)
		f.ids = g.ids
	}
	put(14)
	flush()
	hub.take(j, 60)
	put(1)
	reopen()
	put(7)
	again(func() error { return j.StartEpoch("the story wants it") })
	put(2)
	flush()
	hub.take(j, 100)
	put(1)
	reopen()
	put(1)
	flush()
	for len(j.Pending()) > 0 { // a fault at the end is said in one more block
		hub.take(j, 100)
		flush()
	}
	if s := j.Stats(); s.PendingBlocks != 0 || s.LostBlocks != 0 || s.Dropped != 0 || s.HeldReadings != 0 || s.Err != nil {
		t.Fatalf("stats %+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, dir)
	got := map[reading.Reading]int{}
	n := 0
	for _, blocks := range hub.blocks {
		for _, raw := range blocks {
			b, err := block.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range b.Readings {
				got[reading.Reading{Tick: r.Tick, Value: r.Value}]++
				n++
			}
		}
	}
	count := map[reading.Reading]int{}
	for _, r := range want {
		count[reading.Reading{Tick: r.Tick, Value: r.Value}]++
	}
	for r, c := range count {
		if got[r] != c {
			t.Fatalf("reading %+v is at the hub %d times, want %d", r, got[r], c)
		}
	}
	if n != len(want) {
		t.Fatalf("%d readings are at the hub, want %d", n, len(want))
	}
}
