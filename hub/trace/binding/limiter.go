package binding

import (
	"math"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	concurrency   = 64 // requests being answered
	captureAtOnce = 8  // documents being read, each of up to 16 MiB
	perSecond     = 200
	burst         = 1000
	guesses       = 20 // requests without a valid token from one place, at once
	guessEvery    = 3 * time.Second
	maxCallers    = 10_000
)

// limiter bounds what one caller, and all together, may ask.
type limiter struct {
	running chan struct{}

	mu       sync.Mutex
	callers  map[string]*rate.Limiter
	suspects map[string]*rate.Limiter
}

func newLimiter() *limiter {
	return &limiter{running: make(chan struct{}, concurrency), callers: map[string]*rate.Limiter{}, suspects: map[string]*rate.Limiter{}}
}

// take says how long an actor has to wait; 0 lets it pass.
func (l *limiter) take(actor string, now time.Time) time.Duration {
	return l.wait(l.callers, actor, perSecond, burst, now)
}

// guess counts a request from an origin that showed no valid token, and says
// how long to wait with the next.
func (l *limiter) guess(origin string, now time.Time) time.Duration {
	return l.wait(l.suspects, origin, rate.Every(guessEvery), guesses, now)
}

func (l *limiter) wait(of map[string]*rate.Limiter, key string, every rate.Limit, burst int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := of[key]
	if one == nil {
		if len(of) >= maxCallers {
			for k, v := range of {
				if v.TokensAt(now) >= float64(v.Burst()) {
					delete(of, k)
				}
			}
			if len(of) >= maxCallers {
				key = "others" // who share one
			}
		}
		if one = of[key]; one == nil {
			one = rate.NewLimiter(every, burst)
			of[key] = one
		}
	}
	if one.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - one.TokensAt(now)) / float64(every) * float64(time.Second))
}

// seconds is a time to wait as Retry-After has it.
func seconds(d time.Duration) string { return strconv.Itoa(max(int(math.Ceil(d.Seconds())), 1)) }
