package intake

import (
	"context"
	"sync"
	"sync/atomic"

	"frostline/hub/intake/batch"
)

// Feed gives committed batches to whoever follows them. It never holds a
// commit up: a subscriber that does not keep up misses batches, and is told
// how many.
type Feed struct {
	mu          sync.Mutex
	subscribers map[*Subscription]struct{}
}

// Subscription receives batches from the moment it was made.
type Subscription struct {
	feed   *Feed
	ch     chan *batch.Batch
	lagged atomic.Uint64
}

// Subscribe begins to follow the feed; up to buffer batches wait for the
// subscriber. Close the subscription when done.
func (f *Feed) Subscribe(buffer int) *Subscription {
	s := &Subscription{feed: f, ch: make(chan *batch.Batch, max(buffer, 1))}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers == nil {
		f.subscribers = map[*Subscription]struct{}{}
	}
	f.subscribers[s] = struct{}{}
	return s
}

// Next waits for the next batch. lagged is how many were missed before it; ask
// history for what they held. It fails when ctx ends.
func (s *Subscription) Next(ctx context.Context) (b *batch.Batch, lagged uint64, err error) {
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case b = <-s.ch:
		return b, s.lagged.Swap(0), nil
	}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.subscribers, s)
}

// Committed implements Sink.
func (f *Feed) Committed(b *batch.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subscribers {
		select {
		case s.ch <- b:
		default:
			s.lagged.Add(1)
		}
	}
}
