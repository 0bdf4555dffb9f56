package desired

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"frostline/proto/mandate"
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

// Cut at each step of everything a gateway goes through, it comes up with a
// state that was good before or is asked for now, whole, and never with one that
// was refused; what it was told is done is still so.
func TestPowerCutAtEachStep(t *testing.T) {
	type stage struct {
		name string
		do   func(k *Keeper) error
		want []string // documents that may be there when the power goes during it
		then string   // the document that is there once it was done
	}
	stages := []stage{
		{"trust", func(k *Keeper) error { _, err := k.Trust(hubKey); return err }, []string{""}, ""},
		{"first", offer(1, "one"), []string{"", "one"}, "one"},
		{"confirm", func(k *Keeper) error { return k.Confirm(1) }, []string{"one"}, "one"},
		{"refused", func(k *Keeper) error {
			if err := offer(2, "unfit")(k); !errors.Is(err, ErrUnfit) {
				return err
			}
			return k.Trouble()
		}, []string{"one"}, "one"},
		{"second", offer(3, "three"), []string{"one", "three"}, "three"},
		{"undo", func(k *Keeper) error { k.Undo(3, "no acknowledgement"); return k.Trouble() }, []string{"three", "one"}, "one"},
		{"third", offer(4, "four"), []string{"one", "four"}, "four"},
		{"command", func(k *Keeper) error {
			_, err := k.Command(command(5, mandate.Identify, ""), known(now))
			return err
		}, []string{"four"}, "four"},
		{"good", func(k *Keeper) error { return k.Confirm(4) }, []string{"four"}, "four"},
	}
	for at := range stages {
		for steps := 0; ; steps++ {
			d := newPowerDisk()
			k := openOn(t, d)
			for _, s := range stages[:at] {
				if err := s.do(k); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
			}
			s := stages[at]
			d.steps, d.log = steps, nil
			err := s.do(k)
			done := err == nil
			if !done && !errors.Is(err, errPower) {
				t.Fatalf("%s: %v", s.name, err)
			}
			for _, lucky := range []bool{false, true} {
				up := openOn(t, d.cut(lucky))
				if trouble := up.Trouble(); trouble != nil {
					t.Fatalf("%s, power cut after %v (names kept %v): %v", s.name, d.log, lucky, trouble)
				}
				got, _ := up.Document()
				if done && got != s.then || !done && !strings.Contains("|"+strings.Join(s.want, "|")+"|", "|"+got+"|") {
					t.Fatalf("%s, power cut after %v (names kept %v): %q runs, want one of %q", s.name, d.log, lucky, got, s.want)
				}
				if _, err := up.Command(command(5, mandate.Identify, ""), known(now)); at > 7 || at == 7 && done {
					if !errors.Is(err, ErrRepeated) {
						t.Fatalf("%s, power cut after %v: the command is done again, %v", s.name, d.log, err)
					}
				}
				// Whatever happened, the next one is taken.
				if at > 0 || done {
					if changed, err := up.Offer(signed(9, "nine")); !changed || err != nil {
						t.Fatalf("%s, power cut after %v: the next is not taken: %v", s.name, d.log, err)
					}
				}
			}
			if done {
				break
			}
		}
	}
}
