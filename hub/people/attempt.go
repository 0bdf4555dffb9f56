package people

import (
	"context"
	"strings"
	"sync"
	"time"
)

// A wrong password costs a token of two buckets: one of the person at the
// origin it came from, and one of the person wherever it came from. An origin
// from which the person has been right before needs only the first. So someone
// who guesses from elsewhere slows down others who guess, and not the person.
const (
	hereBurst = 5
	hereEvery = 30 * time.Second
	allBurst  = 20
	allEvery  = 5 * time.Minute
	mostKeys  = 10_000 // buckets remembered
)

type bucket struct {
	left float64
	at   time.Time
}

// attempts bounds how fast passwords can be guessed. It is forgotten when the
// hub ends.
type attempts struct {
	mu   sync.Mutex
	here map[origin]*bucket
	all  map[string]*bucket
	good map[origin]bool // has been right before
}

type origin struct{ person, place string }

func newAttempts() *attempts {
	return &attempts{here: map[origin]*bucket{}, all: map[string]*bucket{}, good: map[origin]bool{}}
}

// filled brings a bucket up to now.
func (b *bucket) filled(burst int, every time.Duration, now time.Time) *bucket {
	if now.After(b.at) {
		b.left = min(b.left+now.Sub(b.at).Seconds()/every.Seconds(), float64(burst))
		b.at = now
	}
	return b
}

// of gives the bucket of a key; when too many are not full, the rest share one.
func of[K comparable](m map[K]*bucket, key, rest K, burst int, every time.Duration, now time.Time) *bucket {
	if b := m[key]; b != nil {
		return b.filled(burst, every, now)
	}
	if len(m) >= mostKeys {
		for k, b := range m {
			if b.filled(burst, every, now).left >= float64(burst) {
				delete(m, k)
			}
		}
	}
	if len(m) >= mostKeys {
		if b := m[rest]; b != nil {
			return b.filled(burst, every, now)
		}
		key = rest
	}
	b := &bucket{float64(burst), now}
	m[key] = b
	return b
}

// begin takes a token for one attempt. Where there is none it says how long to
// wait; the attempt must then not be made.
func (a *attempts) begin(person, place string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := origin{person, place}
	here := of(a.here, o, origin{}, hereBurst, hereEvery, now)
	if here.left < 1 {
		return time.Duration((1 - here.left) * float64(hereEvery))
	}
	if !a.good[o] && !strings.HasPrefix(place, KnownDevice) {
		all := of(a.all, person, "", allBurst, allEvery, now)
		if all.left < 1 {
			return time.Duration((1 - all.left) * float64(allEvery))
		}
		all.left--
	}
	here.left--
	return 0
}

// right gives the tokens of an attempt back, and remembers the origin.
func (a *attempts) right(person, place string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := origin{person, place}
	of(a.here, o, origin{}, hereBurst, hereEvery, now).left = hereBurst
	if !a.good[o] {
		all := of(a.all, person, "", allBurst, allEvery, now)
		all.left = min(all.left+1, allBurst)
		if len(a.good) >= mostKeys {
			clear(a.good)
		}
		a.good[o] = true
	}
}

// KnownDevice begins the origin of a browser from which the person has signed in
// before, as the caller of WithOrigin has made sure. Who guesses elsewhere, even
// at the same address, does not keep the person out there.
const KnownDevice = "device/"

type placeKey struct{}

// WithOrigin says where a request comes from, such as an address together with
// the actor whose token it shows. Passwords that are tried from one origin are
// bounded together.
func WithOrigin(ctx context.Context, place string) context.Context {
	return context.WithValue(ctx, placeKey{}, place)
}

func originOf(ctx context.Context) string {
	place, _ := ctx.Value(placeKey{}).(string)
	return place
}
