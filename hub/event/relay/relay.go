// Package relay publishes domain events to a JetStream stream, for whoever
// outside the hub wants to know what happened.
//
// Events are published in the order of the log, each as a CloudEvents 1.0
// message in JSON, with the event's id as message id. An event leaves the
// hub's outbox only after the stream has acknowledged it, so each arrives at
// least once. One that arrives again comes within the stream's window for
// duplicates and is dropped there, or is recognised by its id.
//
// The stream is a copy with a bound: the log in the hub's store is the source,
// and nothing is promised that rests on the stream.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"frostline/hub/event"
)

const (
	// Stream is where events are published, and Subjects which subjects it has:
	// "frostline.event.CONTEXT.WHAT_HAPPENED".
	Stream   = "FROSTLINE_EVENTS"
	Subjects = root + ">"
	root     = "frostline.event."

	// Defaults of a stream that the relay creates. One that is there is used as
	// it is.
	streamBytes  = 256 << 20 // the oldest go first
	streamAge    = 90 * 24 * time.Hour
	streamWindow = 2 * time.Hour // for duplicates

	atOnce      = 64 // events in flight
	ackTimeout  = 10 * time.Second
	firstWait   = time.Second / 4
	longestWait = 30 * time.Second
	look        = 10 * time.Second // at the outbox when nothing wakes the relay
)

// Options of New.
type Options struct {
	Events *event.Log // required, opened with its outbox
	// Connect opens a connection to a server with JetStream, for the relay
	// alone; nil where the broker is none, and the relay is then off.
	Connect func(context.Context) (*nats.Conn, error)
	// Source is the CloudEvents source of all events, a URI reference; ""
	// means "/frostline/hub".
	Source string
	Log    *slog.Logger // required
}

// Status is a snapshot of a Relay.
type Status struct {
	On         bool      `json:"on"` // false where the broker has no JetStream: events stay in the store alone
	Connected  bool      `json:"connected"`
	Since      time.Time `json:"since,omitzero"` // when Connected last changed
	Published  uint64    `json:"published"`      // acknowledged since the start
	Duplicates uint64    `json:"duplicates"`     // of these, that the stream had already
	Failures   uint64    `json:"failures"`
	LastError  string    `json:"lastError,omitempty"` // stays after recovery
}

// Relay publishes. It is safe for concurrent use.
type Relay struct {
	o       Options
	mu      sync.Mutex
	status  Status
	failing bool // the present failure was logged
}

// New checks o. Nothing is opened before Run.
func New(o Options) (*Relay, error) {
	switch {
	case o.Events == nil:
		return nil, errors.New("relay: events are not set")
	case o.Log == nil:
		return nil, errors.New("relay: logger is not set")
	}
	if o.Source == "" {
		o.Source = "/frostline/hub"
	}
	return &Relay{o: o, status: Status{On: o.Connect != nil}}, nil
}

