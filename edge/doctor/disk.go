package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"frostline/edge/panel"
)

// Limits of the disk.
const (
	diskLimit   = 15 * time.Second
	verifyLimit = 2 * time.Minute // of the whole journal, which is read
	leastBytes  = 16 << 20        // free, below which the journal cannot begin a segment
	fewBytes    = 256 << 20       // free, below which a long outage does not fit
	leastNodes  = 100
	syncs       = 8
	slowSync    = 250 * time.Millisecond // median, beyond which commits fall behind the sampler
)

func (b *bench) diskChecks() []check {
	return []check{
		one("data directory", diskLimit, b.dataDir),
		one("space", diskLimit, b.space),
		one("sync", diskLimit, b.sync),
		{"key files", diskLimit, b.keyFiles},
		one("journal", verifyLimit, b.journal),
	}
}

// dataDir checks that the directory is there and takes files.
func (b *bench) dataDir(context.Context) Result {
	info, err := os.Stat(b.DataDir)
	switch {
	case isAbsent(err):
		above := filepath.Dir(b.DataDir)
		for !exists(above) && above != filepath.Dir(above) {
			above = filepath.Dir(above)
		}
		if err := unix.Access(above, unix.W_OK|unix.X_OK); err != nil {
			return fail("Make it with mkdir -p and give it to the agent's user, mode 0700.", "%s does not exist, and %s does not let this user make it: %v", b.DataDir, above, err)
		}
		return skipped("%s does not exist yet; the agent makes it", b.DataDir)
	case err != nil:
		return fail("Correct the permissions on the way to it.", "%v", err)
	case !info.IsDir():
		return fail("Name a directory in the configuration file.", "%s is not a directory", b.DataDir)
	}
	name, err := writeProbe(b.DataDir, nil)
	if err != nil {
		return fail(writeRemedy(err), "%s takes no file: %v", b.DataDir, err)
	}
	if err := os.Remove(name); err != nil {
		return warn("Remove it by hand.", "the probe file stays behind: %v", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return warn("Run chmod 0700 on it.", "%s can be written by others, mode %s: evidence could be tampered with", b.DataDir, modeText(info.Mode()))
	}
	return ok("%s takes files, mode %s", b.DataDir, modeText(info.Mode()))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writeProbe makes a small file as the journal does, synced where sync is not
// nil, which is then told how long each sync took.
func writeProbe(dir string, sync func(time.Duration)) (name string, err error) {
	f, err := os.CreateTemp(dir, "doctor-*.probe")
	if err != nil {
		return "", err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	page := make([]byte, 4096)
	for i := range syncs {
		if _, err := f.WriteAt(page, int64(i*len(page))); err != nil {
			return "", err
		}
		if sync == nil {
			break
		}
		start := time.Now()
		if err := f.Sync(); err != nil {
			return "", err
		}
		sync(time.Since(start))
	}
	return f.Name(), nil
}

func writeRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "Free space on this disk: readings are in memory alone until then."
	case errors.Is(err, syscall.EROFS):
		return "The file system is read-only, perhaps after an error: look at dmesg, then mount it for writing."
	case errors.Is(err, fs.ErrPermission):
		return "Give the directory to the agent's user, or run the doctor as that user."
	}
	return "Look at dmesg for errors of the disk."
}

// memoryTypes are file systems that a power cut empties, networkTypes such that
// end with the network.
var (
	memoryTypes  = []int64{unix.TMPFS_MAGIC, unix.RAMFS_MAGIC}
	networkTypes = []int64{unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC}
)

func (b *bench) space(context.Context) Result {
	var s unix.Statfs_t
	if err := unix.Statfs(b.DataDir, &s); err != nil {
		return skipped("cannot ask for it: %v", err)
	}
	bsize, kind := int64(s.Bsize), int64(uint32(s.Type)) // their widths differ by machine
	free := int64(s.Bavail) * bsize
	text := fmt.Sprintf("%s free of %s", panel.FormatBytes(free), panel.FormatBytes(int64(s.Blocks)*bsize))
	switch {
	case s.Flags&unix.ST_RDONLY != 0:
		return fail(writeRemedy(syscall.EROFS), "%s, mounted read-only", text)
	case free < leastBytes:
		return fail(writeRemedy(syscall.ENOSPC), "%s", text)
	case s.Files > 0 && s.Ffree < leastNodes:
		return fail("Remove small files: the file system has no room for the names of more.", "%s, and room for %d files", text, s.Ffree)
	case slices.Contains(memoryTypes, kind):
		return warn("Put the data directory on a disk.", "%s, in memory: a power cut loses every reading that the hub does not have", text)
	case slices.Contains(networkTypes, kind):
		return warn("Put the data directory on a disk of the gateway.", "%s, on a network or user-space file system, whose promise to have synced may not hold", text)
	case free < fewBytes:
		return warn("Free space: a long outage of the hub would not fit.", "%s", text)
	}
	return ok("%s", text)
}

// sync measures how long the disk takes to make a page safe.
func (b *bench) sync(context.Context) Result {
	var took []time.Duration
	name, err := writeProbe(b.DataDir, func(d time.Duration) { took = append(took, d) })
	if err != nil {
		if isAbsent(err) {
			return skipped("there is no data directory to try it in")
		}
		return fail(writeRemedy(err), "write and sync a page: %v", err)
	}
	if err := os.Remove(name); err != nil {
		return warn("Remove it by hand.", "the probe file stays behind: %v", err)
	}
	slices.Sort(took)
	median, worst := took[len(took)/2], took[len(took)-1]
	text := fmt.Sprintf("a page is safe after %.1f ms, at worst %.1f ms of %d", ms(median), ms(worst), len(took))
	if median > slowSync {
		return warn("Replace the card or disk: readings wait for it, and it may be wearing out.", "%s", text)
	}
	return ok("%s", text)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// keyFiles checks that private keys are their owner's alone.
func (b *bench) keyFiles(_ context.Context, tell func(Result)) {
	found := 0
	for _, path := range b.KeyFiles {
		info, err := os.Stat(path)
		if isAbsent(err) {
			continue
		}
		found++
		name := filepath.Base(path)
		switch {
		case err != nil:
			tell(fail("Run the doctor as the agent's user.", "%v", err))
		case !info.Mode().IsRegular():
			tell(fail("Replace it by the key itself.", "%s is not a plain file", name))
		case info.Mode().Perm()&0o077 != 0:
			tell(fail("Run chmod 0600 on it, and enrol anew if others have had access.", "%s can be read by others, mode %s", name, modeText(info.Mode())))
		default:
			if f, err := os.Open(path); err != nil {
				tell(fail("Run the doctor as the agent's user, and see that the file is its own.", "%v", err))
			} else {
				f.Close()
				tell(ok("%s is its owner's alone, mode %s", name, modeText(info.Mode())))
			}
		}
	}
	if found == 0 {
		tell(skipped("there are none yet; enrolment makes them"))
	}
}
