package intake

import (
	"math/rand/v2"
	"sync"
	"time"
)

// pace decides how much each gateway may have in flight. All that gateways
// were allowed together stays within the room of the backlog queue; when even
// one parcel each is too much, they are asked to wait for a while, each for a
// time of its own.
type pace struct {
	room   float64 // bytes
	most   int     // parcels in flight of one gateway
	queue  *queue
	random func() float64

	mu     sync.Mutex
	active map[string]time.Time // when a gateway last sent backlog
	parcel float64              // bytes of a backlog parcel, smoothed
	swept  time.Time

	present map[string]time.Time // when a gateway was last heard
	counted time.Time            // when the absent were last left out
}

// activeFor is how long a gateway counts as sending backlog.
const activeFor = 3 * time.Second

const (
	// presentFor is how long a gateway counts as present: it seals each minute.
	presentFor = 5 * time.Minute
	// returnTime is what one gateway's return may take of the hub: agreeing on
	// TLS, its state and its seal.
	returnTime = 10 * time.Millisecond
	// maxReturn bounds what a gateway is asked to wait.
	maxReturn = time.Minute
)

func newPace(q *queue, most int) *pace {
	return &pace{room: float64(q.most) / 2, most: most, queue: q, random: rand.Float64, active: map[string]time.Time{}, present: map[string]time.Time{}, parcel: 32 << 10}
}

// saw notes a backlog parcel.
func (p *pace) saw(gateway string, bytes int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active[gateway] = now
	p.parcel += (float64(bytes) - p.parcel) / 16
	if now.Sub(p.swept) > activeFor {
		p.swept = now
		for g, at := range p.active {
			if now.Sub(at) > activeFor {
				delete(p.active, g)
			}
		}
	}
}

// heard notes that a gateway is present; one that is only known may be.
func (p *pace) heard(gateway string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present[gateway] = now
	if now.Sub(p.counted) > presentFor/5 {
		p.counted = now
		for g, at := range p.present {
			if now.Sub(at) > presentFor {
				delete(p.present, g)
			}
		}
	}
}

// spread is over how long those that are present shall return if they lose the
// hub together; 0 for one alone.
func (p *pace) spread() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(time.Duration(max(len(p.present)-1, 0))*returnTime, maxReturn)
}

// credit is how many parcels a gateway may have in flight, and how long it
// shall hold its backlog back, 0 for not at all.
func (p *pace) credit() (parcels uint32, hold time.Duration) {
	full, _ := p.queue.fill()
	p.mu.Lock()
	defer p.mu.Unlock()
	each := p.room / (max(p.parcel, 1) * float64(max(len(p.active), 1)))
	parcels = uint32(min(max(each, 1), float64(p.most)))
	if full > 0.75 || each < 1 {
		hold = time.Duration((0.2 + p.random()) * float64(time.Second) * max(1, min(1/max(each, 0.01), 30)))
	}
	return parcels, hold
}

// returning spreads the backlog of n gateways that hear from a hub that has
// just started.
func (p *pace) returning(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	span := min(time.Duration(n-1)*returnTime, maxReturn/2)
	return time.Duration(p.random() * float64(span))
}
