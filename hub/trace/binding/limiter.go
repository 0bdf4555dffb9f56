package binding

import (
	"math"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"frostline/hub/gate"
)

const (
	concurrency   = 64 // requests being answered
	captureAtOnce = 8  // documents being read, each of up to 16 MiB
	perSecond     = 200
	burst         = 1000
	guesses       = 20 // requests without a valid token from one place, at once
	guessEvery    = 3 * time.Second
)

// limiter bounds what one caller, and all together, may ask.
type limiter struct {
	running   chan struct{}
	callers   *gate.Pace // by actor
	strangers *gate.Pace // by origin: requests that showed no valid token
}

func newLimiter() limiter {
	return limiter{make(chan struct{}, concurrency), gate.NewPace(perSecond, burst), gate.NewPace(rate.Every(guessEvery), guesses)}
}

// seconds is a time to wait as Retry-After has it.
func seconds(d time.Duration) string { return strconv.Itoa(max(int(math.Ceil(d.Seconds())), 1)) }
