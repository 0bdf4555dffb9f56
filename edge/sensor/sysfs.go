package sensor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"frostline/edge/bus"
)

// sysRoot is where Linux shows its devices.
const sysRoot = "/sys"

// sysClasses are where devices of a class are, each in a folder with its name in
// a file. The folders are numbered in the order in which drivers were loaded,
// which is another one after some boot.
var sysClasses = map[string]string{"hwmon": "class/hwmon", "iio": "bus/iio/devices"}

// sysFolder is the folder of a device: an absolute path, or hwmon:NAME or
// iio:NAME, of which there has to be one.
func sysFolder(root, name string) (string, error) {
	class, wanted, named := strings.Cut(name, ":")
	place := sysClasses[class]
	if !named || place == "" {
		return name, nil
	}
	all, err := filepath.Glob(filepath.Join(root, place, "*", "name"))
	if err != nil {
		return "", err
	}
	found := ""
	for _, file := range all {
		text, err := readSys(file)
		if err != nil || text != wanted {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%s: there are two devices of that name: give the folder of one, such as %s", name, found)
		}
		found = filepath.Dir(file)
	}
	if found == "" {
		return "", fmt.Errorf("%s: %w: Linux knows no device of that name: see %s and load its driver", name, bus.ErrNack, filepath.Join(root, place, "*/name"))
	}
	return found, nil
}

// checkFolder wants what sysFolder takes.
func checkFolder(example string) func(string) string {
	return func(name string) string {
		class, wanted, named := strings.Cut(name, ":")
		if filepath.IsAbs(name) || named && sysClasses[class] != "" && wanted != "" && !strings.ContainsAny(wanted, "/*?[\\") {
			return ""
		}
		return "want " + example
	}
}

// maxSysFile bounds what is read of a file.
const maxSysFile = 4096

// readSys reads a file of one line. What is not there, or what the kernel's
// driver has no data of, is no answer.
func readSys(file string) (string, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %w", bus.ErrNack, err)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSysFile))
	return strings.TrimSpace(string(b)), err
}

// readInt reads a file with a whole number.
func readInt(file string) (int64, error) {
	s, err := readSys(file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s shows %.40q, want a whole number", file, s)
	}
	return n, nil
}
