package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Who is not signed in may try to sign in so often, from one address.
const (
	paceBurst  = 60
	paceEvery  = 2 * time.Second
	pacePlaces = 10_000 // addresses remembered
)

// pace bounds what strangers may try, by the address that they come from.
type pace struct {
	mu sync.Mutex
	of map[string]*rate.Limiter
}

func newPace() *pace { return &pace{of: map[string]*rate.Limiter{}} }

// take says how long to wait; 0 lets pass.
func (p *pace) take(place string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[place]
	if one == nil {
		if len(p.of) >= pacePlaces {
			for k, v := range p.of {
				if v.TokensAt(now) >= paceBurst {
					delete(p.of, k)
				}
			}
			if len(p.of) >= pacePlaces {
				place = "others" // who share one
			}
		}
		if one = p.of[place]; one == nil {
			one = rate.NewLimiter(rate.Every(paceEvery), paceBurst)
			p.of[place] = one
		}
	}
	if one.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - one.TokensAt(now)) * float64(paceEvery))
}
