package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// end gives a sealed segment the name that says where it ends. Before that
// its end is where the next one begins, so none may go before this is done:
// beyond the end of a segment lies what a failed commit left. j.disk is held.
func (j *Journal) end(e *epoch, s *segment) error {
	j.mu.Lock()
	ended, last := s.ended, e.end(s)
	j.mu.Unlock()
	if ended {
		return nil
	}
	path := filepath.Join(j.dir, endedName(s.epoch, s.first, last))
	s.use.Lock()
	err := j.o.disk.rename(s.path, path)
	if _, e := os.Lstat(path); e == nil {
		s.path = path // though that may not be certain yet
	}
	s.use.Unlock()
	if err != nil {
		return fmt.Errorf("give segment %s its end: %w", s.name(), err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.ended, s.last = true, last
	return nil
}

// endAll ends all segments but the active one. What fails is tried again.
// j.disk is held.
func (j *Journal) endAll() {
	j.mu.Lock()
	type open struct {
		e *epoch
		s *segment
	}
	var all []open
	for _, e := range j.epochs {
		for _, s := range e.segments {
			if s != j.active && !s.ended {
				all = append(all, open{e, s})
			}
		}
	}
	j.mu.Unlock()
	var failed error
	for _, x := range all {
		if err := j.end(x.e, x.s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = err
		}
	}
	j.again("segments could not be renamed; it is tried again", "segments are renamed again", failed)
}

// endBefore makes sure that a segment can go: that the one before it has its
// end. j.disk is held.
func (j *Journal) endBefore(e *epoch, s *segment) error {
	j.mu.Lock()
	var p *segment
	if i := slices.Index(e.segments, s); i > 0 {
		p = e.segments[i-1]
	}
	j.mu.Unlock()
	if p == nil {
		return nil
	}
	return j.end(e, p)
}
