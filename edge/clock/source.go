package clock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"frostline/proto/truetime"
)

// Floor is the earliest UTC any source is believed, Unix ms: no gateway runs
// this code before 2026. A clock without battery, and a receiver whose
// 10-bit week counter has rolled over, lie years below it.
const Floor int64 = 1767225600000 // 2026-01-01T00:00:00Z

// Ceiling is the latest UTC any source is believed, Unix ms. A receiver that
// says 1999 in two digits lies above it.
const Ceiling int64 = Floor + 20*365_25*864_000 // 20 years

// minNTP is the least uncertainty claimed for the system clock, ms: the daemons
// set the kernel's error estimate to zero at each correction, which it is not.
const minNTP = 10

// NTP makes an anchor of the system clock. ok is false while the kernel does
// not hold it for synchronised, or its error is above a minute; err says why
// nothing at all could be learnt.
func NTP(c Clock) (a truetime.Anchor, ok bool, err error) {
	var tx unix.Timex
	if _, err := unix.Adjtimex(&tx); err != nil {
		return a, false, fmt.Errorf("ask the kernel whether its clock is synchronised: %w", err)
	}
	return ntpAnchor(c, &tx)
}

func ntpAnchor(c Clock, tx *unix.Timex) (a truetime.Anchor, ok bool, err error) {
	if int64(tx.Status)&unix.STA_UNSYNC != 0 {
		return a, false, nil
	}
	at, utc, width := pair(c)
	// maxerror bounds the error, esterror estimates it; both in microseconds.
	e := max(int64(tx.Maxerror), 4*int64(tx.Esterror))
	a = truetime.Anchor{At: at, UTC: utc, Uncertainty: max((e+999)/1000+width, minNTP), Source: truetime.NTP}
	if a.UTC < Floor || a.UTC > Ceiling || a.Uncertainty > time.Minute.Milliseconds() {
		return truetime.Anchor{}, false, nil
	}
	return a, true, nil
}

// pair reads boottime and system clock as nearly at once as it can. width, in
// ms, bounds what lay between.
func pair(c Clock) (at, utc, width int64) {
	for range 5 {
		before := c.Now()
		utc = c.UTC()
		after := c.Now()
		at, width = before+(after-before)/2, after-before+1
		if width <= 2 {
			break
		}
	}
	return at, utc, width
}

// RTCFile is where Linux shows the first battery-backed clock.
const RTCFile = "/sys/class/rtc/rtc0/since_epoch"

// rtcUncertainty covers a crystal of 20 ppm that nobody has set for a year.
const rtcUncertainty = 10 * time.Minute

// RTC makes an anchor of the battery-backed clock shown in file, which has to
// run in UTC. ok is false where there is none, or it lies outside Floor to Ceiling.
func RTC(c Clock, file string) (a truetime.Anchor, ok bool, err error) {
	at := c.Now()
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("read the battery-backed clock: %w", err)
	}
	s, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return a, false, fmt.Errorf("read the battery-backed clock: %s holds %q, want seconds since 1970", file, b)
	}
	if s < Floor/1000 || s > Ceiling/1000 {
		return a, false, nil
	}
	return truetime.Anchor{At: at, UTC: s*1000 + 500, Uncertainty: rtcUncertainty.Milliseconds(), Source: truetime.RTC}, true, nil
}
