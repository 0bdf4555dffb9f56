package gate

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// most are remembered by one Pace; who comes after them share what is left.
const most = 10_000

// Pace bounds how often each of many may ask. It is safe for concurrent use.
type Pace struct {
	every rate.Limit
	burst int

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// NewPace lets each ask so many times a second, lasting, and burst at once.
func NewPace(perSecond rate.Limit, burst int) *Pace {
	return &Pace{every: perSecond, burst: burst, of: map[string]*rate.Limiter{}}
}

// one gives the limiter of a key, made full where the key is new. Those that
// are full again are forgotten when there are too many. mu is held.
func (p *Pace) one(key string, now time.Time) *rate.Limiter {
	if one := p.of[key]; one != nil {
		return one
	}
	if len(p.of) >= most {
		for k, v := range p.of {
			if v.TokensAt(now) >= float64(p.burst) {
				delete(p.of, k)
			}
		}
		if len(p.of) >= most {
			key = "others" // who share one
			if one := p.of[key]; one != nil {
				return one
			}
		}
	}
	one := rate.NewLimiter(p.every, p.burst)
	p.of[key] = one
	return one
}

// until is how long it takes for one to be allowed.
func (p *Pace) until(one *rate.Limiter, now time.Time) time.Duration {
	return time.Duration((1 - one.TokensAt(now)) / float64(p.every) * float64(time.Second))
}

// Take counts one, and says how long the key has to wait; 0 lets it pass.
func (p *Pace) Take(key string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.one(key, now)
	if one.AllowN(now, 1) {
		return 0
	}
	return p.until(one, now)
}

// Spend counts one that was let through already, and says whether it was the
// last for now.
func (p *Pace) Spend(key string, now time.Time) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.one(key, now)
	one.AllowN(now, 1)
	return one.TokensAt(now) < 1
}

// Wait says how long a key has to wait, and counts nothing; 0 for one that is
// not known.
func (p *Pace) Wait(key string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[key]
	if one == nil || one.TokensAt(now) >= 1 {
		return 0
	}
	return p.until(one, now)
}
