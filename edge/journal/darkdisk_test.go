package journal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"unsafe"

	"go.etcd.io/bbolt"

	"frostline/edge/journal/boltfile"
)

// errDark is what every change of the disk fails with once the power is gone.
var errDark = errors.New("the power is gone")

// darkDisk is a disk whose power goes after some steps. It knows of each write
// and each name whether it was synced. What comes up again has all that was, and
// of the rest some, none, or a part up to any byte, in any combination.
//
// A step is a write to a file, a name made, changed or removed, or a sync. The
// directory itself is real, so that the journal reads what it wrote.
type darkDisk struct {
	localDisk
	// lazy disks do not sync segments: a test that cannot see that sees nothing.
	lazy bool

	mu    sync.Mutex
	rnd   *rand.Rand
	files map[*bbolt.DB]*inode
	names map[string]*inode // as programs see them
	saved map[string]*inode // as they are on the disk
	moves []move            // names changed since they were synced
	steps int               // until the power goes; negative for never
	dark  bool
	image map[string][]byte // what comes up again
}

// inode is a file: what of it is on the disk, and what was written since it was synced.
type inode struct {
	disk    []byte
	pending []write
}

type write struct {
	off int64
	b   []byte
}

// move is a change of a name: a file that has it now, and the name it had.
type move struct {
	name, from string
	file       *inode // nil when removed
}

// comesUp makes a disk of what came up in dir, whose power goes after so many steps.
func comesUp(image map[string][]byte, dir string, steps int, rnd *rand.Rand) (*darkDisk, error) {
	d := &darkDisk{rnd: rnd, files: map[*bbolt.DB]*inode{}, names: map[string]*inode{}, saved: map[string]*inode{}, steps: steps}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, b := range image {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return nil, err
		}
		f := &inode{disk: b}
		d.names[name], d.saved[name] = f, f
	}
	return d, nil
}

// step counts a step, and cuts the power when it is the last. mu is held.
func (d *darkDisk) step() error {
	if d.dark {
		return errDark
	}
	if d.steps--; d.steps != -1 {
		return nil
	}
	d.cut()
	return errDark
}

// cut decides what comes up again. mu is held.
func (d *darkDisk) cut() {
	d.dark, d.image = true, map[string][]byte{}
	ordered, upto := d.rnd.IntN(2) == 0, d.rnd.IntN(len(d.moves)+1) // as a journal of the file system does, or any
	for i, m := range d.moves {
		if ordered && i >= upto || !ordered && d.rnd.IntN(2) == 0 {
			continue
		}
		if m.from != "" && d.saved[m.from] == m.file {
			delete(d.saved, m.from)
		}
		if d.saved[m.name] = m.file; m.file == nil {
			delete(d.saved, m.name)
		}
	}
	for name, f := range d.saved {
		b := bytes.Clone(f.disk)
		for _, w := range f.pending {
			switch d.rnd.IntN(4) {
			case 0:
				b = over(b, w.off, w.b)
			case 1:
				b = over(b, w.off, w.b[:d.rnd.IntN(len(w.b)+1)])
			}
		}
		d.image[name] = b
	}
}

// lights gives what came up again; nil while the power is on.
func (d *darkDisk) lights() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.image
}

// pull cuts the power now, if it has not gone.
func (d *darkDisk) pull() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.dark {
		d.cut()
	}
	return d.image
}

func over(b []byte, off int64, with []byte) []byte {
	if grown := int(off) + len(with) - len(b); grown > 0 {
		b = append(b, make([]byte, grown)...)
	}
	copy(b[off:], with)
	return b
}

func (f *inode) synced() {
	for _, w := range f.pending {
		f.disk = over(f.disk, w.off, w.b)
	}
	f.pending = nil
}

func (d *darkDisk) open(path string) (*bbolt.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return nil, errDark
	}
	db, err := d.localDisk.open(path)
	if err != nil {
		return nil, err
	}
	db.NoSync = d.lazy
	name := filepath.Base(path)
	f := d.names[name]
	if f == nil { // bbolt has written four pages, and synced them
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		f = &inode{pending: []write{{0, b}}}
		d.names[name] = f
		d.moves = append(d.moves, move{name: name, file: f})
		if err := d.step(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		f.synced()
	}
	d.files[db] = f
	// All that bbolt writes goes through here.
	at := reflect.ValueOf(db).Elem().FieldByName("ops").FieldByName("writeAt")
	real := (*func([]byte, int64) (int, error))(unsafe.Pointer(at.UnsafeAddr()))
	writeAt := *real
	*real = func(b []byte, off int64) (int, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if off < 2*boltfile.PageSize && !db.NoSync { // before a meta page it syncs the others
			f.synced()
		}
		f.pending = append(f.pending, write{off, bytes.Clone(b)})
		if err := d.step(); err != nil {
			return 0, err
		}
		return writeAt(b, off)
	}
	return db, nil
}

func (d *darkDisk) commit(tx *bbolt.Tx) error {
	db := tx.DB()
	d.mu.Lock()
	f := d.files[db] // whatever its name is by now
	d.mu.Unlock()
	if err := tx.Commit(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if !db.NoSync {
		f.synced()
	}
	return nil
}

func (d *darkDisk) write(path string, b []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := &inode{pending: []write{{0, bytes.Clone(b)}}}
	name := filepath.Base(path)
	d.names[name] = f
	d.moves = append(d.moves, move{name: name, file: f})
	if err := d.step(); err != nil {
		return err
	}
	f.synced()
	return d.localDisk.write(path, b)
}

func (d *darkDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, name := filepath.Base(from), filepath.Base(to)
	f := d.names[old]
	d.moves = append(d.moves, move{name: name, from: old, file: f})
	if err := d.step(); err != nil {
		return err
	}
	d.names[name] = f
	delete(d.names, old)
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return d.named()
}

func (d *darkDisk) sync(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.named()
}

// named syncs the directory. mu is held.
func (d *darkDisk) named() error {
	if err := d.step(); err != nil {
		return err
	}
	d.saved, d.moves = map[string]*inode{}, nil
	for name, f := range d.names {
		d.saved[name] = f
	}
	return nil
}

func (d *darkDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(path)
	d.moves = append(d.moves, move{name: name})
	if err := d.step(); err != nil {
		return err
	}
	delete(d.names, name)
	return d.localDisk.remove(path)
}
