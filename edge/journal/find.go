package journal

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"frostline/proto/chain"
)

// loading is a load under way. Nothing of it shows in the Journal before all
// that can fail is done.
type loading struct {
	j *Journal
	*survey
	epochs  []*epoch
	tail    *tail // of the newest epoch, where it can be believed
	series  []declared
	active  *segment
	boot    uint32 // ordinal of the last boot that left a trace
	start   *start // of an epoch that has to be begun
	damaged []damage
	torn    bool
	rolled  int // blocks found beyond a torn commit
}

type damage struct {
	epoch   *epoch
	segment *segment
	cause   error
}

// find learns the state of all epochs from the files.
func (l *loading) find() error {
	if l.state != nil {
		l.boot = l.state.Boot
	}
	if l.survey.epoch == 0 {
		l.start = &start{Reason: "no journal was there"}
		if l.highest > 0 {
			l.start.Reason = text("nothing is left of epoch %d but files that were set aside", l.highest)
		} else if l.stateErr != nil {
			l.start.Reason = text("the journal is gone: %v", l.stateErr)
		}
		return nil
	}
	if err := l.findNewest(); err != nil {
		return err
	}
	// An epoch is known by its mark in the newest tail, or in the state file,
	// or, failing both, by its own last segment. One without segments that the
	// newer of the two does not mention is done with.
	ids := slices.Sorted(maps.Keys(l.segments))
	if t := l.tails(); len(t) > 0 {
		for _, m := range t[0].Marks {
			if !slices.Contains(ids, m.Epoch) {
				ids = append(ids, m.Epoch)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		var e *epoch
		if id == l.survey.epoch {
			continue // the newest, found already
		}
		e = &epoch{id: id, segments: l.segments[id]}
		known := false
		for _, t := range l.tails() {
			for _, m := range t.Marks {
				if m.Epoch == id {
					e.take(m)
					known = known || m.Last > 0
				}
			}
		}
		if !known {
			l.end(e)
		}
		if e.last > 0 || len(e.segments) > 0 {
			l.epochs = append(l.epochs, e)
		}
	}
	slices.SortFunc(l.epochs, func(a, b *epoch) int { return int(min(max(int64(a.id)-int64(b.id), -1), 1)) })
	return nil
}

// tails lists what says something about all epochs.
func (l *loading) tails() (out []*tail) {
	if l.tail != nil {
		out = append(out, l.tail)
	}
	if l.state != nil {
		out = append(out, &l.state.tail)
	}
	return out
}

// findNewest examines the newest segment of the newest epoch. It sets either
// tail, with active or damaged, or start.
func (l *loading) findNewest() error {
	id := l.survey.epoch
	e := &epoch{id: id, segments: l.segments[id]}
	if len(e.segments) == 0 {
		l.lose(e, errors.New("none of its segments is there"))
		return nil
	}
	s := e.segments[len(e.segments)-1]
	if s.ended { // which the newest never is
		l.lose(e, fmt.Errorf("its newest segment, after block %d, is missing", s.last))
		return nil
	}
	x := examine(s)
	if x.tail != nil && x.tail.Gateway != l.j.gateway {
		return fmt.Errorf("%w: it is of %q, and this is %q: use another directory", ErrForeign, x.tail.Gateway, l.j.gateway)
	}
	if x.tail != nil && !x.seriesOK {
		if l.state != nil && l.state.Epoch == id && len(l.state.Series) >= x.tail.Declared {
			x.series, x.seriesOK = l.state.Series, true
		} else {
			x.fault = errors.Join(x.fault, errors.New("the series table cannot be read"))
		}
	}
	l.torn = x.torn
	if x.fault != nil && (x.tail == nil || x.torn || !x.seriesOK) {
		l.lose(e, fmt.Errorf("segment %s: %w", s.name(), x.fault))
		l.damaged = append(l.damaged, damage{e, s, x.fault})
		return nil
	}
	l.tail, l.series = x.tail, x.series
	l.boot = max(l.boot, x.tail.Boot)
	e.last, e.head, e.headOK, e.readings = x.tail.Last, chain.Head(x.tail.Head), true, x.tail.Readings
	for _, t := range l.tails() {
		for _, m := range t.Marks {
			if m.Epoch == id {
				e.take(m)
			}
		}
	}
	l.epochs = append(l.epochs, e)
	if x.fault != nil {
		l.damaged = append(l.damaged, damage{e, s, x.fault})
		return nil
	}
	return l.reopen(e, s, x)
}

// reopen hands the newest segment, which is sound, to bbolt, and adds blocks
// that a torn commit left beyond its end.
func (l *loading) reopen(e *epoch, s *segment, x *exam) (err error) {
	if s.db, err = openSafely(l.j.o.disk, s.path); err != nil {
		return err
	}
	if len(x.next) > 0 {
		last := x.next[len(x.next)-1]
		t := *x.tail
		after, err := readingsAfter(last.raw)
		if err != nil {
			return err
		}
		t.Last, t.Head, t.Readings, t.Start = last.number, hash(last.head()), after, nil
		if err := s.append(l.j.o.disk, x.next, &t, nil); err != nil {
			s.seal()
			return fmt.Errorf("add %d blocks after a torn commit to segment %s: %w", len(x.next), s.name(), err)
		}
		l.tail, l.rolled = &t, len(x.next)
		e.last, e.head, e.readings = t.Last, last.head(), t.Readings
	}
	l.active = s
	return nil
}

// lose gives up the newest epoch: its end is not known, so its numbers cannot
// be continued.
func (l *loading) lose(e *epoch, cause error) {
	l.end(e)
	if l.state != nil {
		for _, m := range l.state.Marks {
			if m.Epoch == e.id {
				e.take(m)
			}
		}
	}
	if e.last > 0 || len(e.segments) > 0 {
		l.epochs = append(l.epochs, e)
	}
	l.start = &start{Reason: text("the end of epoch %d is not known: %v", e.id, cause), Epoch: e.id, Last: e.last, Readings: e.readings}
}

// end finds the end of an epoch as well as can be: the highest number that
// anything speaks of.
func (l *loading) end(e *epoch) {
	better := func(last uint64, head chain.Head, headOK bool, readings uint64) {
		if last > e.last || last == e.last && !e.headOK {
			e.last, e.head, e.headOK, e.readings = last, head, headOK, max(readings, e.readings)
		}
	}
	if l.state != nil && l.state.Epoch == e.id {
		better(l.state.Last, chain.Head(l.state.Head), true, l.state.Readings)
	}
	for i := len(e.segments) - 1; i >= 0; i-- {
		s := e.segments[i]
		found := salvage(s.path, e.id)
		l.boot = max(l.boot, found.boot)
		if t := found.tail; t != nil {
			better(t.Last, chain.Head(t.Head), true, t.Readings)
		}
		last, ok := found.last()
		if ok {
			after, err := readingsAfter(last.raw)
			better(last.number, last.head(), err == nil, after)
		}
		if least := max(s.first-1, s.last); e.last < least {
			e.last, e.headOK = least, false
		}
		if ok || found.tail != nil {
			return
		}
	}
}

// begin makes sure there is an active segment.
func (l *loading) begin() error {
	j := l.j
	if l.start == nil && l.active != nil {
		return nil
	}
	if l.start != nil {
		id := max(l.highest+1, j.o.FirstEpoch)
		for _, e := range l.epochs {
			e.over = true
		}
		l.epochs = append(l.epochs, &epoch{id: id, head: chain.Genesis(j.gateway, id), headOK: true})
		l.tail, l.series = &tail{Gateway: j.gateway, Epoch: id, Head: hash(chain.Genesis(j.gateway, id)), Start: l.start}, nil
	}
	e := l.epochs[len(l.epochs)-1]
	t := *l.tail
	t.Marks = nil
	for _, x := range l.epochs {
		t.Marks = append(t.Marks, x.mark(x.told))
	}
	t.Last, t.Head, t.Readings, t.Declared = e.last, hash(e.head), e.readings, len(l.series)
	s, err := j.create(e.last+1, &t, l.series)
	if err != nil {
		return err
	}
	if n := len(e.segments); n > 0 && e.segments[n-1].first == s.first { // it was damaged and empty
		l.damaged = slices.DeleteFunc(l.damaged, func(d damage) bool { return d.segment.path == s.path })
		e.segments = e.segments[:n-1]
	}
	e.segments = append(e.segments, s)
	l.active, l.tail = s, &t
	return nil
}
