package correlate

import (
	"sync"

	"frostline/hub/intake/batch"
)

// queue holds committed batches until they are worked in. When it is full it
// takes no more and says so: what was not taken is read from the evidence.
type queue struct {
	most int
	wake chan struct{}

	mu      sync.Mutex
	batches []*batch.Batch
	held    int // readings
	overrun bool
}

// each batch counts as so many readings more, for what it is besides.
const perBatch = 64

func newQueue(most int) *queue { return &queue{most: most, wake: make(chan struct{}, 1)} }

func (q *queue) push(b *batch.Batch) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	ok := !q.overrun && q.held+b.Readings+perBatch <= q.most
	if ok {
		q.batches = append(q.batches, b)
		q.held += b.Readings + perBatch
	} else {
		q.overrun = true // until the evidence was read: nothing may come out of order
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return ok
}

// take gives all that waits, and whether something was not taken.
func (q *queue) take() (batches []*batch.Batch, overrun bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batches, overrun = q.batches, q.overrun
	q.batches, q.held, q.overrun = nil, 0, false
	return batches, overrun
}

// missed makes the next take report an overrun.
func (q *queue) missed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.overrun = true
}

func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.batches) > 0 || q.overrun
}

func (q *queue) lag() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, q.held-perBatch*len(q.batches))
}
