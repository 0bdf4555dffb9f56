package journal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// volume is a file system of a test's own.
type volume struct {
	dir  string
	dev  string // of a loop device, empty for tmpfs
	fail func(format string, a ...any)
}

// run runs a command of the system, and gives what it says.
func run(name string, arg ...string) (string, error) {
	out, err := exec.Command(name, arg...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(arg, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// memory is a directory that is fast to sync, for tests that are not about
// what a disk keeps.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "journal")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// tmpfs mounts a small file system in memory.
func tmpfs(t testing.TB, size string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := run("mount", "-t", "tmpfs", "-o", "size="+size, "none", dir); err != nil {
		t.Skip("NOT TESTED: a small file system cannot be mounted; run as root: ", err)
	}
	t.Cleanup(func() {
		if _, err := run("umount", dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ext4 makes a file system in a file and mounts it through a loop device.
func ext4(t testing.TB, size int64) *volume {
	t.Helper()
	root := t.TempDir()
	image := filepath.Join(root, "image")
	v := &volume{dir: filepath.Join(root, "mnt"), fail: t.Fatalf}
	skip := func(err error) {
		t.Helper()
		if err != nil {
			t.Skip("NOT TESTED: an ext4 image cannot be mounted; run as root, with loop devices and e2fsprogs: ", err)
		}
	}
	skip(os.Mkdir(v.dir, 0o700))
	skip(os.WriteFile(image, nil, 0o600))
	skip(os.Truncate(image, size))
	_, err := run("mkfs.ext4", "-q", "-m", "0", image)
	skip(err)
	v.dev, err = run("losetup", "--find", "--show", image)
	skip(err)
	t.Cleanup(func() {
		if _, err := run("losetup", "--detach", v.dev); err != nil {
			t.Error(err)
		}
	})
	_, err = run("mount", v.dev, v.dir)
	skip(err)
	t.Cleanup(func() { run("umount", v.dir) }) // it may be done already
	return v
}

// cut is a power cut: what is not synced is gone, and so is the file system
// until it is mounted again.
func (v *volume) cut() {
	const ext4IocShutdown, noLogFlush = 0x8004587d, 2
	d, err := os.Open(v.dir)
	if err != nil {
		v.fail("%v", err)
	}
	defer d.Close()
	if err := unix.IoctlSetPointerInt(int(d.Fd()), ext4IocShutdown, noLogFlush); err != nil {
		v.fail("shut %s down: %v", v.dir, err)
	}
}

// power mounts the file system again.
func (v *volume) power() {
	if _, err := run("umount", v.dir); err != nil {
		v.fail("%v", err)
	}
	if _, err := run("mount", v.dev, v.dir); err != nil {
		v.fail("%v", err)
	}
}

// sectors is how much has been written to the device, in sectors of 512 bytes.
func (v *volume) sectors() (n int64) {
	b, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(v.dev), "stat"))
	if err != nil {
		v.fail("%v", err)
	}
	var f [7]int64
	if _, err := fmt.Sscan(string(b), &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6]); err != nil {
		v.fail("%v", err)
	}
	return f[6]
}
