package journal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/proto/chain"
)

// Range is the blocks First to Last.
type Range struct{ First, Last uint64 }

// Commit is what the hub has committed of an epoch: synced to its disk.
type Commit struct {
	Epoch     uint32
	Committed uint64     // blocks 1 to Committed, 0 for none
	Head      chain.Head // after it, as the hub says
	Beyond    []Range    // committed beyond the first hole
}

// Acknowledge takes what the hub has committed; the journal may delete it from
// then on. Going back, and repeating, have no effect. It fails with
// ErrDiverged, and forgets nothing, where the hub has committed another chain:
// then a new epoch has to be started.
//
// It is not on disk when it returns. It is written with the next block, or by
// Run, and in any case before a file is deleted; losing it means sending again.
func (j *Journal) Acknowledge(c Commit) error {
	j.mu.Lock()
	if !j.loaded {
		j.mu.Unlock()
		return nil
	}
	j.seen = max(j.seen, c.Epoch)
	present := j.present().id
	e := j.epoch(c.Epoch)
	var committed, last uint64
	if e != nil {
		committed, last = e.committed, e.last
	}
	j.count.acks++
	j.count.lastAck = time.Now()
	j.mu.Unlock()
	switch {
	case c.Epoch > present:
		return fmt.Errorf("%w: the hub has epoch %d, and the journal's last is %d", ErrDiverged, c.Epoch, present)
	case e == nil:
		return nil // acknowledged and gone
	case c.Committed > last:
		return fmt.Errorf("%w: the hub has block %d of epoch %d, and the journal's last is %d", ErrDiverged, c.Committed, c.Epoch, last)
	}
	for _, r := range c.Beyond {
		if r.First == 0 || r.Last < r.First || r.Last > last {
			return fmt.Errorf("%w: the hub has blocks %d to %d of epoch %d, and the journal's last is %d", ErrDiverged, r.First, r.Last, c.Epoch, last)
		}
	}
	if c.Committed > 0 && c.Committed >= committed {
		head, err := j.Head(c.Epoch, c.Committed)
		if err == nil && head != c.Head {
			return fmt.Errorf("%w: after block %d of epoch %d the hub's head is %.16s, and the journal's %.16s", ErrDiverged, c.Committed, c.Epoch, c.Head, head)
		}
		// Where our own head cannot be known, around a lost block, the hub's word stands.
	}
	ranges := c.Beyond
	if c.Committed > committed {
		ranges = append([]Range{{1, c.Committed}}, ranges...)
	}
	var got []span
	var unknown error // of ranges that cannot be counted: the others are acknowledged all the same
	for _, r := range ranges {
		found, err := j.measure(e, r)
		if err != nil {
			unknown = errors.Join(unknown, fmt.Errorf("acknowledge blocks %d to %d of epoch %d: %w", r.First, r.Last, e.id, err))
		}
		got = append(got, found...)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, x := range got {
		e.acked.add(x)
		e.settled.add(x)
	}
	if c.Committed > e.committed {
		e.committed, e.committedHead = c.Committed, c.Head
	}
	if e.idle(j.active) {
		j.work = true
		j.start()
	}
	return unknown
}

// measure counts the readings of a range that the hub has. One that begins or
// ends among blocks that are lost here cannot be counted whole: what lies outside
// of these is, and they wait for nothing.
func (j *Journal) measure(e *epoch, r Range) (out []span, err error) {
	whole, err := j.readingsOf(e, r)
	if err == nil {
		return []span{whole}, nil
	}
	j.mu.Lock()
	lost := slices.Clone(e.lost)
	j.mu.Unlock()
	parts := lost.without(r.First, r.Last)
	if len(parts) == 1 && parts[0].First == r.First && parts[0].Last == r.Last {
		return nil, err
	}
	err = nil
	for _, p := range parts {
		x, failed := j.readingsOf(e, Range{p.First, p.Last})
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		out = append(out, x)
	}
	return out, err
}

// readingsOf counts the readings of a range.
func (j *Journal) readingsOf(e *epoch, r Range) (span, error) {
	j.mu.Lock()
	x, ok := e.acked.at(r.First)
	j.mu.Unlock()
	if ok && x.Last >= r.Last {
		return x, nil
	}
	var err error
	if !ok { // else it goes on from what is acknowledged already
		x.First = r.First
		if x.Before, err = j.readingsBefore(e, r.First); err != nil {
			return x, err
		}
	}
	x.Last = r.Last
	x.After, err = j.readingsBefore(e, r.Last+1)
	return x, err
}

// idle reports whether a segment other than the active one is settled.
// Journal.mu is held.
func (e *epoch) idle(active *segment) bool {
	return slices.ContainsFunc(e.segments, func(s *segment) bool {
		return s != active && e.settledWhole(s)
	})
}

// settledWhole reports whether all blocks of a segment are acknowledged or
// declared lost. Journal.mu is held.
func (e *epoch) settledWhole(s *segment) bool {
	end := e.end(s)
	return end < s.first || e.settled.covers(s.first, end)
}
