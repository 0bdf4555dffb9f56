// Package disk keeps small files of a gateway so that a power cut at any instant
// leaves the old one or the new one, whole.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is what that needs of a file system, so that a test can cut the power
// between any two steps; see powercut.
type Disk interface {
	Mkdir(dir string) error // with parents, mode 0700
	Read(path string) ([]byte, error)
	Stat(path string) (fs.FileInfo, error)
	WriteSynced(path string, content []byte) error // new or truncated, mode 0600, synced
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
}

// Replace puts content in place of a file, whole or not at all, and on disk
// before it returns. One goroutine at a time may replace a file.
func Replace(d Disk, path string, content []byte) error {
	next := path + ".new" // left behind by a power cut it is overwritten here
	if err := d.WriteSynced(next, content); err != nil {
		return err
	}
	if err := d.Rename(next, path); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// Put is Replace in a directory that is made where there is none.
func Put(d Disk, path string, content []byte) error {
	if err := d.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return Replace(d, path, content)
}

// Real is the operating system's.
type Real struct{}

// Mkdir implements Disk.
func (Real) Mkdir(dir string) error { return os.MkdirAll(dir, 0o700) }

// Read implements Disk.
func (Real) Read(path string) ([]byte, error) { return os.ReadFile(path) }

// Stat implements Disk.
func (Real) Stat(path string) (fs.FileInfo, error) { return os.Stat(path) }

// Rename implements Disk.
func (Real) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Disk.
func (Real) Remove(path string) error { return os.Remove(path) }

// WriteSynced implements Disk.
func (Real) WriteSynced(path string, content []byte) error {
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

// SyncDir implements Disk.
func (Real) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
