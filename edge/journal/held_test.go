package journal

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// turningDisk takes nothing, and later takes its time.
type turningDisk struct {
	localDisk
	fails, waits atomic.Bool
	at, gate     chan struct{}
}

func (d *turningDisk) commit(tx *bbolt.Tx) error {
	if d.fails.Load() {
		return errors.Join(tx.Rollback(), unix.EIO)
	}
	if d.waits.Load() {
		d.at <- struct{}{}
		<-d.gate
	}
	return d.localDisk.commit(tx)
}

// TestHeldUntilItIsKept: what was in memory counts as held while it is being
// written: the power may fail then.
func TestHeldUntilItIsKept(t *testing.T) {
	d := &turningDisk{at: make(chan struct{}, 100), gate: make(chan struct{})}
	o := opts()
	o.disk = d
	j := open(t, memory(t), o)
	f := newFeed(t, j, 5)
	f.appendTo(t, j, 1)
	d.fails.Store(true)
	for range 3 {
		if _, err := j.Append(context.Background(), f.next(), nil); !errors.Is(err, ErrHeld) {
			t.Fatal(err)
		}
	}
	d.waits.Store(true)
	d.fails.Store(false)
	done := make(chan error, 1)
	go func() { done <- j.Flush(context.Background()) }()
	<-d.at
	if s := j.Stats(); s.HeldReadings != 15 || s.HeldBlocks == 0 || s.PendingReadings != 5 {
		t.Errorf("while it is being kept: %+v", s)
	}
	close(d.gate)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.HeldReadings != 0 || s.HeldBlocks != 0 || s.PendingReadings != 20 {
		t.Errorf("afterwards: %+v", s)
	}
}
