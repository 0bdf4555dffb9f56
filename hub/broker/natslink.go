package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"frostline/proto/topic"
)

// natsLink is the hub's side of a NATS server, embedded or external: one
// connection for backlog and one for all else, because a server sends to a
// connection in order and the bulk would go first.
type natsLink struct {
	address string
	options []nats.Option
	in      *inbox
	log     *slog.Logger
	ready   chan struct{}
	nudge   chan struct{} // capacity 1: something changed, look again

	retaining sync.Mutex // held while a Config is written to the store; before mu

	mu         sync.Mutex
	fast, bulk *nats.Conn // nil outside run
	connected  bool
	since      time.Time
	lastError  string
	connects   uint64
	complaints uint64
	pending    map[string][]byte // Configs that have no store yet, by gateway
	// seen holds, while retained States are being read, the gateways whose
	// State came meanwhile: what was retained of them is stale. Nil otherwise.
	seen map[string]struct{}
}

func newNATSLink(address string, in *inbox, log *slog.Logger, options ...nats.Option) *natsLink {
	return &natsLink{
		address: address, options: options, in: in, log: log,
		ready: make(chan struct{}), nudge: make(chan struct{}, 1),
		pending: map[string][]byte{},
	}
}

// run serves both connections until ctx ends.
func (l *natsLink) run(ctx context.Context) error {
	fast, err := l.connect("frostline hub")
	if err != nil {
		return err
	}
	defer fast.Close()
	bulk, err := l.connect("frostline hub backlog")
	if err != nil {
		return err
	}
	defer bulk.Close()
	for _, lane := range topic.Up {
		nc := fast
		if lane == topic.Backlog {
			nc = bulk
		}
		sub, err := nc.Subscribe(topic.Subject("*", lane), l.receive)
		if err == nil {
			// receive never blocks, so this is only a bound for a stalled process.
			err = sub.SetPendingLimits(-1, 64<<20)
		}
		if err != nil {
			return fmt.Errorf("subscribe to lane %s: %w", lane, err)
		}
	}
	l.mu.Lock()
	l.fast, l.bulk = fast, bulk
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fast, l.bulk = nil, nil
		if l.connected {
			l.connected, l.since = false, time.Now()
		}
	}()
	l.wake()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.nudge:
			l.settle(ctx, fast, bulk)
		}
	}
}

// settle brings the link from connected to serving: subscriptions known to the
// server, retained States read, Config that waited for its store written.
func (l *natsLink) settle(ctx context.Context, fast, bulk *nats.Conn) {
	up := fast.IsConnected() && bulk.IsConnected()
	l.mu.Lock()
	was := l.connected
	if !up {
		l.setConnected(false)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	if !was {
		for _, nc := range []*nats.Conn{fast, bulk} {
			if err := nc.FlushTimeout(flushTimeout); err != nil {
				l.complain("subscribe", err)
				time.AfterFunc(backoff(3), l.wake) // a closed link ignores it
				return
			}
		}
		l.mu.Lock()
		l.setConnected(true)
		l.seen = map[string]struct{}{}
		l.mu.Unlock()
		states, err := readRetained(ctx, fast)
		if err != nil && ctx.Err() == nil {
			l.complain("read retained states", err)
		}
		l.mu.Lock()
		for gateway, payload := range states {
			if _, stale := l.seen[gateway]; !stale {
				l.in.deliver(topic.Subject(gateway, topic.State), payload, true)
			}
		}
		l.seen = nil
		l.mu.Unlock()
		select {
		case <-l.ready:
		default:
			close(l.ready)
		}
	}
	l.flushRetained(ctx, fast)
}

const flushTimeout = 5 * time.Second

// receive is called by the client library, from one goroutine per lane.
func (l *natsLink) receive(m *nats.Msg) {
	gateway, lane, err := topic.Parse(m.Subject)
	if err == nil && lane == topic.State {
		// A gateway that announces itself has made its MQTT session, and so
		// the store for retained messages: what waited for it can be written.
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.seen != nil {
			l.seen[gateway] = struct{}{}
		}
		if len(l.pending) > 0 {
			l.wake()
		}
	}
	l.in.deliver(m.Subject, m.Data, false)
}

// publish sends to a gateway that is connected now.
func (l *natsLink) publish(gateway string, lane topic.Lane, payload []byte) error {
	if err := checkDown(gateway, lane, payload); err != nil {
		return err
	}
	l.mu.Lock()
	nc := l.fast
	l.mu.Unlock()
	if nc == nil || !nc.IsConnected() {
		return fmt.Errorf("publish %s to gateway %q: %w", lane, gateway, ErrUnavailable)
	}
	if lane == topic.Config {
		if err := l.retain(nc, gateway, payload); err != nil {
			return fmt.Errorf("publish %s to gateway %q: %w", lane, gateway, err)
		}
	}
	switch err := nc.Publish(topic.Subject(gateway, lane), payload); {
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionReconnecting):
		return fmt.Errorf("publish %s to gateway %q: %w: %w", lane, gateway, ErrUnavailable, err)
	case err != nil:
		return fmt.Errorf("publish %s to gateway %q: %w", lane, gateway, err)
	}
	return nil
}

func (l *natsLink) connect(name string) (*nats.Conn, error) {
	changed := func(nc *nats.Conn) {
		l.mu.Lock()
		l.connects++
		l.mu.Unlock()
		l.wake()
	}
	options := append([]nats.Option{
		nats.Name(name),
		nats.Timeout(10 * time.Second),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.CustomReconnectDelay(backoff),
		// What cannot be sent now would be stale later.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(20 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(changed),
		nats.ReconnectHandler(changed),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				l.complain("connection lost", err)
			}
			l.wake()
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.complain("connect", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.complain("client library", err) }),
	}, l.options...)
	nc, err := nats.Connect(l.address, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats server %s: %w", l.address, err)
	}
	return nc, nil
}

func (l *natsLink) wake() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// setConnected notes and logs a change. l.mu is held.
func (l *natsLink) setConnected(up bool) {
	if l.connected == up {
		return
	}
	l.connected, l.since = up, time.Now()
	if up {
		l.log.Info("broker connected", "address", l.address)
	} else {
		l.log.Warn("broker disconnected", "address", l.address, "error", l.lastError)
	}
}

// complain counts a failure and logs the first of a kind.
func (l *natsLink) complain(doing string, err error) {
	l.mu.Lock()
	l.complaints++
	l.lastError = doing + ": " + err.Error()
	l.mu.Unlock()
	if n, ok := l.in.notice.allow("link " + doing + clip(err.Error())); ok {
		l.log.Warn("broker connection", "doing", doing, "address", l.address, "error", err, "since_last", n)
	}
}

func (l *natsLink) status(kind string) Status {
	l.mu.Lock()
	s := Status{
		Kind: kind, Address: l.address, Connected: l.connected, Since: l.since,
		LastError: l.lastError, Connects: l.connects, Complaints: l.complaints,
	}
	l.mu.Unlock()
	l.in.fill(&s)
	return s
}
