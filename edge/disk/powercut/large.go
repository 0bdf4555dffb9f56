package powercut

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"slices"

	"frostline/edge/disk"
)

var _ disk.Large = (*Disk)(nil)

// Append implements disk.Large. A power cut before the sync leaves part of the
// piece.
func (d *Disk) Append(path string, at int64, piece []byte, _ fs.FileMode) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(path)
	f := d.files[name]
	if at == 0 {
		if err := d.step("create %s", name); err != nil {
			return err
		}
		f = &file{}
		d.files[name] = f
	}
	if f == nil || int64(len(f.seen)) < at {
		return fs.ErrNotExist
	}
	before := f.seen[:at]
	err := d.step("append %s", name)
	if err != nil {
		piece = piece[:len(piece)/2]
	}
	f.seen = slices.Concat(before, piece)
	f.disk, f.synced = slices.Concat(before, piece[:len(piece)/3]), at > 0
	if err != nil {
		return err
	}
	if err := d.step("sync %s", name); err != nil {
		return err
	}
	f.disk, f.synced = f.seen, true
	return nil
}

// Open implements disk.Large.
func (d *Disk) Open(path string) (disk.File, error) {
	b, err := d.Read(path)
	if err != nil {
		return nil, err
	}
	return opened{bytes.NewReader(b)}, nil
}

// Gone gives ErrCut once the power is gone, for what only logs that.
func (d *Disk) Gone() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.steps == 0 {
		return ErrCut
	}
	return nil
}

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }
