package board

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/scenario"
)

// folder is a device that is shown as files.
type folder struct {
	path  string
	files func(now time.Duration) device.Files
	shown device.Files // at present; nil: not open
}

// shower is a sensor that is shown as files.
type shower interface {
	sensor
	Files(now time.Duration) device.Files
}

// inFolder installs a device that measures the scenario's voltage.
func inFolder[D shower](fresh func(seed uint64, name string, volts *device.Signal) D) func(*Board, string, scenario.Device) (sensor, error) {
	return func(b *Board, full string, d scenario.Device) (sensor, error) {
		s := fresh(b.seed, full, device.NewSignal(func() float64 { return d.Volts }, b.seed, full, voltageNoise))
		b.folders = append(b.folders, &folder{path: d.Dir, files: s.Files})
		return s, nil
	}
}

// voltageNoise is the standard deviation of a voltage, V.
const voltageNoise = 0.005

func (f *folder) open() error {
	f.shown = device.Files{}
	return os.MkdirAll(f.path, 0o755)
}

// show brings the files to the present. Each is replaced in one step, as a reader
// of sysfs never sees half a number.
func (f *folder) show(now time.Duration) error {
	if f.shown == nil {
		return nil
	}
	fresh := f.files(now)
	var failed error
	for name, text := range fresh {
		if f.shown[name] == text {
			continue
		}
		file := filepath.Join(f.path, name)
		failed = errors.Join(failed, os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file+".new", []byte(text+"\n"), 0o644), os.Rename(file+".new", file))
	}
	for name := range f.shown {
		if _, stays := fresh[name]; !stays {
			failed = errors.Join(failed, os.Remove(filepath.Join(f.path, name)))
		}
	}
	f.shown = fresh
	if fresh == nil {
		f.shown = device.Files{}
	}
	return failed
}

// close removes the files that were written.
func (f *folder) close() error {
	var failed error
	for name := range f.shown {
		failed = errors.Join(failed, os.Remove(filepath.Join(f.path, name)))
	}
	f.shown = nil
	return failed
}

// showFolders brings all folders to the present. What goes wrong is told once for
// each. The lock is held.
func (b *Board) showFolders(now time.Duration) {
	for _, f := range b.folders {
		if err := f.show(now); err != nil && !b.folderFailed {
			b.folderFailed = true
			b.log.Warn("a folder of a device cannot be brought to the present; further failures are not told", "folder", f.path, "err", fmt.Sprint(err))
		}
	}
}
