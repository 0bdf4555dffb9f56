package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// heal deals with a place that could not be read, so that reading goes on
// behind it.
func (j *Journal) heal(e *epoch, f *flaw) error {
	j.disk.Lock()
	defer j.disk.Unlock()
	if f.segment == nil {
		j.mu.Lock()
		s, end := e.find(f.first)
		j.mu.Unlock()
		if s == nil || end < f.first {
			j.declare(e, f.first, f.last, "no segment holds them")
		}
		return nil
	}
	j.mu.Lock()
	active := f.segment == j.active
	j.mu.Unlock()
	if active {
		if err := j.rotate(); err != nil {
			return errors.Join(f.cause, err)
		}
	}
	j.repair(e, f.segment, f.cause)
	j.mu.Lock()
	defer j.mu.Unlock()
	if slices.Contains(e.segments, f.segment) {
		return f.cause
	}
	return nil
}

// end is the number of the last block that a segment is to have. Records
// beyond it do not count: they were never reported as kept. Journal.mu is held.
func (e *epoch) end(s *segment) uint64 {
	if s.ended {
		return s.last
	}
	i := slices.Index(e.segments, s)
	if i >= 0 && i+1 < len(e.segments) {
		return e.segments[i+1].first - 1
	}
	return e.last
}

// repair sets a damaged segment aside and puts what could be saved of it in its
// place. What is lost and not acknowledged is declared. j.disk is held; the
// segment is not the active one.
func (j *Journal) repair(e *epoch, s *segment, cause error) {
	j.mu.Lock()
	if s.gone || !slices.Contains(e.segments, s) {
		j.mu.Unlock()
		return
	}
	end := e.end(s)
	head := j.headHere(e, end)
	j.mu.Unlock()

	s.seal()
	var repaired *segment
	err := j.end(e, s)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = j.endBefore(e, s)
	}
	if err == nil && j.halfDone(s) {
		if err = j.o.disk.rename(s.path+repairedSuffix, s.path); err == nil {
			repaired = s.successor()
		}
	}
	found := salvage(s.path, s.epoch)
	saved := found.chain(s.first, end, head)
	if repaired != nil {
		j.replace(e, s, repaired)
		j.lose(e, repaired, saved, end, cause)
		return
	}
	if err == nil && len(saved) > 0 {
		repaired, err = j.rebuild(s, saved)
	}
	aside := ""
	missing := errors.Is(found.err, fs.ErrNotExist)
	if err == nil && found.err != nil && !missing {
		err = found.err // of the moment, such as too many open files
	}
	if err == nil && !missing {
		aside, err = j.putAside(s.path)
	}
	if err == nil && repaired != nil {
		err = j.o.disk.rename(s.path+repairedSuffix, s.path)
	}
	if err != nil { // nothing is lost yet: it is tried again when the segment is read again
		j.log.Error("damaged segment could not be repaired", "segment", s.name(), "damage", cause, "error", err)
		return
	}
	where := "it is missing"
	if aside != "" {
		where = "it is set aside as " + aside
	}
	j.mu.Lock()
	j.fault("segment %s is damaged (%v): %s, %d of its %d blocks are saved", s.name(), cause, where, len(saved), end+1-s.first)
	j.mu.Unlock()
	j.replace(e, s, repaired)
	j.lose(e, s, saved, end, cause)
}

// successor is a segment that takes the place of this one.
func (s *segment) successor() *segment {
	return &segment{epoch: s.epoch, first: s.first, path: s.path, ended: s.ended, last: s.last}
}

// halfDone reports whether a repair has set the damaged file aside, and failed
// before it put the repaired one in its place.
func (j *Journal) halfDone(s *segment) bool {
	_, err1 := os.Lstat(s.path)
	_, err2 := os.Lstat(s.path + repairedSuffix)
	return errors.Is(err1, fs.ErrNotExist) && err2 == nil
}

// replace puts a repaired segment, or nothing, in the place of another.
func (j *Journal) replace(e *epoch, s, repaired *segment) {
	s.retire()
	if repaired != nil {
		j.weigh(repaired)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	at := slices.Index(e.segments, s)
	if e.segments = slices.Clone(e.segments); repaired != nil {
		e.segments[at] = repaired
		return
	}
	e.segments = slices.Delete(e.segments, at, at+1)
}

// lose declares the blocks of a damaged segment that could not be saved.
func (j *Journal) lose(e *epoch, s *segment, saved []record, end uint64, cause error) {
	have := spans{}
	for _, r := range saved {
		have.add(span{First: r.number, Last: r.number})
	}
	for _, hole := range have.without(s.first, end) {
		j.declare(e, hole.First, hole.Last, fmt.Sprintf("damaged segment %s: %v", s.name(), cause))
	}
}

// rebuild writes saved records into a new file beside the damaged one.
func (j *Journal) rebuild(s *segment, saved []record) (*segment, error) {
	path := s.path + repairedSuffix
	if err := j.o.disk.remove(path); err != nil {
		return nil, err
	}
	last := saved[len(saved)-1]
	after, err := readingsAfter(last.raw)
	if err != nil {
		return nil, err
	}
	r := s.successor()
	if r.db, err = openSafely(j.o.disk, path); err != nil {
		return nil, err
	}
	t := &tail{Gateway: j.gateway, Epoch: s.epoch, Last: last.number, Head: hash(last.head()), Readings: after}
	err = r.append(j.o.disk, saved, t, nil)
	r.seal()
	if err != nil {
		return nil, errors.Join(err, j.o.disk.remove(path))
	}
	return r, nil
}

// declare says that blocks first to last are lost, except those that the hub
// has acknowledged. j.disk is held.
func (j *Journal) declare(e *epoch, first, last uint64, reason string) {
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
}

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
	x, known := e.settled.at(number)
	y, follows := e.settled.at(number - 1)
	j.mu.Unlock()
	switch {
	case number <= 1:
		return 0, nil
	case number == last+1:
		return readings, nil
	case known && x.First == number:
		return x.Before, nil
	case follows && y.Last == number-1:
		return y.After, nil
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
