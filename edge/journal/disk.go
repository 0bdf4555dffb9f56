package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"frostline/edge/journal/boltfile"
)

// disk is every way in which the journal changes its directory. It is narrow
// so that a test can have each fail, and fail though it was done.
type disk interface {
	// open opens or makes a segment file for writing.
	open(path string) (*bbolt.DB, error)
	// commit makes a transaction durable: when it returns nil, it is synced.
	// After an error nobody knows, until the file is looked at.
	commit(tx *bbolt.Tx) error
	// write makes a file of b and syncs it; the name is not synced.
	write(path string, b []byte) error
	// rename renames a file, replacing what has the name, and syncs the directory.
	rename(from, to string) error
	// sync syncs a directory: what was renamed in it.
	sync(dir string) error
	// remove deletes a file. That is not synced: a file that comes back after
	// a power cut is found to be acknowledged, and removed again.
	remove(path string) error
}

// localDisk is the real one.
type localDisk struct{}

func (localDisk) open(path string) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        time.Second,
		PageSize:       boltfile.PageSize,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
		NoStatistics:   true,
	})
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	return db, nil
}

func (localDisk) commit(tx *bbolt.Tx) error { return tx.Commit() }

func (localDisk) write(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Sync()
}

func (l localDisk) rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return l.sync(filepath.Dir(to))
}

func (localDisk) sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (localDisk) remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// noSpace reports whether an error says that the disk is full.
func noSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// diskUse is the space that a file takes, in bytes: segments are sparse.
func diskUse(path string) int64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Blocks * 512
}
