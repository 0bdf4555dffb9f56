package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Streams is a Broker whose server has JetStream for the hub's own use.
// Embedded and NATS are; MQTT is not.
type Streams interface {
	Broker
	// Connect opens a connection of its own, as the hub, under a name that
	// shows in the server's lists. It does not reconnect: a caller that loses
	// it connects again. The error wraps ErrUnavailable while Run does not run
	// or the server is away.
	Connect(ctx context.Context, name string) (*nats.Conn, error)
}

var (
	_ Streams = (*Embedded)(nil)
	_ Streams = (*NATS)(nil)
)

// What the hub may do with its stream of domain events. No gateway may.
const (
	eventSubjects = "frostline.event.>"
	eventStream   = "FROSTLINE_EVENTS"
)

// Connect is as in Streams.
func (e *Embedded) Connect(ctx context.Context, name string) (*nats.Conn, error) {
	e.mu.Lock()
	link, running := e.link, e.srv != nil
	e.mu.Unlock()
	if !running {
		return nil, fmt.Errorf("connect %s: %w", name, ErrUnavailable)
	}
	return link.join(ctx, name)
}

// Connect is as in Streams.
func (n *NATS) Connect(ctx context.Context, name string) (*nats.Conn, error) {
	return n.link.join(ctx, name)
}

// join opens a connection apart from the link's own.
func (l *natsLink) join(ctx context.Context, name string) (*nats.Conn, error) {
	timeout := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	options := append([]nats.Option{
		nats.Name(name), nats.Timeout(timeout), nats.NoReconnect(),
		nats.PingInterval(20 * time.Second), nats.MaxPingsOutstanding(2),
	}, l.options...)
	nc, err := nats.Connect(l.address, options...)
	if err != nil {
		return nil, fmt.Errorf("connect %s to nats server %s: %w: %w", name, l.address, ErrUnavailable, err)
	}
	return nc, nil
}
