package intake

import (
	"time"

	"golang.org/x/sys/unix"
)

// kernelUncertainty is the error bound the kernel keeps while a daemon
// synchronises its clock.
func kernelUncertainty() (time.Duration, bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil || state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return 0, false
	}
	return time.Duration(t.Maxerror) * time.Microsecond, true
}
