package desired

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is what a Keeper needs of a file system, so that a test can cut the power
// between any two steps.
type disk interface {
	mkdir(dir string) error // with parents, mode 0700
	read(path string) ([]byte, error)
	writeSynced(path string, content []byte) error // new or truncated, mode 0600, synced
	rename(from, to string) error
	syncDir(dir string) error
}

// replace puts content in place of a file, whole or not at all, and on disk
// before it returns.
func replace(d disk, path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := d.mkdir(dir); err != nil {
		return err
	}
	next := path + ".new" // left behind by a power cut it is overwritten here
	if err := d.writeSynced(next, content); err != nil {
		return err
	}
	if err := d.rename(next, path); err != nil {
		return err
	}
	return d.syncDir(dir)
}

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) mkdir(dir string) error           { return os.MkdirAll(dir, 0o700) }
func (realDisk) read(path string) ([]byte, error) { return os.ReadFile(path) }
func (realDisk) rename(from, to string) error     { return os.Rename(from, to) }

func (realDisk) writeSynced(path string, content []byte) error {
	// A file left behind may have another mode.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (realDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
