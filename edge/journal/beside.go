package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"frostline/edge/journal/boltfile"
)

// InUse reports whether an agent has the journal in a directory open.
func InUse(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close() // read only
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return errors.Is(err, unix.EWOULDBLOCK)
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN) // what closing does, even while a child is being started
	return false
}

// copyTries is how often a segment is copied anew because a commit went on
// meanwhile: a copy takes milliseconds, and commits are a second apart.
const copyTries = 100

// copySegment reads a segment file whole, as it is at one commit, while another
// process may be writing it.
//
// bbolt never changes pages of the newest commit. Those that the next commit
// leaves behind are free only in the one after that. So a copy is sound if the
// newest commit is still the same when it is done.
func copySegment(path string) (*boltfile.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only
	for range copyTries {
		st, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if st.Size() > maxSegment {
			return nil, fmt.Errorf("%w: %d bytes, the limit is %d", boltfile.ErrDamaged, st.Size(), maxSegment)
		}
		b := make([]byte, st.Size())
		if n, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%w: %w", boltfile.ErrDamaged, err)
		} else if n < len(b) {
			continue // it got shorter
		}
		was, err := boltfile.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return nil, err
		}
		now, err := boltfile.Open(f, st.Size())
		if err == nil && now.Transaction == was.Transaction {
			return was, nil
		}
	}
	return nil, fmt.Errorf("read %s beside the agent: it changed %d times while it was read; try again", path, copyTries)
}
