package access

import (
	"sync"
	"time"
)

// rate lets one event through each interval, and bursts of a size.
type rate struct {
	interval time.Duration
	burst    int

	mu   sync.Mutex
	full time.Time // when the bucket will be full again
}

func newRate(interval time.Duration, burst int) *rate {
	return &rate{interval: interval, burst: burst}
}

// take says whether an event may pass now, and if not, how long to wait.
func (r *rate) take(now time.Time) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := r.full
	if full.Before(now) {
		full = now
	}
	full = full.Add(r.interval)
	if over := full.Sub(now) - time.Duration(r.burst)*r.interval; over > 0 {
		return over, false
	}
	r.full = full
	return 0, true
}

// idle says whether the bucket is full, so that it can be forgotten.
func (r *rate) idle(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.full.After(now)
}

// rates is a rate for each key, such as an address.
type rates struct {
	interval time.Duration
	burst    int
	most     int // keys remembered

	mu   sync.Mutex
	keys map[string]*rate
}

func newRates(interval time.Duration, burst, most int) *rates {
	return &rates{interval: interval, burst: burst, most: most, keys: map[string]*rate{}}
}

// take is rate.take for a key. When too many keys are busy, all is turned away.
func (r *rates) take(key string, now time.Time) (wait time.Duration, ok bool) {
	r.mu.Lock()
	one := r.keys[key]
	if one == nil {
		if len(r.keys) >= r.most {
			for k, v := range r.keys {
				if v.idle(now) {
					delete(r.keys, k)
				}
			}
		}
		if len(r.keys) >= r.most {
			r.mu.Unlock()
			return r.interval, false
		}
		one = newRate(r.interval, r.burst)
		r.keys[key] = one
	}
	r.mu.Unlock()
	return one.take(now)
}
