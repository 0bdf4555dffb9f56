// Package powercut is a disk of tests that loses its power.
package powercut

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// Disk is a disk.Disk of one directory that keeps, when the power is cut, only what was synced, and may keep more: contents of files by their
// sync, names by the directory's.
type Disk struct {
	mu    sync.Mutex
	files map[string]*file // by name: what programs see
	names map[string]*file // what the directory on disk says
	steps int              // until the power goes; negative for never
	log   []string
}

type file struct {
	seen, disk []byte
	synced     bool
}

// ErrCut is what every step after the cut fails with.
var ErrCut = errors.New("the power is gone")

// New makes an empty disk whose power does not go.
func New() *Disk {
	return &Disk{files: map[string]*file{}, names: map[string]*file{}, steps: -1}
}

// After lets the power go after so many steps, never for a negative number, and
// begins the log anew.
func (d *Disk) After(steps int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps, d.log = steps, nil
}

// Log lists the steps that were done.
func (d *Disk) Log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log
}

func (d *Disk) step(format string, a ...any) error {
	if d.steps == 0 {
		return ErrCut
	}
	d.steps--
	d.log = append(d.log, fmt.Sprintf(format, a...))
	return nil
}

// Mkdir implements disk.Disk.
func (d *Disk) Mkdir(string) error { return nil }

// Read implements disk.Disk.
func (d *Disk) Read(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[filepath.Base(path)]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return f.seen, nil
}

// Stat implements disk.Disk.
func (d *Disk) Stat(path string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[filepath.Base(path)]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return info{name: filepath.Base(path), size: int64(len(f.seen))}, nil
}

// WriteSynced implements disk.Disk.
func (d *Disk) WriteSynced(path string, content []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(path)
	if err := d.step("create %s", name); err != nil {
		return err
	}
	f := &file{}
	d.files[name] = f
	if err := d.step("write %s", name); err != nil {
		f.seen = content[:len(content)/2]
		return err
	}
	f.seen = content
	if err := d.step("sync %s", name); err != nil {
		return err
	}
	f.disk, f.synced = content, true
	return nil
}

// Rename implements disk.Disk.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename %s %s", filepath.Base(from), filepath.Base(to)); err != nil {
		return err
	}
	d.files[filepath.Base(to)] = d.files[filepath.Base(from)]
	delete(d.files, filepath.Base(from))
	return nil
}

// Remove implements disk.Disk.
func (d *Disk) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("remove %s", filepath.Base(path)); err != nil {
		return err
	}
	delete(d.files, filepath.Base(path))
	return nil
}

// SyncDir implements disk.Disk.
func (d *Disk) SyncDir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("sync directory"); err != nil {
		return err
	}
	d.names = map[string]*file{}
	for name, f := range d.files {
		d.names[name] = f
	}
	return nil
}

// Cut gives the disk as it comes up again. Unless lucky, names that were not
// synced are as before; contents that were not synced are torn.
func (d *Disk) Cut(lucky bool) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := New()
	names := d.names
	if lucky { // the directory reached the disk by itself, contents did not
		names = d.files
	}
	for name, f := range names {
		content := f.disk
		if !f.synced {
			content = f.seen[:len(f.seen)/3]
		}
		next.files[name] = &file{seen: content, disk: content, synced: true}
		next.names[name] = next.files[name]
	}
	return next
}

type info struct {
	fs.FileInfo
	name string
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return 0o600 }
func (i info) ModTime() time.Time { return time.Time{} }
