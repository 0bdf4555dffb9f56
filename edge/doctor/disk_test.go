package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"frostline/edge/panel"
)

type stuckAgent struct{}

func (stuckAgent) Status(context.Context) (panel.Status, error) {
	return panel.Status{}, errors.New("snapshot timed out")
}

// mount mounts a small file system in memory, which needs root.
func mount(t *testing.T, options string, flags uintptr) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("SKIPPED: a file system in memory is needed, and mounting one failed: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	b := newTestBench(t)
	b.DataDir = mount(t, "size=1m", 0)
	f, err := os.Create(filepath.Join(b.DataDir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(page)
	}
	f.Close()
	r, exit := examine(t, b)
	want(t, r, "data directory", Fail, "no space left", "Free space on this disk")
	want(t, r, "space", Fail, "0 B free of 1.0 MB", "Free space")
	want(t, r, "sync", Fail, "no space left")
	if exit != 1 {
		t.Errorf("exit %d, want 1", exit)
	}
	if left, _ := filepath.Glob(filepath.Join(b.DataDir, "*.probe")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDiskInMemory(t *testing.T) {
	b := newTestBench(t)
	b.DataDir = mount(t, "size=64m,mode=0700", 0)
	r, _ := examine(t, b)
	want(t, r, "data directory", OK)
	want(t, r, "space", Warn, "in memory: a power cut loses every reading")
}

func TestDiskReadOnly(t *testing.T) {
	b := newTestBench(t)
	b.DataDir = mount(t, "size=64m", unix.MS_RDONLY)
	r, _ := examine(t, b)
	want(t, r, "data directory", Fail, "read-only")
	b.DataDir = filepath.Join(b.DataDir, "gateways", "van-14")
	absent, _ := examine(t, b)
	want(t, absent, "data directory", Fail, "does not let this user make it: read-only", "mkdir -p")
	want(t, r, "space", Fail, "mounted read-only", "dmesg")
}

func TestDataDirectory(t *testing.T) {
	b := newTestBench(t)
	if err := os.Chmod(b.DataDir, 0o777); err != nil {
		t.Fatal(err)
	}
	r, _ := examine(t, b)
	want(t, r, "data directory", Warn, "can be written by others, mode 0777", "chmod 0700")
	b.DataDir = filepath.Join(b.DataDir, "absent")
	r, _ = examine(t, b)
	want(t, r, "data directory", Skipped, "the agent makes it")
	want(t, r, "space", Skipped)
	want(t, r, "sync", Skipped)
	if err := os.WriteFile(b.DataDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ = examine(t, b)
	want(t, r, "data directory", Fail, "is not a directory")
}

func TestKeyFiles(t *testing.T) {
	b := newTestBench(t)
	r, _ := examine(t, b)
	want(t, r, "key files", Skipped)
	key, open := filepath.Join(b.DataDir, "tls.key"), filepath.Join(b.DataDir, "seal.key")
	b.KeyFiles = []string{key, open, filepath.Join(b.DataDir, "not-there.key")}
	for path, mode := range map[string]os.FileMode{key: 0o600, open: 0o644} {
		if err := os.WriteFile(path, []byte("key"), mode); err != nil {
			t.Fatal(err)
		}
	}
	r, exit := examine(t, b)
	want(t, r, "key files", Fail, "seal.key can be read by others, mode 0644", "chmod 0600")
	if exit != 1 {
		t.Errorf("exit %d, want 1", exit)
	}
	if err := os.Chmod(open, 0o400); err != nil {
		t.Fatal(err)
	}
	r, _ = examine(t, b)
	want(t, r, "key files", OK, "its owner's alone")
}
