package repository

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
)

var (
	// ErrTooLarge is wrapped where a capture exceeds MaxEvents or MaxTerms.
	ErrTooLarge = errors.New("capture is too large")
	// ErrNotFound is wrapped where what is asked for is not there.
	ErrNotFound = errors.New("not known")
)

// Events is what the repository needs of the hub's event log.
type Events interface {
	// Command runs do in one transaction and commits it.
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Options of New.
type Options struct {
	Store  *store.DB        // required
	Events Events           // required
	Now    func() time.Time // nil means time.Now
	Log    *slog.Logger     // required
}

// Repository keeps EPCIS events. It is safe for concurrent use.
type Repository struct {
	store  *store.DB
	events Events
	now    func() time.Time
	log    *slog.Logger

	turn   chan struct{} // one token: who has it writes
	values *values       // of who has the token

	mu       sync.Mutex
	waiting  []*waiter
	watchers map[chan struct{}]struct{}

	last atomic.Int64 // seq of the last event known to be committed
}

// New opens the repository. It starts nothing.
func New(ctx context.Context, o Options) (*Repository, error) {
	switch {
	case o.Store == nil || o.Events == nil:
		return nil, errors.New("epcis repository: Store and Events are required")
	case o.Log == nil:
		return nil, errors.New("epcis repository: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Repository{store: o.Store, events: o.Events, now: o.Now, log: o.Log,
		turn: make(chan struct{}, 1), values: newValues(), watchers: map[chan struct{}]struct{}{}}
	r.turn <- struct{}{}
	var last int64
	if err := r.store.QueryRow(ctx, "SELECT COALESCE(MAX(seq), 0) FROM epcis_event").Scan(&last); err != nil {
		return nil, fmt.Errorf("epcis repository: read last event: %w", err)
	}
	r.last.Store(last)
	return r, nil
}

// Behaviour is what a capture does where one of its events cannot be captured.
type Behaviour string

const (
	Rollback Behaviour = "rollback" // nothing is captured
	Proceed  Behaviour = "proceed"  // the others are
)

// Capture is a job of capture.
type Capture struct {
	By        string // actor
	Behaviour Behaviour
	Items     []Item    // in the order of the document
	Masters   []Element // master data, captured with the events
}

// Item is an event of a capture, or why there is none.
type Item struct {
	Record   *Record
	Problems []Problem // of the event by itself; then it is not captured
	Pointer  string    // JSON pointer or XPath of the event in the document
}

// Problem is why an event was not captured.
type Problem struct {
	Type    string `json:"type"` // such as epcisException:ValidationException
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Pointer string `json:"pointer,omitempty"` // where in the document
	EventID string `json:"eventID,omitempty"`
}

// Types of problems of events.
const (
	Invalid = "epcisException:ValidationException"
	Exists  = "epcisException:ResourceAlreadyExistsException"
)

// Job is what came of a capture.
type Job struct {
	ID        string
	Number    int64 // rising
	By        string
	Created   int64 // hub's clock, UTC, Unix ms
	Finished  int64
	Behaviour Behaviour
	Success   bool
	Captured  int64 // events that are new
	Known     int64 // events that had been captured before
	// Problems are the first hundred; the last may say how many more there are.
	Problems []Problem
}

// waiter is a capture that waits to be written.
type waiter struct {
	capture Capture
	size    int
	job     Job
	err     error
	done    chan struct{}
}

// Capture writes the events of a job, or none of them; see Behaviour. The job
// says what came of it, also where nothing was captured. An error means that
// the store could not do it: nothing was captured, unless it wraps
// store.ErrUnknown. To capture the same again has no effect.
func (r *Repository) Capture(ctx context.Context, c Capture) (Job, error) {
	if c.Behaviour != Proceed {
		c.Behaviour = Rollback
	}
	w := &waiter{capture: c, done: make(chan struct{})}
	w.job = Job{ID: newID(), By: c.By, Created: r.now().UnixMilli(), Behaviour: c.Behaviour}
	if len(c.Items) > MaxEvents {
		return Job{}, fmt.Errorf("%d events: %w: at most %d are taken at once", len(c.Items), ErrTooLarge, MaxEvents)
	}
	for i := range c.Items {
		it := &c.Items[i]
		if it.Record == nil {
			continue
		}
		if err := it.Record.check(); err != nil {
			it.Problems = append(it.Problems, Problem{Type: Invalid, Title: "event is not valid", Detail: err.Error(), Pointer: it.Pointer})
			it.Record = nil
			continue
		}
		w.size += it.Record.size()
	}
	for _, m := range c.Masters {
		if len(m.Document) > MaxDocument || len(m.ID) > maxID {
			return Job{}, fmt.Errorf("master data of %.100q: %w: %d bytes, at most %d are taken", m.ID, ErrTooLarge, len(m.Document), MaxDocument)
		}
		w.size += 1 + len(m.Children)
	}
	if w.size > MaxTerms {
		return Job{}, fmt.Errorf("%d EPCs and other values in the index: %w: at most %d are taken at once; split the document", w.size, ErrTooLarge, MaxTerms)
	}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	r.mu.Unlock()
	for {
		select {
		case <-w.done:
			return w.job, w.err
		case <-ctx.Done():
			if r.withdraw(w) {
				return Job{}, ctx.Err()
			}
			<-w.done // it is being written
			return w.job, w.err
		case <-r.turn:
			if group := r.group(); len(group) > 0 {
				r.write(group)
			}
			r.turn <- struct{}{}
		}
	}
}

// withdraw takes a capture back that nobody has begun to write.
func (r *Repository) withdraw(w *waiter) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, other := range r.waiting {
		if other == w {
			r.waiting = append(r.waiting[:i], r.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// groupTerms bounds what is written together, beyond the first.
const groupTerms = 15_000

// group takes the captures that are to be written together.
func (r *Repository) group() []*waiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, size := 0, 0
	for n < len(r.waiting) && (n == 0 || size+r.waiting[n].size <= groupTerms) {
		size += r.waiting[n].size
		n++
	}
	group := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	return group
}

// newID is an id of a job.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Last is the seq of the last event known to be committed, 0 before the first.
func (r *Repository) Last() int64 { return r.last.Load() }

// Watch gives a channel that is woken after events were captured. Wake-ups
// coalesce. Call stop when it is no longer needed.
func (r *Repository) Watch() (wake <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers[c] = struct{}{}
	return c, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, c)
	}
}
