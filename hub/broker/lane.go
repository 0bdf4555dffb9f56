package broker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"frostline/proto/topic"
)

// messageOverhead is charged for each waiting message beside its payload, so
// that a flood of empty messages is bounded too.
const messageOverhead = 256

// lane is a bounded buffer between a connection and the handler. It drops what
// arrives when it is full, because what waits already is older and its gateway
// is waiting for the answer.
type lane struct {
	name  topic.Lane
	limit int // bytes, all gateways
	share int // bytes, one gateway: none can shut the others out
	log   *slog.Logger
	wake  chan struct{} // capacity 1

	mu       sync.Mutex
	queue    []Message
	gateways map[string]int // bytes waiting, by gateway
	status   LaneStatus
	lost     uint64 // dropped since the buffer last had room; 0 when it has
}

func newLane(name topic.Lane, limit int, log *slog.Logger) *lane {
	return &lane{
		name: name, limit: limit, share: limit / 4, log: log,
		wake: make(chan struct{}, 1), gateways: map[string]int{},
		status: LaneStatus{Lane: name},
	}
}

// push takes m into the buffer or drops and counts it. It never blocks.
func (l *lane) push(m Message) {
	size := len(m.Payload) + messageOverhead
	l.mu.Lock()
	full := l.status.WaitingBytes+size > l.limit
	if full || l.gateways[m.Gateway]+size > l.share {
		l.status.Dropped++
		l.status.DroppedBytes += uint64(len(m.Payload))
		l.lost++
		first := l.lost == 1
		waiting, bytes := l.status.Waiting, l.status.WaitingBytes
		l.mu.Unlock()
		if first {
			l.log.Warn("lane buffer is full, dropping; gateways will send again",
				"lane", l.name, "gateway", m.Gateway, "waiting", waiting, "waiting_bytes", bytes, "limit_bytes", l.limit, "one_gateway_only", !full)
		}
		return
	}
	l.queue = append(l.queue, m)
	l.gateways[m.Gateway] += size
	l.status.Messages++
	l.status.Bytes += uint64(len(m.Payload))
	l.status.Waiting++
	l.status.WaitingBytes += size
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// pop takes the oldest waiting message.
func (l *lane) pop() (Message, bool) {
	l.mu.Lock()
	if len(l.queue) == 0 {
		lost := l.lost
		l.lost = 0
		l.mu.Unlock()
		if lost > 0 {
			l.log.Info("lane buffer has drained", "lane", l.name, "dropped", lost)
		}
		return Message{}, false
	}
	m := l.queue[0]
	l.queue[0] = Message{} // let go of the payload
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	size := len(m.Payload) + messageOverhead
	l.status.Waiting--
	l.status.WaitingBytes -= size
	if l.gateways[m.Gateway] -= size; l.gateways[m.Gateway] == 0 {
		delete(l.gateways, m.Gateway)
	}
	l.mu.Unlock()
	return m, true
}

// run hands messages to handle until ctx ends.
func (l *lane) run(ctx context.Context, handle func(Message)) {
	for ctx.Err() == nil {
		m, ok := l.pop()
		if ok {
			handle(m)
			continue
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
	}
}

func (l *lane) snapshot() LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Buffers bounds what may wait for the handler on each lane, in bytes. Zero
// takes the default; anything else below MinBuffer is refused. One gateway may
// use a quarter of each.
type Buffers struct {
	Live    int // 16 MiB
	Backlog int // 64 MiB
	Seal    int // 8 MiB
	State   int // 16 MiB
}

// MinBuffer is the least a lane's buffer may be: a quarter of it holds the
// largest message.
const MinBuffer = 8 << 20

func (b Buffers) size(name topic.Lane) (int, error) {
	var set, def int
	switch name {
	case topic.Live:
		set, def = b.Live, 16<<20
	case topic.Backlog:
		set, def = b.Backlog, 64<<20
	case topic.Seal:
		set, def = b.Seal, 8<<20
	case topic.State:
		set, def = b.State, 16<<20
	}
	switch {
	case set == 0:
		return def, nil
	case set < MinBuffer:
		return 0, fmt.Errorf("buffer of lane %s is %d bytes: want 0 for the default or at least %d", name, set, MinBuffer)
	}
	return set, nil
}
