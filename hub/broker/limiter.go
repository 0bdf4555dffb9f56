package broker

import (
	"math/rand/v2"
	"sync"
	"time"
)

// limiter lets the same thing be logged once per interval and counts the rest.
type limiter struct {
	every time.Duration

	mu   sync.Mutex
	seen map[string]*repeat
}

type repeat struct {
	last       time.Time
	suppressed uint64
}

// limiterKeys bounds what strangers can make the limiter remember.
const limiterKeys = 1024

func newLimiter(every time.Duration) *limiter {
	return &limiter{every: every, seen: map[string]*repeat{}}
}

// allow says whether to log key now, and how often it came since it last was.
func (l *limiter) allow(key string) (suppressed uint64, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.seen[key]
	if r == nil {
		if len(l.seen) >= limiterKeys {
			for k, r := range l.seen {
				if now.Sub(r.last) >= l.every {
					delete(l.seen, k)
				}
			}
			if len(l.seen) >= limiterKeys {
				return 0, false
			}
		}
		l.seen[key] = &repeat{last: now}
		return 0, true
	}
	if now.Sub(r.last) < l.every {
		r.suppressed++
		return 0, false
	}
	suppressed, r.suppressed, r.last = r.suppressed, 0, now
	return suppressed, true
}

// Reconnection: full jitter, so that many hubs and connections that lost the
// same broker do not come back at the same moment.
const (
	backoffBase = 250 * time.Millisecond
	backoffCap  = 15 * time.Second
)

// backoff gives the wait before attempt n, counted from 1.
func backoff(n int) time.Duration {
	most := backoffCap
	if n < 7 { // 250 ms << 6 is already beyond the cap
		most = min(backoffBase<<max(n-1, 0), backoffCap)
	}
	return rand.N(most) + time.Millisecond
}
