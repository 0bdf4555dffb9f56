package uplink

import (
	"sync"
	"time"

	"frostline/proto/topic"
)

// message is what came in.
type message struct {
	lane     topic.Lane
	payload  []byte
	at       time.Time
	boottime int64 // ms
}

// maxInbox bounds what waits, in messages. What is acknowledged is said again
// in every Ack, so that the loss of one costs at most a parcel sent twice.
const maxInbox = 512

// inbox takes messages from the MQTT client's reader, which must not wait.
type inbox struct {
	wake chan struct{} // capacity 1

	mu      sync.Mutex
	queue   []message
	dropped uint64
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) put(m message) {
	b.mu.Lock()
	if len(b.queue) < maxInbox {
		b.queue = append(b.queue, m)
	} else {
		b.dropped++
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() (queue []message, dropped uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	queue, dropped = b.queue, b.dropped
	b.queue, b.dropped = nil, 0
	return queue, dropped
}
