package intake

import (
	"context"
	"sync"
)

// queue holds messages of many gateways, bounded in bytes, and gives them out
// one gateway after the other, so that none waits for another's flood.
// Messages of one gateway keep their order.
type queue struct {
	most, share int // bytes: of all, and of one gateway

	mu       sync.Mutex
	bytes    int
	count    int
	gateways map[string]*queued
	turns    []*queued // those that have messages, next first
	filled   chan struct{}
}

type queued struct {
	gateway string
	items   []*item
	bytes   int
}

func newQueue(most, share int) *queue {
	return &queue{most: most, share: share, gateways: map[string]*queued{}, filled: make(chan struct{}, 1)}
}

// size is what a message takes, with what it takes to hold it.
func size(it *item) int { return len(it.payload) + 256 }

// push adds a message. ok is false when there is no room for it.
func (q *queue) push(it *item) (ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := q.gateways[it.gateway]
	held := 0
	if g != nil {
		held = g.bytes
	}
	if n := size(it); q.bytes+n > q.most || held+n > q.share {
		return false
	}
	if g == nil {
		g = &queued{gateway: it.gateway}
		q.gateways[it.gateway] = g
		q.turns = append(q.turns, g)
	}
	g.items = append(g.items, it)
	g.bytes += size(it)
	q.bytes += size(it)
	q.count++
	select {
	case q.filled <- struct{}{}:
	default:
	}
	return true
}

// pop waits for a message; nil when ctx ends.
func (q *queue) pop(ctx context.Context) *item {
	for {
		if it := q.take(); it != nil {
			return it
		}
		select {
		case <-ctx.Done():
			return nil
		case <-q.filled:
		}
	}
}

func (q *queue) take() *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turns) == 0 {
		return nil
	}
	g := q.turns[0]
	q.turns = q.turns[1:]
	it := g.items[0]
	g.items[0] = nil
	g.items = g.items[1:]
	g.bytes -= size(it)
	q.bytes -= size(it)
	q.count--
	if len(g.items) == 0 {
		delete(q.gateways, g.gateway)
	} else {
		q.turns = append(q.turns, g)
	}
	if len(q.turns) > 0 { // for another that waits
		select {
		case q.filled <- struct{}{}:
		default:
		}
	}
	return it
}

// fill is how full the queue is, 0 to 1, and how many messages are in it.
func (q *queue) fill() (share float64, count int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return float64(q.bytes) / float64(q.most), q.count
}
