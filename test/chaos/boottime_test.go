package chaos

import (
	"testing"

	"golang.org/x/sys/unix"
)

// boottime is the kernel's CLOCK_BOOTTIME in milliseconds.
func boottime(t testing.TB) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano() / 1e6
}
