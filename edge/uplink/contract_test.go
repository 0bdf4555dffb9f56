package uplink

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"frostline/edge/journal"
	"frostline/proto/chain"
	"frostline/proto/reading"
)

var _ Journal = (*journal.Journal)(nil)

// keeper is a Journal that a test can add to, and what it has kept.
type keeper interface {
	Journal
	// put keeps so many readings of 20 series and notes their blocks.
	put(t testing.TB, readings int)
	// all visits what was kept.
	all(visit func(epoch uint32, number uint64, raw []byte))
	// again closes and opens it.
	again(t testing.TB) keeper
}

func (j *memoryJournal) put(_ testing.TB, readings int) {
	for range readings / 60 {
		j.keep(60)
	}
}

func (j *memoryJournal) all(visit func(uint32, uint64, []byte)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.epochs {
		for n, raw := range e.blocks {
			visit(e.number, uint64(n+1), raw)
		}
	}
}

func (j *memoryJournal) again(testing.TB) keeper { return j }

// diskJournal is the real one.
type diskJournal struct {
	*journal.Journal
	dir    string
	series []uint32

	mu   sync.Mutex
	tick int64
	kept map[uint32]map[uint64][]byte
}

func openDiskJournal(t testing.TB, dir string) *diskJournal {
	j, err := journal.Open(dir, gateway, journal.Options{Boottime: boottime, BootID: "boot", SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	d := &diskJournal{Journal: j, dir: dir, kept: map[uint32]map[uint64][]byte{}}
	for s := range 20 {
		id, err := j.Series(journal.Series{Sensor: string(rune('a' + s)), Quantity: reading.Temperature})
		if err != nil {
			t.Fatal(err)
		}
		d.series = append(d.series, id)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *diskJournal) put(t testing.TB, readings int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var batch []reading.Reading
	for range readings / 20 {
		d.tick += 1000
		for i, s := range d.series {
			batch = append(batch, reading.Reading{Series: s, Tick: d.tick, Value: 4000 + d.tick*int64(i+3)%97})
		}
	}
	k, err := d.Append(context.Background(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.kept[k.Epoch] == nil {
		d.kept[k.Epoch] = map[uint64][]byte{}
	}
	for i, raw := range k.Blocks {
		d.kept[k.Epoch][k.First+uint64(i)] = raw
	}
}

func (d *diskJournal) all(visit func(uint32, uint64, []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e, blocks := range d.kept {
		for n, raw := range blocks {
			visit(e, n, raw)
		}
	}
}

func (d *diskJournal) again(t testing.TB) keeper {
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	next := openDiskJournal(t, d.dir)
	next.kept, next.tick = d.kept, d.tick
	return next
}

// contract runs a test over both journals.
func contract(t *testing.T, test func(t *testing.T, j keeper)) {
	t.Run("memory", func(t *testing.T) { test(t, newMemoryJournal(gateway)) })
	t.Run("disk", func(t *testing.T) { test(t, openDiskJournal(t, t.TempDir())) })
}

// holds reports whether the hub has all that was kept and the journal knows.
func (r *rig) holds(j keeper) func() bool {
	return func() bool {
		ok := true
		j.all(func(epoch uint32, n uint64, raw []byte) {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			e := r.hub.epochs[epoch]
			ok = ok && e != nil && bytes.Equal(e.blocks[n], raw)
		})
		return ok && j.Numbers().PendingBlocks == 0
	}
}

func TestContractEverythingKeptIsCommitted(t *testing.T) {
	contract(t, func(t *testing.T, j keeper) {
		r := newRig(t, func(c *Config) { c.Journal = j })
		r.hub.lie(seed(t), 0.2, 0.2, 0.2)
		for range 10 {
			j.put(t, 12_000)
		}
		r.start()
		for i := range 60 {
			j.put(t, 60)
			if i%20 == 10 {
				r.proxy.cut()
			}
		}
		r.until("everything is committed", r.holds(j))
		if s := r.uplink.Status(); s.JournalErrs != 0 || s.Unpackable != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestContractOnlyTheUnacknowledgedComesAgain(t *testing.T) {
	contract(t, func(t *testing.T, j keeper) {
		r := newRig(t, func(c *Config) { c.Journal = j })
		for range 3 {
			j.put(t, 12_000)
		}
		r.start()
		r.until("everything is committed", r.holds(j))
		r.stop()
		last := j.Tip().Last
		j = j.again(t)
		j.put(t, 600)
		r.hub.set(func(h *testHub) { h.arrivals = nil })
		c := r.uplink.config
		c.Journal = j
		var err error
		if r.uplink, err = New(c); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.until("everything is committed", r.holds(j))
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		for _, a := range r.hub.arrivals {
			if a.first <= last {
				t.Errorf("blocks %v came again, and up to %d was acknowledged", a.span, last)
			}
		}
	})
}

func TestContractDivergenceBeginsAnEpoch(t *testing.T) {
	contract(t, func(t *testing.T, j keeper) {
		j.put(t, 600)
		r := newRig(t, func(c *Config) { c.Journal = j })
		r.start()
		r.until("everything is committed", r.holds(j))
		before := j.Tip()
		err := j.Acknowledge(journal.Commit{Epoch: before.Epoch, Committed: before.Last + 5, Head: chain.Head{1}})
		if !errors.Is(err, journal.ErrDiverged) {
			t.Fatalf("acknowledged blocks that were never kept: %v", err)
		}
		if err := j.StartEpoch("test"); err != nil {
			t.Fatal(err)
		}
		j.put(t, 600)
		r.until("everything of the new epoch is committed", r.holds(j))
		if e := j.Tip().Epoch; e != before.Epoch+1 {
			t.Errorf("epoch %d after %d", e, before.Epoch)
		}
	})
}
