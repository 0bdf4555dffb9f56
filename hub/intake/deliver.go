package intake

import (
	"context"
	"errors"
	"time"

	"frostline/proto/topic"
)

// Delivered is what became of a message whose sender waited for it.
type Delivered struct {
	// Blocks that were not committed before, and are now. It is 0 where they
	// were committed by an attempt that was reported failed.
	Blocks   uint64
	Readings uint64 // in them
	Refused  string // why the message went to quarantine; empty otherwise
}

// delivery is what Deliver waits for. Until done is closed it belongs to the
// goroutine that has the item.
type delivery struct {
	done  chan struct{}
	fresh Delivered
}

// ErrStopped says that intake ended before a message was committed: it may be
// delivered again.
var ErrStopped = errors.New("the hub is stopping")

// deliverPoll is how often Deliver looks whether a full queue has room.
const deliverPoll = 20 * time.Millisecond

// Deliver takes a message as Handle does, by the same path, and returns when it
// is committed and synced, found to be known already, or in quarantine. It
// waits while the queue is full or the store takes nothing. After an error the
// message may or may not be committed; delivering it again changes nothing.
func (in *Intake) Deliver(ctx context.Context, m Message) (Delivered, error) {
	d := &delivery{done: make(chan struct{})}
	it := &item{gateway: m.Gateway, lane: m.Lane, payload: m.Payload, received: m.Received.UnixMilli(), delivery: d}
	q := in.backlog
	if m.Lane != topic.Backlog {
		q = in.urgent
	}
	room := time.NewTicker(deliverPoll)
	defer room.Stop()
	for !q.push(it) {
		select {
		case <-room.C:
		case <-ctx.Done():
			return Delivered{}, context.Cause(ctx)
		case <-in.ended:
			return Delivered{}, ErrStopped
		}
	}
	select {
	case <-d.done:
		return d.fresh, nil
	case <-ctx.Done():
		return Delivered{}, context.Cause(ctx)
	case <-in.ended:
		return Delivered{}, ErrStopped
	}
}

// delivered tells whoever waits that the item is done with: by a round, or
// without one.
func (it *item) delivered(r *round) {
	d := it.delivery
	if d == nil {
		return
	}
	switch {
	case it.reject != nil:
		d.fresh = Delivered{Refused: clean(it.reject.reason)}
	case r == nil:
		d.fresh = Delivered{Refused: "the gateway is not admitted"}
	default:
		for _, c := range r.contested {
			if c.item == it {
				d.fresh = Delivered{Refused: clean(c.refusal.reason)}
			}
		}
	}
	close(d.done)
}
