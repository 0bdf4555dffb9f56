package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// resolve makes sure that a segment, of which it is not known whether it was
// begun, is not there: it would pass for the newest after a restart, and hide
// what is kept in the one before. j.disk is held.
func (j *Journal) resolve() error {
	if j.doubt == "" {
		return nil
	}
	_, err := os.Lstat(j.doubt)
	if err == nil {
		_, err = j.putAside(j.doubt)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = j.o.disk.sync(j.dir)
	}
	if err == nil {
		j.doubt = ""
	}
	return err
}

// create makes a segment, and remembers where that is not certain. j.disk is held.
func (j *Journal) create(first uint64, t *tail, series []declared) (*segment, error) {
	s, aside, err := createSegment(j.o.disk, j.dir, first, t, series)
	if aside != "" {
		j.mu.Lock()
		j.aside++
		j.fault("segment %s holds nothing that was kept and could not be used; it is set aside as %s", segmentName(t.Epoch, first), aside)
		j.mu.Unlock()
	}
	if errors.Is(err, errDoubt) {
		j.doubt = filepath.Join(j.dir, segmentName(t.Epoch, first))
	}
	return s, err
}

// emptySegment is about the size of a segment without blocks, in bytes.
const emptySegment = 32 << 10

// rotate begins a new segment of the present epoch. j.disk is held.
func (j *Journal) rotate() error {
	j.mu.Lock()
	e, t, series := j.present(), j.tail(false), j.known()
	j.mu.Unlock()
	s, err := j.create(e.last+1, t, series)
	if err != nil {
		return err
	}
	j.activate(e, s)
	j.saveState()
	j.tidied = time.Time{} // look at the space taken
	return nil
}

// activate makes s the active segment, in the place of one that has the same
// name if there is such. j.disk is held.
func (j *Journal) activate(e *epoch, s *segment) {
	j.mu.Lock()
	old := j.active
	segments := slices.Clone(e.segments)
	if n := len(segments); n > 0 && segments[n-1].first == s.first {
		old = segments[n-1]
		segments = segments[:n-1]
	}
	e.segments = append(segments, s)
	j.active, j.bare = s, true
	j.mu.Unlock()
	if old != nil {
		old.seal()
		j.weigh(old)
	}
	j.endAll()
}

// weigh looks at what a sealed segment takes on disk.
func (j *Journal) weigh(s *segment) {
	n := diskUse(s.path)
	j.mu.Lock()
	defer j.mu.Unlock()
	s.bytes = n
}

// putAside sets a damaged file aside and counts it. j.disk is held.
func (j *Journal) putAside(path string) (string, error) {
	name, err := setAside(j.o.disk, path)
	if err == nil {
		j.mu.Lock()
		j.aside++
		j.mu.Unlock()
	}
	return name, err
}
