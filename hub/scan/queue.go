package scan

import (
	"slices"
	"sync"

	"frostline/hub/intake/batch"
)

// part is what a batch says of scans.
type part struct {
	id       int64
	gateway  string
	epoch    uint32
	received int64
	scans    []batch.Event
	anchored []uint32 // boots that got an anchor
}

func partOf(b *batch.Batch) part {
	p := part{id: b.ID, gateway: b.Gateway, epoch: b.Epoch, received: b.Received}
	for i := range b.Events {
		e := &b.Events[i]
		if e.Event.GetScan() != nil {
			p.scans = append(p.scans, *e)
		} else if a := e.Event.GetAnchor(); a != nil && !slices.Contains(p.anchored, a.Boot) {
			p.anchored = append(p.anchored, a.Boot)
		}
	}
	return p
}

// says whether it says anything at all.
func (p part) says() bool { return len(p.scans)+len(p.anchored) > 0 }

// maxParts bounds the parts that wait; beyond it the evidence is read.
const maxParts = 4096

// queue holds what committed batches say until it is worked in. When it is full
// it takes no more and says so.
type queue struct {
	wake chan struct{} // capacity 1

	mu      sync.Mutex
	parts   []part
	upto    int64 // id of the last batch; 0 for none since take
	overrun bool
}

func (q *queue) push(b *batch.Batch) {
	p := partOf(b)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.overrun: // until the evidence was read: the cursor must pass nothing over
		return
	case !p.says():
		q.upto = b.ID
		return
	case len(q.parts) >= maxParts:
		q.overrun = true
	default:
		q.parts, q.upto = append(q.parts, p), b.ID
	}
	q.rouse()
}

// take gives all that waits, up to which batch, and whether something was not
// taken.
func (q *queue) take() (parts []part, upto int64, overrun bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	parts, upto, overrun = q.parts, q.upto, q.overrun
	q.parts, q.upto, q.overrun = nil, 0, false
	return parts, upto, overrun
}

// missed makes the next take report an overrun.
func (q *queue) missed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.overrun = true
}

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
