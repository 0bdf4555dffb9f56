// Package clock is the gateway's time: milliseconds of CLOCK_BOOTTIME, which
// never steps and goes on while the host is suspended, and the anchors that
// tie it to UTC.
//
// Everything that waits on the gateway waits on boottime. The system clock
// (CLOCK_REALTIME) is only ever read, to make anchors and to notice that it
// was set. There are two clocks: [System] is the host's; [Virtual] jumps from
// one deadline to the next as soon as nobody has work left, so that the same
// code records hours in seconds against a simulator.
package clock

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is what code that takes or sends readings knows of time. All methods
// are safe for concurrent use.
type Clock interface {
	// Now is the boottime in milliseconds. It never decreases.
	Now() int64

	// UTC is the system clock in Unix milliseconds. It may be wrong by years
	// and may step; only anchors may rest on it.
	UTC() int64

	// SleepUntil waits until boottime at, in milliseconds. It returns nil once
	// Now has reached at, or the cause of ctx ending before that. The caller
	// must be busy (see Busy) when it calls, and is busy again on return.
	SleepUntil(ctx context.Context, at int64) error

	// Busy says that there is work to do at this very instant, until done is
	// called: a Virtual clock does not advance meanwhile. done may be called
	// from another goroutine, so that a token travels with a message; calling
	// it again has no effect. On the System clock it means nothing.
	Busy() (done func())

	// BootID names the boot that Now counts from.
	BootID() string
}

// System is the clock of the host.
type System struct{ boot string }

// bootIDFile is where Linux names the current boot.
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// NewSystem opens the host's clock. It fails where the host has no
// CLOCK_BOOTTIME or does not name its boots: readings taken there could never
// be told from those of another boot.
func NewSystem() (*System, error) {
	b, err := os.ReadFile(bootIDFile)
	if err != nil {
		return nil, fmt.Errorf("read boot id: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if id == "" {
		return nil, fmt.Errorf("read boot id: %s is empty", bootIDFile)
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return nil, fmt.Errorf("read CLOCK_BOOTTIME: %w", err)
	}
	return &System{boot: id}, nil
}

// Now implements Clock.
func (*System) Now() int64 { return gettime(unix.CLOCK_BOOTTIME) }

// UTC implements Clock.
func (*System) UTC() int64 { return gettime(unix.CLOCK_REALTIME) }

// BootID implements Clock.
func (s *System) BootID() string { return s.boot }

// Busy implements Clock; it has no effect.
func (*System) Busy() (done func()) { return func() {} }

// suspendCheck bounds how late a sleeper wakes after the host was suspended:
// Go's timers stand still meanwhile, boottime does not.
const suspendCheck = 5 * time.Second

// SleepUntil implements Clock.
func (s *System) SleepUntil(ctx context.Context, at int64) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		left := at - s.Now()
		if left <= 0 {
			return nil
		}
		t := time.NewTimer(time.Duration(min(left, suspendCheck.Milliseconds())) * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// gettime reads a clock in milliseconds. The clocks read here exist on every
// Linux that NewSystem has accepted, so an error cannot happen.
func gettime(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(fmt.Sprintf("clock %d: %v", id, err))
	}
	return ts.Nano() / int64(time.Millisecond)
}
