package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// volume is a file system of a test's own, on which power can fail.
type volume struct {
	testing.TB
	dir    string
	device string // of the loop; empty for one in memory
}

// system runs a command of the system.
func system(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// mountMemory mounts a file system in memory of a size such as "8m".
func mountMemory(t testing.TB, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := system("mount", "-t", "tmpfs", "-o", "mode=0700,size="+size, "none", dir); err != nil {
		cannot(t, "a small file system cannot be mounted; run as root: "+err.Error())
	}
	t.Cleanup(func() { unmount(t, dir) })
}

// unmount unmounts. What is left of a failed test is copied out first.
func unmount(t testing.TB, dir string) {
	if t.Failed() {
		_, _ = system("cp", "-a", dir, dir+".left") // as far as it can be read
	}
	if err := umount(dir); err != nil {
		t.Error(err)
	}
}

// mountDisk makes an ext4 of 64 MB in a file and mounts it.
func mountDisk(t testing.TB, dir string) *volume {
	t.Helper()
	v := &volume{TB: t, dir: dir}
	image := dir + ".image"
	need := func(err error) {
		t.Helper()
		if err != nil {
			cannot(t, "an ext4 image cannot be mounted; run as root, with loop devices and e2fsprogs: "+err.Error())
		}
	}
	need(os.MkdirAll(dir, 0o700))
	need(os.WriteFile(image, nil, 0o600))
	need(os.Truncate(image, 64<<20))
	_, err := system("mkfs.ext4", "-q", "-m", "0", image)
	need(err)
	v.device, err = system("losetup", "--find", "--show", image)
	need(err)
	t.Cleanup(func() {
		if _, err := system("losetup", "--detach", v.device); err != nil {
			t.Error(err)
		}
	})
	_, err = system("mount", v.device, dir)
	need(err)
	t.Cleanup(func() { unmount(t, dir) })
	return v
}

// cut is a power cut: what is not synced is gone, and the file system is dead
// until power returns.
func (v *volume) cut() error {
	const ext4Shutdown, noLogFlush = 0x8004587d, 2
	d, err := os.Open(v.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.IoctlSetPointerInt(int(d.Fd()), ext4Shutdown, noLogFlush); err != nil {
		return fmt.Errorf("cut the power of %s: %w", filepath.Base(v.dir), err)
	}
	return nil
}

// power mounts the file system again. Nobody may use it.
func (v *volume) power() error {
	if err := umount(v.dir); err != nil {
		return err
	}
	_, err := system("mount", v.device, v.dir)
	return err
}

// umount unmounts a folder once the last file that was open in it is closed: who
// is killed closes them a moment later.
func umount(dir string) error {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, err := system("umount", dir)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
