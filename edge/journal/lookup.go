package journal

import (
	"errors"
	"fmt"

	"frostline/proto/block"
	"frostline/proto/chain"
)

// errMissing says that a block is in no segment.
var errMissing = errors.New("block is not in the journal")

// record reads one block of an epoch.
func (j *Journal) record(e *epoch, number uint64) (record, error) {
	for {
		j.mu.Lock()
		if e == j.present() {
			if r := j.recent.from(number); r != nil {
				j.mu.Unlock()
				return r[0], nil
			}
		}
		s, end := e.find(number)
		last := e.last
		j.mu.Unlock()
		if s == nil || number > end || number > last {
			return record{}, fmt.Errorf("%w: block %d of epoch %d", errMissing, number, e.id)
		}
		r, err := s.get(number)
		if errors.Is(err, errGone) {
			continue
		}
		return r, err
	}
}

// find gives the segment that is to have a block, nil when there is none, and
// that segment's last number. j.mu is held.
func (e *epoch) find(number uint64) (*segment, uint64) {
	for i := len(e.segments) - 1; i >= 0; i-- {
		if s := e.segments[i]; s.first <= number {
			return s, e.end(s)
		}
	}
	return nil, 0
}

// readingsBefore counts the readings of the epoch before a block, which may be
// the one after the last.
func (j *Journal) readingsBefore(e *epoch, number uint64) (uint64, error) {
	j.mu.Lock()
	last, readings := e.last, e.readings
	// What is lost beside what is acknowledged is one span of what is settled,
	// and the boundary between them is known to those two alone.
	n, known := uint64(0), false
	for _, set := range []spans{e.settled, e.acked, e.lost} {
		if x, ok := set.at(number); ok && x.First == number {
			n, known = x.Before, true
		}
		if x, ok := set.at(number - 1); ok && x.Last == number-1 {
			n, known = x.After, true
		}
	}
	j.mu.Unlock()
	switch {
	case number <= 1:
		return 0, nil
	case number == last+1:
		return readings, nil
	case known:
		return n, nil
	}
	r, err := j.record(e, number)
	if err == nil {
		_, before, _, err := blockStart(r.raw)
		return before, err
	}
	if r, e := j.record(e, number-1); e == nil {
		b, e := block.Decode(r.raw)
		if e == nil {
			return b.After(), nil
		}
	}
	return 0, err
}

// headHere gives the chain head after a block, as far as it is known without
// reading a file. j.mu is held.
func (j *Journal) headHere(e *epoch, number uint64) *chain.Head {
	var h chain.Head
	switch {
	case number == 0:
		h = chain.Genesis(j.gateway, e.id)
	case number == e.last && e.headOK:
		h = e.head
	case number == e.committed:
		h = e.committedHead
	default:
		return nil
	}
	return &h
}

// Head gives the chain head after a block of an epoch, 0 being before the
// first. It fails where neither the block after it nor the acknowledgement of
// it is there any more.
func (j *Journal) Head(epoch uint32, number uint64) (chain.Head, error) {
	j.mu.Lock()
	e := j.epoch(epoch)
	if e == nil {
		j.mu.Unlock()
		return chain.Head{}, fmt.Errorf("head of epoch %d: %w", epoch, errMissing)
	}
	h := j.headHere(e, number)
	last := e.last
	j.mu.Unlock()
	if h != nil {
		return *h, nil
	}
	if number > last {
		return chain.Head{}, fmt.Errorf("head of epoch %d after block %d, beyond %d: %w", epoch, number, last, errMissing)
	}
	r, err := j.record(e, number+1)
	if err == nil {
		return r.prev, nil
	}
	if r, e := j.record(e, number); e == nil {
		return r.head(), nil
	}
	return chain.Head{}, fmt.Errorf("head of epoch %d after block %d: %w", epoch, number, err)
}
