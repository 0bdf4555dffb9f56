package rest

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	perSecond  = 100 // requests of one caller, lasting
	burst      = 300
	guesses    = 20 // requests without a valid token from one place, at once
	guessEvery = 3 * time.Second
	maxCallers = 10_000 // remembered
)

// limiter bounds what one caller, and all together, may ask.
type limiter struct {
	running chan struct{} // holds one for each request being answered

	mu       sync.Mutex
	callers  map[string]*rate.Limiter // by actor
	suspects map[string]*rate.Limiter // by origin: tokens that were refused
}

func (l *limiter) init() {
	l.running = make(chan struct{}, concurrency)
	l.callers, l.suspects = map[string]*rate.Limiter{}, map[string]*rate.Limiter{}
}

// of gives the limiter of a key, made full where the key is new. Those that
// are full again are forgotten when there are too many.
func (l *limiter) of(m map[string]*rate.Limiter, key string, every rate.Limit, burst int, now time.Time) *rate.Limiter {
	one := m[key]
	if one != nil {
		return one
	}
	if len(m) >= maxCallers {
		for k, v := range m {
			if v.TokensAt(now) >= float64(v.Burst()) {
				delete(m, k)
			}
		}
		if len(m) >= maxCallers {
			key = "others" // who share one
			if one = m[key]; one != nil {
				return one
			}
		}
	}
	one = rate.NewLimiter(every, burst)
	m[key] = one
	return one
}

// take says how long a caller has to wait; 0 lets it pass.
func (l *limiter) take(actor string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return wait(l.of(l.callers, actor, perSecond, burst, now), now)
}

func wait(one *rate.Limiter, now time.Time) time.Duration {
	if one.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - one.TokensAt(now)) / float64(one.Limit()) * float64(time.Second))
}

// suspect says how long an origin has to wait that has shown too many tokens
// which were none; 0 lets it pass.
func (l *limiter) suspect(origin string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.suspects[origin]
	if one == nil || one.TokensAt(now) >= 1 {
		return 0
	}
	return time.Duration((1 - one.TokensAt(now)) * float64(guessEvery))
}

// guess counts a token that was none. It says whether that was the last one
// for now.
func (l *limiter) guess(origin string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of(l.suspects, origin, rate.Every(guessEvery), guesses, now)
	one.AllowN(now, 1)
	return one.TokensAt(now) < 1
}
