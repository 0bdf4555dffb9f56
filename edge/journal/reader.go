package journal

import (
	"errors"
	"fmt"
	"io/fs"

	"frostline/edge/journal/boltfile"
	"frostline/proto/chain"
)

// reader is one Read under way.
type reader struct {
	j         *Journal
	e         *epoch
	run       *Run
	next      uint64 // number wanted
	found     uint64 // number that the segment has instead
	head      chain.Head
	bytes     int
	maxBlocks int
	maxBytes  int
	done      bool
}

// flaw is a place where a segment is not as it should be.
type flaw struct {
	segment *segment // nil: no segment has the blocks
	first   uint64   // blocks, where segment is nil
	last    uint64
	cause   error
}

// isDamage tells an error that lies in the file from one of the moment, such as
// too many open files.
func isDamage(err error) bool {
	return errors.Is(err, errRecord) || errors.Is(err, boltfile.ErrDamaged) || errors.Is(err, boltfile.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}

// read fills the run from one or more segments. A flaw behind its first block
// is left for the next Read.
func (r *reader) read() (*flaw, error) {
	for !r.done {
		s, end, bad := r.place()
		if r.done || bad != nil {
			return bad, nil
		}
		r.found = end + 1
		err := s.each(r.next, end, func(x record) bool { return r.take(x, end) })
		switch {
		case errors.Is(err, errGone):
			continue // replaced meanwhile
		case isDamage(err):
			return &flaw{segment: s, cause: err}, nil
		case err != nil:
			return nil, err
		case !r.done && r.next <= end:
			if r.settled(r.next, r.found-1) {
				r.jump(r.found)
				continue
			}
			return &flaw{segment: s, cause: fmt.Errorf("%w: block %d", errMissing, r.next)}, nil
		}
	}
	return nil, nil
}

// place finds the segment of the next block, past what is lost or deleted.
func (r *reader) place() (*segment, uint64, *flaw) {
	r.j.mu.Lock()
	defer r.j.mu.Unlock()
	for {
		if r.next > r.e.last {
			r.done = true
			return nil, 0, nil
		}
		s, end := r.e.find(r.next)
		if x, lost := r.e.lost.at(r.next); lost {
			r.jump(x.Last + 1)
			if r.done {
				return nil, 0, nil
			}
			continue
		}
		if r.e == r.j.present() {
			if fresh := r.j.recent.from(r.next); fresh != nil {
				for _, x := range fresh {
					if !r.take(x, r.e.last) {
						break
					}
				}
				r.done = true // at the end, or full
				return nil, 0, nil
			}
		}
		if s != nil && r.next <= end {
			for _, x := range r.e.lost { // the file may still be there
				if x.First > r.next {
					end = min(end, x.First-1)
					break
				}
			}
			return s, end, nil
		}
		// No file has it. That is in order when the hub has it.
		until := r.e.last
		for _, s := range r.e.segments {
			if s.first > r.next {
				until = s.first - 1
				break
			}
		}
		if x, settled := r.e.settled.at(r.next); settled {
			r.jump(min(x.Last, until) + 1)
			if r.done {
				return nil, 0, nil
			}
			continue
		}
		if x := r.e.settled.without(r.next, until); len(x) > 0 {
			return nil, 0, &flaw{first: r.next, last: x[0].Last, cause: errMissing}
		}
	}
}

// settled reports whether blocks need not be there: the hub has them, or they
// are declared lost.
func (r *reader) settled(first, last uint64) bool {
	r.j.mu.Lock()
	defer r.j.mu.Unlock()
	return r.e.settled.covers(first, last)
}

// jump goes on at a later block, or ends the run if it has begun.
func (r *reader) jump(number uint64) {
	if len(r.run.Blocks) > 0 {
		r.done = true
		return
	}
	r.next = number
	r.run.First = number
}

// take adds a record to the run, if it is the next and there is room, and
// reports whether to go on.
func (r *reader) take(x record, end uint64) bool {
	if x.number != r.next || x.number > end {
		r.found = min(r.found, x.number)
		return false
	}
	n := len(r.run.Blocks)
	if n > 0 && (x.prev != r.head || r.bytes+len(x.raw) > r.maxBytes) {
		r.done = true // what does not follow on is not of this run
		return false
	}
	if n == 0 {
		r.run.First, r.run.PrevHead = x.number, x.prev
	}
	x = x.clone()
	r.run.Blocks = append(r.run.Blocks, x.raw)
	r.bytes += len(x.raw)
	r.head = x.head()
	r.next++
	r.done = n+1 >= r.maxBlocks
	return !r.done
}
