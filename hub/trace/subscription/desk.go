package subscription

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"frostline/hub/store"
	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

// Events is where events are; *repository.Repository has them.
type Events interface {
	Fetch(ctx context.Context, q repository.Query, from *repository.Position, limit int) ([]repository.Row, *repository.Position, error)
	// Before gives the seq of the last event recorded before a time.
	Before(ctx context.Context, recorded int64) (int64, error)
	Last() int64
	Watch() (wake <-chan struct{}, stop func())
}

// Message is one delivery.
type Message struct {
	URL    string
	Secret []byte // to sign with; none for an unsigned message
	ID     string // the same each time that it is tried
	Header http.Header
	Body   []byte
}

// Sender sends messages.
type Sender interface {
	// Send gives nil once the receiver has accepted a message. An error may say
	// how long the receiver wants to be left alone, by After() time.Duration,
	// and what it answered, by Status() int.
	Send(ctx context.Context, m Message) error
}

// Options of New. All are required but URN and Now.
type Options struct {
	Store      *store.DB
	Repository Events
	Sender     Sender
	URN        form.Translator
	Now        func() time.Time
	Log        *slog.Logger
}

// Desk keeps named queries and their subscriptions. It is safe for concurrent
// use.
type Desk struct {
	store      *store.DB
	repository Events
	sender     Sender
	urn        form.Translator
	now        func() time.Time
	log        *slog.Logger
	atOnce     chan struct{} // holds one for each subscription at work

	mu      sync.Mutex
	running context.Context // nil while Run does not
	all     sync.WaitGroup
	ends    map[string]func()        // of each that is followed
	follows map[string]*Subscription // likewise; its ID and Query alone may be read here
}

const sendersAtOnce = 4

// New makes a desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Store == nil || o.Repository == nil || o.Sender == nil || o.Log == nil {
		return nil, errors.New("epcis subscriptions: Store, Repository, Sender and Log are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{store: o.Store, repository: o.Repository, sender: o.Sender, urn: o.URN, now: o.Now, log: o.Log,
		atOnce: make(chan struct{}, sendersAtOnce), ends: map[string]func(){}, follows: map[string]*Subscription{}}, nil
}

// Run delivers until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	d.mu.Lock()
	if d.running != nil {
		d.mu.Unlock()
		return errors.New("epcis subscriptions: they run already")
	}
	d.running = ctx
	d.mu.Unlock()
	all, err := d.list(ctx, "state = 'active' ORDER BY id")
	if err == nil {
		for _, s := range all {
			d.begin(s)
		}
		<-ctx.Done()
	}
	d.mu.Lock()
	d.running = nil
	d.mu.Unlock()
	d.all.Wait()
	if err != nil {
		return fmt.Errorf("epcis subscriptions: %w", err)
	}
	return nil
}

// begin follows a subscription, once, if Run runs; else Run will.
func (d *Desk) begin(s Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running == nil || d.running.Err() != nil || d.ends[s.ID] != nil {
		return
	}
	ctx, end := context.WithCancel(d.running)
	d.ends[s.ID], d.follows[s.ID] = end, &s
	d.all.Go(func() {
		d.follow(ctx, &s)
		end()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.ends, s.ID)
		delete(d.follows, s.ID)
	})
}

// endOf ends those that are followed.
func (d *Desk) endOf(which func(*Subscription) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, s := range d.follows {
		if which(s) {
			d.ends[id]()
		}
	}
}
