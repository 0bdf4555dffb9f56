package privacy

import (
	"sync"
	"time"
)

// Answers are bounded for each secret and each origin. A right answer gives back
// what it took.
const (
	secretBurst = 3
	secretEvery = 20 * time.Second
	originBurst = 30
	originEvery = 2 * time.Second
	mostKeys    = 20_000 // secrets, and origins, remembered
)

type bucket struct {
	left float64
	at   time.Time
}

func (b *bucket) fill(burst float64, every time.Duration, now time.Time) {
	if now.After(b.at) {
		b.left = min(b.left+now.Sub(b.at).Seconds()/every.Seconds(), burst)
		b.at = now
	}
}

// buckets are bounded in number. Where too many are not full, new ones are not
// made: whoever sends answers from everywhere keeps no patient out, and a link
// still ends after MostWrong.
type buckets struct {
	of    map[string]*bucket
	burst float64
	every time.Duration
}

// get gives the bucket of a key; nil where too many are remembered.
func (b *buckets) get(key string, now time.Time) *bucket {
	if k := b.of[key]; k != nil {
		k.fill(b.burst, b.every, now)
		return k
	}
	if len(b.of) >= mostKeys {
		for name, k := range b.of {
			if k.fill(b.burst, b.every, now); k.left >= b.burst {
				delete(b.of, name)
			}
		}
	}
	if len(b.of) >= mostKeys {
		return nil
	}
	k := &bucket{b.burst, now}
	b.of[key] = k
	return k
}

// wait is how long it takes until there is a whole token.
func (b *buckets) wait(k *bucket) time.Duration {
	if k == nil || k.left >= 1 {
		return 0
	}
	return time.Duration((1 - k.left) * float64(b.every))
}

// touched is what is to be kept of a link.
type touched struct {
	wrong  int64
	opened int64 // Unix ms
}

// tries counts answers. The wrong ones of each link that has any are remembered
// here while the hub runs, and what is not in its row yet waits to be kept.
type tries struct {
	mu      sync.Mutex
	secrets buckets
	origins buckets
	wrong   map[string]int64 // by digest, of links that there are
	waiting map[string]touched
	keeping map[string]touched // just now
	wake    chan struct{}
}

func newTries() *tries {
	return &tries{
		secrets: buckets{map[string]*bucket{}, secretBurst, secretEvery}, origins: buckets{map[string]*bucket{}, originBurst, originEvery},
		wrong: map[string]int64{}, waiting: map[string]touched{}, wake: make(chan struct{}, 1),
	}
}

// admit takes a token for one answer, or says how long to wait.
func (t *tries) admit(digest, origin string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var o *bucket
	if origin != "" {
		o = t.origins.get(origin, now)
	}
	s := t.secrets.get(digest, now)
	if wait := max(t.secrets.wait(s), t.origins.wait(o)); wait > 0 {
		return wait
	}
	for _, b := range []*bucket{s, o} {
		if b != nil {
			b.left--
		}
	}
	return 0
}

// count counts an answer and says whether it opens. kept is how many wrong ones
// the row of the link has; open, whether there is one that may be opened.
func (t *tries) count(digest string, kept int64, open, right bool, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	wrong := max(kept, t.wrong[digest])
	if !open || wrong >= MostWrong {
		return false
	}
	is := t.waiting[digest]
	if right {
		is.opened = now.UnixMilli()
		if s := t.secrets.get(digest, now); s != nil {
			s.left = secretBurst
		}
	} else {
		wrong++
		t.wrong[digest] = wrong
	}
	is.wrong = wrong
	t.waiting[digest] = is
	t.stir()
	return right
}

func (t *tries) stir() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take gives what is to be kept now.
func (t *tries) take() map[string]touched {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keeping, t.waiting = t.waiting, map[string]touched{}
	return t.keeping
}

// kept ends what take began; what failed waits again.
func (t *tries) kept(ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok {
		for digest, old := range t.keeping {
			is := t.waiting[digest]
			t.waiting[digest] = touched{max(is.wrong, old.wrong), max(is.opened, old.opened)}
		}
	}
	t.keeping = nil
}
