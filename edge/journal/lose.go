package journal

import (
	"errors"
	"fmt"

	"frostline/proto/pb"
)

// lose declares the blocks of a damaged segment that could not be saved.
func (j *Journal) lose(e *epoch, s *segment, saved []record, end uint64, cause error) {
	have := spans{}
	for _, r := range saved {
		have.add(span{First: r.number, Last: r.number})
	}
	lost := false
	for _, hole := range have.without(s.first, end) {
		lost = j.declare(e, hole.First, hole.Last, fmt.Sprintf("damaged segment %s: %v", s.name(), cause)) || lost
	}
	if lost {
		j.restate(e, nil)
	}
}

// declare says that blocks first to last are lost, except those that the hub
// has acknowledged; false where it has all of them. j.disk is held.
func (j *Journal) declare(e *epoch, first, last uint64, reason string) bool {
	j.mu.Lock()
	holes := e.settled.without(first, last)
	j.mu.Unlock()
	for _, h := range holes {
		before, err1 := j.readingsBefore(e, h.First)
		after, err2 := j.readingsBefore(e, h.Last+1)
		why := reason
		if errors.Join(err1, err2) != nil || after < before {
			why += "; how many readings is not known"
			if err1 != nil {
				before = after
			} else {
				after = before
			}
		}
		h.Before, h.After = before, after
		j.mu.Lock()
		e.lost.add(h)
		e.settled.add(h)
		j.log.Error("blocks are lost", "epoch", e.id, "first", h.First, "last", h.Last, "readings", h.readings(), "reason", why)
		j.notices = append(j.notices, notice{epoch: e.id, event: &pb.Event{AtMs: j.o.Boottime(), Kind: &pb.Event_Gap{
			Gap: &pb.Gap{First: h.First, Last: h.Last, Readings: h.readings(), Reason: text("%s", why)}}}})
		j.mu.Unlock()
	}
	return len(holes) > 0
}
