package uplink

import (
	"math/rand/v2"
	"time"
)

// backoff spaces attempts to connect with full jitter: each wait is drawn
// evenly from nothing to a ceiling that doubles with each failure, so that a
// thousand gateways which lost the hub together do not come back together. A
// hub that has many of them asks for more.
type backoff struct {
	base, ceiling time.Duration
	failures      int
	spread        time.Duration // the hub's wish for each wait, while it is down; 0 none
}

// next is the wait before the coming attempt.
func (b *backoff) next() time.Duration {
	limit := b.ceiling
	if b.failures < 32 {
		limit = min(limit, b.base<<b.failures)
	}
	b.failures++
	return rand.N(max(limit, b.spread, 1))
}

func (b *backoff) reset() { b.failures, b.spread = 0, 0 }

// jitter lengthens d by up to a quarter.
func jitter(d time.Duration) time.Duration { return d + rand.N(max(d/4, 1)) }
