package journal

import (
	"errors"
	"io/fs"
	"os"
	"slices"
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
			if j.declare(e, f.first, f.last, "no segment holds them") {
				j.restate(e, nil)
			}
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
		repaired, err = j.rebuild(s, saved, nil)
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

// rebuild writes saved records, and what their series mean as far as that is
// known, into a new file beside the segment's.
func (j *Journal) rebuild(s *segment, saved []record, series []declared) (*segment, error) {
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
	err = r.append(j.o.disk, saved, t, series)
	r.seal()
	if err != nil {
		return nil, errors.Join(err, j.o.disk.remove(path))
	}
	return r, nil
}
