package journal

import (
	"path/filepath"
	"testing"

	"frostline/proto/chain"
)

// TestAcknowledgedBetweenLosses: the hub has some blocks of a segment that is
// then damaged, and those around them are lost. What it takes from then on is
// acknowledged all the same: else it would be sent for ever.
func TestAcknowledgedBetweenLosses(t *testing.T) {
	dir := filepath.Join(memory(t), "journal")
	j := open(t, dir, opts())
	f := newFeed(t, j, 10)
	for len(j.Pending()) == 0 || j.Tip().Last < 60 {
		f.appendTo(t, j, 1)
	}
	tip := j.Tip()
	first := []Range{{21, 30}, {41, 50}}
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: 10, Head: headOf(t, j, 10), Beyond: first}); err != nil {
		t.Fatal(err)
	}
	defer loseAmid(j, 51)()
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: 10, Head: j.epoch(1).committedHead, Beyond: []Range{{21, 30}, {41, tip.Last}}}); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.PendingBlocks != 0 || s.LostBlocks != 20 {
		t.Errorf("pending %d and lost %d blocks, want none and 20", s.PendingBlocks, s.LostBlocks)
	}
}

// TestAcknowledgedWithinALoss: the hub has blocks amid those that a damaged
// segment has lost. What of them reaches beyond is acknowledged, and the rest
// waits for nothing.
func TestAcknowledgedWithinALoss(t *testing.T) {
	dir := filepath.Join(memory(t), "journal")
	j := open(t, dir, opts())
	f := newFeed(t, j, 10)
	for j.Tip().Last < 60 {
		f.appendTo(t, j, 1)
	}
	tip := j.Tip()
	head := headOf(t, j, 10)
	defer loseAmid(j, 41)()
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: 10, Head: head, Beyond: []Range{{15, 18}, {20, 20}, {25, tip.Last}}}); err != nil {
		t.Fatal(err)
	}
	s := j.Stats()
	if s.PendingBlocks != 0 || s.PendingReadings != 0 || s.LostBlocks != 30 || s.LostReadings != 300 {
		t.Errorf("pending %d and lost %d blocks with %d and %d readings, want 0 and 30 with 0 and 300", s.PendingBlocks, s.LostBlocks, s.PendingReadings, s.LostReadings)
	}
}

// loseAmid loses blocks 11 to 40 as a damaged segment does: what the hub does not
// have of them is declared lost, and none before block next can be looked at
// until the result is called.
func loseAmid(j *Journal, next uint64) (undo func()) {
	j.mu.Lock()
	e := j.epoch(1)
	j.recent = ring{}
	j.mu.Unlock()
	j.disk.Lock()
	j.declare(e, 11, 40, "a test")
	j.disk.Unlock()
	first := &e.segments[len(e.segments)-1].first
	was := *first
	*first = next
	return func() { *first = was }
}

func headOf(t *testing.T, j *Journal, number uint64) chain.Head {
	t.Helper()
	h, err := j.Head(1, number)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
