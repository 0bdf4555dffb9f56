package journal

import (
	"fmt"
	"time"
)

// ready makes sure that there is an active segment with room. j.disk is held.
func (j *Journal) ready() error {
	if err := j.load(); err != nil {
		return err
	}
	if err := j.resolve(); err != nil {
		return err
	}
	s := j.active
	if s != nil && s.size < j.o.SegmentBytes && (time.Since(s.begun) < j.o.SegmentAge || s.size <= emptySegment) {
		return nil
	}
	err := j.rotate()
	if err != nil && s != nil && j.active == s && j.doubt == "" {
		if !j.stuck {
			j.log.Warn("segment cannot be closed; it goes on growing", "segment", s.name(), "error", err)
		}
		j.stuck = true
		return nil
	}
	j.stuck = false
	return err
}

// commit writes a group in one transaction and, once it is synced, makes it
// known. After an error nothing is kept. j.disk is held.
func (j *Journal) commit(group []*request, flush bool) (Kept, error) {
	p, err := j.plan(group)
	if err != nil {
		j.unplan(p)
		return Kept{}, err
	}
	if len(p.records) == 0 && !(flush && j.unsaid()) {
		j.unplan(p)
		j.mu.Lock()
		j.count.repeats += uint64(p.repeats)
		j.mu.Unlock()
		return Kept{Epoch: p.epoch.id, PrevHead: p.prev, Repeats: p.repeats}, nil
	}
	s := j.active
	if err := s.append(j.o.disk, p.records, p.tail, p.series); err != nil {
		j.unplan(p)
		j.suspect(s, p, err)
		return Kept{}, fmt.Errorf("commit to segment %s: %w", s.name(), err)
	}
	return j.apply(p), nil
}

// unsaid reports whether the disk does not know all acknowledgements yet.
func (j *Journal) unsaid() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.epochs {
		for _, x := range e.acked {
			if !e.durable.covers(x.First, x.Last) {
				return true
			}
		}
	}
	return false
}

// unplan gives back what plan took.
func (j *Journal) unplan(p *plan) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.gap != nil {
		later := j.held.gap
		if j.held.gap = p.gap; later != nil {
			j.held.lose(later)
		}
		j.held.lostEvents += p.events
	}
}

// suspect decides about a segment after a commit to it failed. A full disk that
// left no trace does no harm. After anything else nobody knows what is on the
// disk: no more is written to that file, and a block number in it that was not
// reported as kept does not count, because the next segment begins with it.
func (j *Journal) suspect(s *segment, p *plan, cause error) {
	t, err := s.committedTail()
	if noSpace(cause) && err == nil && t.Last == p.epoch.last {
		return
	}
	s.seal()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.active == s {
		j.active = nil
	}
	j.count.broken++
}

// apply makes a synced commit known.
func (j *Journal) apply(p *plan) Kept {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := p.epoch
	kept := Kept{Epoch: e.id, PrevHead: p.prev, Repeats: p.repeats}
	for _, r := range p.records {
		kept.Blocks = append(kept.Blocks, r.raw)
		j.recent.push(r)
		j.count.written += uint64(len(r.raw) + recordHeader + 24)
	}
	if len(p.records) > 0 {
		kept.First = p.records[0].number
	}
	if j.active != nil {
		j.active.bytes = j.active.size
	}
	e.last, e.head, e.readings = p.tail.Last, [32]byte(p.tail.Head), p.tail.Readings
	for id, t := range p.ticks {
		j.ticks[id] = t
	}
	j.tick = p.tail.Tick
	j.begin = p.tail.Start
	for source, b := range p.anchors {
		j.anchors[source] = b
	}
	for _, d := range p.series {
		j.table.declared[d.ID] = true
	}
	j.owed = j.owed || len(p.series) > 0
	j.bare = j.bare && !p.preface
	for _, n := range j.notices[:p.notices] {
		if e := j.epoch(n.epoch); e != nil {
			e.said = place{p.epoch.id, p.tail.Last}
		}
	}
	j.notices = j.notices[p.notices:]
	if p.gap != nil {
		j.count.dropped += p.gap.Readings
	}
	for _, m := range p.tail.Marks {
		if e := j.epoch(m.Epoch); e != nil {
			for _, x := range m.Acked {
				e.durable.add(x)
			}
			for _, x := range m.Lost {
				j.owed = j.owed || !e.told.covers(x.First, x.Last)
				e.told.add(x)
			}
		}
	}
	j.count.repeats += uint64(p.repeats)
	j.count.commits++
	if len(p.records) > 0 {
		j.notify()
	}
	return kept
}
