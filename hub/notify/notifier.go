package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

var (
	// ErrNotFound: there is no such delivery.
	ErrNotFound = errors.New("there is no such delivery")
	// ErrNotFailed: only a delivery that was given up can be retried.
	ErrNotFailed = errors.New("it has not failed")
)

// Events is what is needed of the event store; *event.Log has it.
type Events interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Options of New.
type Options struct {
	Config Config // as Validate has left it, or before it
	Events Events
	Store  *store.DB
	Now    func() time.Time // the hub's clock; nil means time.Now
	Log    *slog.Logger
}

// Notifier tells people and programs. It is safe for concurrent use.
type Notifier struct {
	config Config
	events Events
	store  *store.DB
	now    func() time.Time
	log    *slog.Logger
	mail   *mailer          // nil without SMTP
	hooks  map[string]*hook // by name
	wake   chan struct{}
	// failing is why nothing is sent now, "" or nil while something could be.
	failing atomic.Pointer[string]
	counts  struct{ told, sent, retried, failed, lost, unread atomic.Uint64 }
}

// Counts is what has happened since New, and what waits.
type Counts struct {
	Told    uint64 `json:"told"`    // deliveries made of events
	Sent    uint64 `json:"sent"`    // accepted by their receivers
	Retried uint64 `json:"retried"` // attempts that failed and are tried again
	GaveUp  uint64 `json:"gaveUp"`
	Lost    uint64 `json:"lost"`    // events that no policy fits: nobody was told
	Unread  uint64 `json:"unread"`  // events that could not be understood
	Waiting int64  `json:"waiting"` // news for e-mail that is gathered
	Pending int64  `json:"pending"`
	Overdue int64  `json:"overdue"`           // of these, that failed more than once
	Failed  int64  `json:"failed"`            // in the store: given up and not retried
	Failing string `json:"failing,omitempty"` // why nothing can be sent at all
}

// New validates the configuration and reads the secrets it names, which must
// be files that nobody else can read.
func New(o Options) (*Notifier, error) {
	if o.Events == nil || o.Store == nil || o.Log == nil {
		return nil, errors.New("notifications: events, store and logger must be set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Notifier{config: o.Config, events: o.Events, store: o.Store, now: o.Now, log: o.Log, hooks: map[string]*hook{}, wake: make(chan struct{}, 1)}
	if err := n.config.Validate(); err != nil {
		return nil, fmt.Errorf("notifications: %w", err)
	}
	var err error
	if n.config.SMTP != nil {
		if n.mail, err = newMailer(*n.config.SMTP); err != nil {
			return nil, fmt.Errorf("notifications: smtp: %w", err)
		}
	}
	for _, w := range n.config.Webhooks {
		if n.hooks[w.Name], err = newHook(w); err != nil {
			return nil, fmt.Errorf("notifications: webhook %q: %w", w.Name, err)
		}
	}
	return n, nil
}

// Run tells of events until ctx ends. What was not sent by then is sent by the
// next Run.
func (n *Notifier) Run(ctx context.Context) error {
	if n.config.None() {
		n.log.Warn("no notification is configured: nobody is told of excursions but by the pages")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.events.Consume(ctx, "notify", n.Handle) })
	g.Go(func() error { return n.send(ctx) })
	return g.Wait()
}

// Handle makes deliveries of events. Handling an event again makes none. It
// fails when the store does, and for an event that it cannot read.
func (n *Notifier) Handle(ctx context.Context, events []event.Event) error {
	var hooks, mails []Delivery
	var bad error
	now := n.now().UnixMilli()
	for _, e := range events {
		found, lost, err := n.config.route(e)
		if err != nil {
			n.counts.unread.Add(1)
			bad = fmt.Errorf("notify of %s at position %d: %w", e.Type, e.Position, err)
			break
		}
		if lost {
			n.counts.lost.Add(1)
			if n.config.None() {
				continue // said by Run
			}
			n.log.Error("nobody is told of an excursion: no policy fits", "event", e.ID, "type", e.Type, "excursion", e.Stream)
		}
		for _, d := range found {
			d.State, d.Created, d.Since, d.Due = Pending, now, now, now
			if d.Channel == Email && d.of.Facts != nil {
				mails = append(mails, d)
			} else {
				hooks = append(hooks, d)
			}
		}
	}
	if len(hooks)+len(mails) > 0 {
		var added int64
		err := n.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if added, err = insert(ctx, tx, hooks); err == nil {
				_, err = n.gather(ctx, tx, mails, now)
			}
			return err
		})
		if err != nil {
			return err
		}
		n.counts.told.Add(uint64(added))
		n.nudge()
	}
	return bad
}

func (n *Notifier) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Filter chooses deliveries; what is "" does not count.
type Filter struct {
	State string // pending, sent, failed
	About string // id of an excursion
}

// List gives up to limit deliveries whose ids come after one, by id.
func (n *Notifier) List(ctx context.Context, f Filter, after string, limit int) ([]Delivery, error) {
	return list(ctx, n.store, f, after, limit)
}

// Retry has a failed delivery tried again from the start, and gives it. An event
// tells who asked for it. The error wraps ErrNotFound or ErrNotFailed.
func (n *Notifier) Retry(ctx context.Context, actor, id string) (d Delivery, err error) {
	_, err = n.events.Command(ctx, actor, func(ctx context.Context, c event.Change) error {
		was, err := get(ctx, c.Tx(), id)
		if err != nil {
			return err
		}
		if err := retry(ctx, c.Tx(), id, n.now().UnixMilli()); err != nil {
			return err
		}
		if _, err := c.Append(ctx, event.New{Stream: "delivery/" + id, Expect: -1, Type: fact.DeliveryWasRetried,
			Data: fact.DeliveryRetried{ID: id, Excursion: was.About, Attempts: was.Attempts}}); err != nil {
			return err
		}
		d, err = get(ctx, c.Tx(), id)
		return err
	})
	if err == nil {
		n.log.Info("delivery is retried", "delivery", id, "by", actor)
		n.nudge()
	}
	return d, err
}

// Counts tells what has happened and what waits.
func (n *Notifier) Counts(ctx context.Context) (Counts, error) {
	k := &n.counts
	c := Counts{Told: k.told.Load(), Sent: k.sent.Load(), Retried: k.retried.Load(), GaveUp: k.failed.Load(), Lost: k.lost.Load(), Unread: k.unread.Load()}
	if s := n.failing.Load(); s != nil {
		c.Failing = *s
	}
	err := tally(ctx, n.store, &c)
	return c, err
}