// Status says how the relay is doing, for health checks and pages.
func (r *Relay) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Run publishes until ctx ends; it then returns nil. A server that is away or
// refuses is tried again for ever.
func (r *Relay) Run(ctx context.Context) error {
	if r.o.Connect == nil {
		r.o.Log.Info("events are not published: the broker has no JetStream; they stay in the hub's store")
		<-ctx.Done()
		return nil
	}
	for n := 0; ctx.Err() == nil; n++ {
		before := r.Status().Published
		err := r.session(ctx)
		r.connected(false)
		if ctx.Err() != nil {
			return nil
		}
		if r.Status().Published > before {
			n = 0
		}
		r.failed(err)
		timer := time.NewTimer(min(firstWait<<min(n, 16), longestWait))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// session publishes over one connection until something fails.
func (r *Relay) session(ctx context.Context) error {
	nc, err := r.o.Connect(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*atOnce), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return err
	}
	wake, stop := r.o.Events.Watch()
	defer stop()
	lost := nc.StatusChanged(nats.CLOSED, nats.RECONNECTING, nats.DISCONNECTED)
	if err := r.resume(ctx, js); err != nil {
		return err
	}
	r.connected(true)
	for {
		waiting, ok, err := r.o.Events.Outbox(ctx, atOnce)
		switch {
		case err != nil:
			return err
		case !ok:
			return errors.New("the event log keeps no outbox: open it with one")
		case len(waiting) > 0:
			if err := r.publish(ctx, js, waiting); err != nil {
				return err
			}
			continue
		}
		r.recovered()
		timer := time.NewTimer(look)
		select {
		case <-ctx.Done():
		case <-lost:
			err = errors.New("connection lost")
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// resume makes sure that the stream is there, and takes out of the outbox what
// it has: an acknowledgement may have been lost longer ago than its window for
// duplicates reaches.
func (r *Relay) resume(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: Stream, Description: "Domain events of a Frostline hub, as CloudEvents", Subjects: []string{Subjects},
			Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			MaxBytes: streamBytes, MaxAge: streamAge, Duplicates: streamWindow,
		})
		if err == nil {
			r.o.Log.Info("created stream of events", "stream", Stream)
		}
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", Stream, err)
	}
	last := stream.CachedInfo().State.LastSeq
	if stream.CachedInfo().State.Msgs == 0 {
		return nil
	}
	m, err := stream.GetMsg(ctx, last)
	if err != nil {
		return fmt.Errorf("stream %s: read its last message: %w", Stream, err)
	}
	id := m.Header.Get(jetstream.MsgIDHeader)
	e, found, err := r.o.Events.ByID(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		r.o.Log.Warn("the stream's last event is not of this hub's store; publishing all that waits", "stream", Stream, "id", id)
		return nil
	}
	waiting, _, err := r.o.Events.Outbox(ctx, 1)
	if err != nil || len(waiting) == 0 || waiting[0].Position > e.Position {
		return err
	}
	r.o.Log.Info("the stream has events whose acknowledgement was lost", "up_to", e.Position)
	return r.o.Events.Published(ctx, e.Position)
}

// publish sends events and takes those that are acknowledged, up to the first
// that is not, out of the outbox. Each but the first may only follow the one
// before it: should one be lost, the server refuses those after it.
func (r *Relay) publish(ctx context.Context, js jetstream.JetStream, events []event.Event) error {
	futures := make([]jetstream.PubAckFuture, 0, len(events))
	var failed error
	for i, e := range events {
		m, err := Message(e, r.o.Source)
		if err != nil {
			failed = err
			break
		}
		opts := []jetstream.PublishOpt{jetstream.WithMsgID(e.ID), jetstream.WithExpectStream(Stream), jetstream.WithRetryAttempts(0)}
		if i > 0 {
			opts = append(opts, jetstream.WithExpectLastMsgID(events[i-1].ID))
		}
		future, err := js.PublishMsgAsync(m, opts...)
		if err != nil {
			failed = fmt.Errorf("publish event at position %d: %w", e.Position, err)
			break
		}
		futures = append(futures, future)
	}
	done, duplicates := int64(0), uint64(0)
	var acked uint64
	for i, f := range futures {
		select {
		case <-ctx.Done():
			failed = ctx.Err()
		case err := <-f.Err():
			failed = fmt.Errorf("publish event at position %d: %w", events[i].Position, err)
		case ack := <-f.Ok():
			acked++
			done = events[i].Position
			if ack.Duplicate {
				duplicates++
			}
			continue
		}
		break
	}
	if done > 0 {
		// Acknowledged is acknowledged, also when ctx has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
		defer cancel()
		if err := r.o.Events.Published(ctx, done); err != nil {
			return err
		}
		r.mu.Lock()
		r.status.Published += acked
		r.status.Duplicates += duplicates
		r.mu.Unlock()
	}
	return failed
}

func (r *Relay) connected(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Connected != is {
		r.status.Connected, r.status.Since = is, time.Now()
	}
}

// failed counts a failure and logs the first of a row.
func (r *Relay) failed(err error) {
	r.mu.Lock()
	first := !r.failing
	r.failing = true
	r.status.Failures++
	r.status.LastError = fmt.Sprint(err)
	r.mu.Unlock()
	if first {
		r.o.Log.Warn("events cannot be published; they wait in the outbox", "error", err)
	}
}

func (r *Relay) recovered() {
	r.mu.Lock()
	was := r.failing
	r.failing = false
	r.mu.Unlock()
	if was {
		r.o.Log.Info("events are published again; the outbox is empty")
	}
}
