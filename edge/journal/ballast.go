package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const ballastName = "ballast"

// dropBallast frees the disk space in reserve, so that the last readings and
// the alarm about a full disk can be written. It reports whether there was
// any. j.disk is held.
func (j *Journal) dropBallast() bool {
	path := filepath.Join(j.dir, ballastName)
	if _, err := os.Lstat(path); err != nil {
		return false
	}
	if err := j.o.disk.remove(path); err != nil {
		j.log.Warn("disk space in reserve could not be freed", "error", err)
		return false
	}
	j.log.Warn("the disk is full: the space in reserve is used")
	return true
}

// makeBallast takes disk space in reserve, when there is enough of it and no
// outage. j.disk is held.
func (j *Journal) makeBallast() {
	size := j.o.BallastBytes
	path := filepath.Join(j.dir, ballastName)
	if size < 0 {
		return
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	var st unix.Statfs_t
	if err := unix.Statfs(j.dir, &st); err != nil || int64(st.Bavail)*int64(st.Bsize) < 4*size {
		return
	}
	err := reserve(path, size)
	j.again("disk space could not be reserved; it is tried again", "disk space is in reserve again", err)
	if err != nil {
		_ = os.Remove(path) // it takes space and is of no use
	}
}

// reserve makes a file that takes up size bytes.
func reserve(path string, size int64) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		_, err = f.Write(make([]byte, size))
	}
	return err
}
