package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// powerDisk is a file system of one directory that keeps, when the power is
// cut, only what was synced, and may keep more: contents of files by their
// sync, names by the directory's.
type powerDisk struct {
	mu    sync.Mutex
	files map[string]*file // by name: what programs see
	names map[string]*file // what the directory on disk says
	steps int              // steps until the power goes; negative for never
	log   []string
}

type file struct {
	seen, disk []byte
	synced     bool
}

var errPower = errors.New("the power is gone")

func newPowerDisk() *powerDisk {
	return &powerDisk{files: map[string]*file{}, names: map[string]*file{}, steps: -1}
}

func (d *powerDisk) step(format string, a ...any) error {
	if d.steps == 0 {
		return errPower
	}
	d.steps--
	d.log = append(d.log, fmt.Sprintf(format, a...))
	return nil
}

func (d *powerDisk) mkdir(string) error { return nil }

func (d *powerDisk) read(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[filepath.Base(path)]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return f.seen, nil
}

func (d *powerDisk) stat(path string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[filepath.Base(path)]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return info{name: filepath.Base(path), size: int64(len(f.seen))}, nil
}

func (d *powerDisk) writeSynced(path string, content []byte) error {
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

func (d *powerDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename %s %s", filepath.Base(from), filepath.Base(to)); err != nil {
		return err
	}
	d.files[filepath.Base(to)] = d.files[filepath.Base(from)]
	delete(d.files, filepath.Base(from))
	return nil
}

func (d *powerDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("remove %s", filepath.Base(path)); err != nil {
		return err
	}
	delete(d.files, filepath.Base(path))
	return nil
}

func (d *powerDisk) syncDir(string) error {
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

// cut gives the disk as it comes up again. Unless lucky, names that were not
// synced are as before; contents that were not synced are torn.
func (d *powerDisk) cut(lucky bool) *powerDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := newPowerDisk()
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

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Cut at each step of replacing an identity, the gateway comes up as what it
// was or as what it was to become, never as nothing.
func TestPowerCutWhileReplacing(t *testing.T) {
	ca := newTestCA(t)
	former, next := ca.settings(t, "vehicle-1", time.Now()), ca.settings(t, "vehicle-1", time.Now().Add(time.Hour))
	for steps := 0; ; steps++ {
		d := newPowerDisk()
		i, err := open(Options{Dir: "/x", Log: quiet()}, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.keep(former); err != nil {
			t.Fatal(err)
		}
		d.steps, d.log = steps, nil
		err = i.keep(next)
		done := err == nil
		if !done && !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		if got := i.get().settings.Certificate; got != next.Certificate {
			t.Error("the new identity is not in use though the disk failed")
		}
		for _, lucky := range []bool{false, true} {
			up, err := open(Options{Dir: "/x", Log: quiet()}, d.cut(lucky))
			if err != nil {
				t.Fatalf("power cut after %v (names kept %v): %v", d.log, lucky, err)
			}
			c := up.get()
			switch {
			case c == nil:
				t.Fatalf("power cut after %v (names kept %v): the identity is gone", d.log, lucky)
			case c.settings.Certificate == next.Certificate:
			case c.settings.Certificate == former.Certificate && !done:
			default:
				t.Fatalf("power cut after %v (names kept %v): neither identity, or kept and lost again", d.log, lucky)
			}
		}
		if done {
			if want := "create identity.json.new, write identity.json.new, sync identity.json.new, rename identity.json.new identity.json, sync directory"; strings.Join(d.log, ", ") != want {
				t.Errorf("steps: %v, want %s", d.log, want)
			}
			return
		}
	}
}

// What the disk did not take is written when it does again.
func TestUnsavedIsWrittenLater(t *testing.T) {
	ca := newTestCA(t)
	d := newPowerDisk()
	i, err := open(Options{Dir: "/x", Log: quiet()}, d)
	if err != nil {
		t.Fatal(err)
	}
	d.steps = 0
	if err := i.keep(ca.settings(t, "vehicle-1", time.Now())); err == nil {
		t.Fatal("kept without a disk")
	}
	if err := i.saveAgain(); err == nil {
		t.Fatal("saved without a disk")
	}
	d.steps = -1
	if err := i.saveAgain(); err != nil {
		t.Fatal(err)
	}
	up, err := open(Options{Dir: "/x", Log: quiet()}, d.cut(false))
	if err != nil || !up.Enrolled() {
		t.Errorf("after the disk has room: enrolled %v, %v", up.Enrolled(), err)
	}
}
