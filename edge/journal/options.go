package journal

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Options of a journal. Zero values take the default.
type Options struct {
	// Boottime gives CLOCK_BOOTTIME in milliseconds, for the journal's own
	// events. Default: the kernel's.
	Boottime func() int64
	// BootID tells one run of Boottime from the next. Default: the kernel's
	// boot id. While it stays the same, so does the boot ordinal.
	BootID string
	// Version of the agent, for the Boot event.
	Version string
	// Recorded says in the Boot event that time is simulated.
	Recorded bool
	// FirstEpoch is the least number that a new epoch may get: more than 1
	// where the hub already knows epochs of this gateway that the journal does
	// not, as after the exchange of a disk. Default 1.
	FirstEpoch uint32

	// BlockReadings is the most readings of a block, 1 to 128. Default 60.
	BlockReadings int
	// GroupWait is how long a commit waits for more readings, up to
	// BlockReadings and not when there are events. It saves flash where
	// readings come one by one, and delays each. Default 0: commit at once
	// what has come while the last commit ran.
	GroupWait time.Duration

	// SegmentBytes is the size at which a segment is full, 64 KiB to 64 MiB.
	// Default 4 MiB. The active segment is mapped into memory.
	SegmentBytes int64
	// SegmentAge is the age at which a segment with blocks is full. Default 24 h.
	SegmentAge time.Duration
	// KeepAcknowledged is how long a segment stays after all of it is
	// acknowledged, at least, and counted anew from each start. Default 0.
	KeepAcknowledged time.Duration
	// MaxBytes is what all segments may take on disk, at least 4 × SegmentBytes;
	// damaged ones that were set aside do not count. Beyond it the oldest
	// stretches that Within calls in range are thinned and, last of all, the
	// oldest dropped; both are declared lost. Default 512 MiB.
	MaxBytes int64
	// Within says what is in range. Default nil: nothing is thinned.
	Within Within
	// HeldBytes is the memory for readings that a full or broken disk does not
	// take, at least 64 KiB; a reading takes about 5 bytes. Beyond it the
	// oldest is dropped and declared lost. Default 4 MiB: at 50 readings a
	// second four hours.
	HeldBytes int
	// BallastBytes is disk space kept in reserve, to write what happened when
	// the disk is full. Default 256 KiB, negative for none.
	BallastBytes int64
	// OpenWait bounds how long Open waits for the disk. Default 4 s. After it
	// the journal holds readings in memory until the disk answers.
	OpenWait time.Duration
	// HangWait is how long Append waits for the disk before it says ErrHeld.
	// The readings stay queued behind the disk, oldest dropped first beyond
	// HeldBytes, at 32 bytes a reading. Default 5 s.
	HangWait time.Duration
	// RetryWait is the least time between attempts at a disk that took
	// nothing. Default 2 s.
	RetryWait time.Duration

	// Log gets what an operator should know. Default: nothing.
	Log *slog.Logger

	disk disk // of tests
}

func (o Options) withDefaults() (Options, error) {
	if o.Boottime == nil {
		o.Boottime = kernelBoottime
		if o.BootID == "" {
			b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
			if err != nil {
				return o, fmt.Errorf("read the kernel's boot id: %w", err)
			}
			o.BootID = strings.TrimSpace(string(b))
		}
	}
	set(&o.FirstEpoch, 1)
	set(&o.BlockReadings, 60)
	set(&o.SegmentBytes, 4<<20)
	set(&o.SegmentAge, 24*time.Hour)
	set(&o.MaxBytes, 512<<20)
	set(&o.HeldBytes, 4<<20)
	set(&o.BallastBytes, 256<<10)
	set(&o.OpenWait, 4*time.Second)
	set(&o.HangWait, 5*time.Second)
	set(&o.RetryWait, 2*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.disk == nil {
		o.disk = localDisk{}
	}
	switch {
	case o.BootID == "":
		return o, fmt.Errorf("journal option BootID is empty: it must name the run of Boottime")
	case o.BlockReadings < 1 || o.BlockReadings > 128:
		return o, fmt.Errorf("journal option BlockReadings %d: want 1 to 128", o.BlockReadings)
	case o.SegmentBytes < 64<<10 || o.SegmentBytes > 64<<20:
		return o, fmt.Errorf("journal option SegmentBytes %d: want 64 KiB to 64 MiB", o.SegmentBytes)
	case o.MaxBytes < 4*o.SegmentBytes:
		return o, fmt.Errorf("journal option MaxBytes %d: want at least four segments of %d bytes", o.MaxBytes, o.SegmentBytes)
	case o.HeldBytes < 64<<10:
		return o, fmt.Errorf("journal option HeldBytes %d: want at least 64 KiB", o.HeldBytes)
	case min(o.GroupWait, o.SegmentAge, o.KeepAcknowledged, o.OpenWait, o.HangWait, o.RetryWait) < 0:
		return o, fmt.Errorf("journal options: a duration is negative")
	}
	return o, nil
}

func set[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

func kernelBoottime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err) // the kernel has had it since 2.6.39
	}
	return ts.Nano() / 1e6
}
