package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// survey is what lies in the directory.
type survey struct {
	segments map[uint32][]*segment // by epoch; by first
	epoch    uint32                // the highest that a segment or the state speaks of
	highest  uint32                // of a damaged file too: numbers do not come again
	state    *state                // nil where there is none to believe
	stateErr error                 // why not
	aside    int                   // damaged files, set aside
}

// survey lists the directory, and finishes what a crash left half done.
func (j *Journal) survey() (*survey, error) {
	v := &survey{segments: map[uint32][]*segment{}}
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Name()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		path := filepath.Join(j.dir, name)
		if whole, ok := strings.CutSuffix(name, repairedSuffix); ok {
			if !have[whole] {
				if err := j.o.disk.rename(path, filepath.Join(j.dir, whole)); err != nil {
					return nil, err
				}
				have[whole] = true
				name, path = whole, filepath.Join(j.dir, whole)
			} else if err := j.o.disk.remove(path); err != nil {
				return nil, err
			}
		}
		if strings.HasSuffix(name, newSuffix) {
			if err := j.o.disk.remove(path); err != nil {
				return nil, err
			}
		}
		stem, _, aside := strings.Cut(name, damagedMark)
		if aside {
			v.aside++
		}
		s, ok := parseSegmentName(stem)
		if !ok {
			continue
		}
		v.highest = max(v.highest, s.epoch)
		if aside {
			continue
		}
		v.epoch = max(v.epoch, s.epoch)
		if !slices.ContainsFunc(v.segments[s.epoch], func(o *segment) bool { return s.first == o.first }) {
			s.path, s.begun, s.bytes = path, time.Now(), diskUse(path)
			v.segments[s.epoch] = append(v.segments[s.epoch], s)
		}
	}
	for _, s := range v.segments {
		slices.SortFunc(s, func(a, b *segment) int { return int(min(max(int64(a.first)-int64(b.first), -1), 1)) })
	}
	if v.state, err = readState(j.dir); err != nil {
		v.state = nil
		if !errors.Is(err, fs.ErrNotExist) {
			v.stateErr = err
		}
	} else {
		v.epoch = max(v.epoch, v.state.Epoch)
	}
	v.highest = max(v.highest, v.epoch)
	return v, nil
}

// lockDir keeps other processes out of the directory.
func (j *Journal) lockDir() error {
	if j.lock != nil {
		return nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.Open(j.dir)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
		}
		return errors.Join(err, f.Close())
	}
	j.lock = f
	return nil
}

func (j *Journal) unlock() {
	if j.lock != nil {
		// Given back outright: a program that is just being started has a copy of
		// the handle for a moment, and closing alone would leave it the lock.
		_ = unix.Flock(int(j.lock.Fd()), unix.LOCK_UN)
		_ = j.lock.Close() // a lock, not data
		j.lock = nil
	}
}

// load finds out where the chain ends and makes a segment to go on with. It
// does nothing when that is done already, and can be called again after it
// failed. The package comment tells the order in which sources are believed.
// j.disk is held.
func (j *Journal) load() error {
	j.mu.Lock()
	loaded := j.loaded
	j.mu.Unlock()
	if loaded {
		return nil
	}
	if err := j.lockDir(); err != nil {
		return err
	}
	if j.doubt != "" { // what is there now counts, once that is certain
		if err := j.o.disk.sync(j.dir); err != nil {
			return err
		}
		j.doubt = ""
	}
	v, err := j.survey()
	if err != nil {
		return fmt.Errorf("look at the journal: %w", err)
	}
	if v.state != nil && v.state.Gateway != j.gateway {
		return fmt.Errorf("%w: it is of %q, and this is %q: use another directory", ErrForeign, v.state.Gateway, j.gateway)
	}
	j.mu.Lock()
	j.aside = v.aside
	j.mu.Unlock()
	l := &loading{j: j, survey: v}
	if err := l.find(); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	l.adopt()
	j.endAll()
	for _, d := range l.damaged {
		j.repair(d.epoch, d.segment, d.cause)
	}
	j.saveState()
	j.makeBallast()
	return nil
}
