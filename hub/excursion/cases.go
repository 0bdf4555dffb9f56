package excursion

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
	// ErrNotFound: there is no such case.
	ErrNotFound = errors.New("there is no such excursion")
	// ErrOrder: the step may not follow the state; see StepError.
	ErrOrder = errors.New("step is out of order")
	// ErrInvalid: what was sent makes no sense.
	ErrInvalid = errors.New("invalid")
	// ErrStale: the case has changed since the caller looked at it.
	ErrStale = errors.New("excursion has changed since it was looked at")
	// ErrForbidden: this person may not take this step.
	ErrForbidden = errors.New("not allowed")
	// ErrPassword: re-authentication failed.
	ErrPassword = errors.New("re-authentication failed")
)

// fault is an ErrInvalid whose text begins with the name of the field.
type fault string

func invalid(format string, args ...any) error { return fault(fmt.Sprintf(format, args...)) }

func (f fault) Error() string { return string(f) }
func (f fault) Unwrap() error { return ErrInvalid }

// Unwrap makes a StepError an ErrOrder.
func (e *StepError) Unwrap() error { return ErrOrder }

// Events is what is needed of the event store; *event.Log has it.
type Events interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
	Watch() (wake <-chan struct{}, stop func())
}

// Signers knows who may sign.
type Signers interface {
	// Reauthenticate checks the password of a person, given anew for this one
	// signature, and gives the printed name and the roles. The error wraps
	// ErrPassword where it is not the password of a person who is known and
	// enabled; any other error is given to the caller as it is.
	Reauthenticate(ctx context.Context, person, password string) (name string, roles []string, err error)
}

// KeySigners are Signers that know passkeys too.
type KeySigners interface {
	// ReauthenticateByKey checks the answer of one of a person's passkeys, which
	// was asked for a signature of this content, and is good for one. It gives the
	// same as Signers.Reauthenticate.
	ReauthenticateByKey(ctx context.Context, person, content string, answer []byte) (name string, roles []string, err error)
}

// Spans judges a part of a package's watch, by the engine that made its verdict.
type Spans interface {
	// Assess gives what the profile of a case says of a span, UTC, Unix ms. Its
	// error wraps ErrInvalid where the span is not within the watch.
	Assess(ctx context.Context, of fact.ExcursionFacts, from, to int64) (fact.Assessment, error)
}

// Policy says how soon somebody has to acknowledge.
type Policy interface {
	// Levels gives for each level of escalation, from 1, how long it has before
	// the next one is told; after the last, the last is told again. None means
	// that nobody is waited for.
	Levels(severity, kind string) []time.Duration
	// Repeats is how often the last level is told again.
	Repeats() int
}

// Options of New. All are required, but Spans, Policy and Now.
type Options struct {
	Events  Events
	Store   store.Querier
	Tables  *Tables
	Signers Signers
	Spans   Spans            // nil: nobody can assess a span
	Policy  Policy           // nil: no deadlines
	Now     func() time.Time // the hub's clock; nil means time.Now
	Log     *slog.Logger
}

// Cases follows all excursions. It is safe for concurrent use.
type Cases struct {
	events  Events
	store   store.Querier
	tables  *Tables
	signers Signers
	spans   Spans
	policy  Policy
	now     func() time.Time
	log     *slog.Logger
	counts  counts
	failing atomic.Pointer[string] // why escalations are held up; "" or nil while they are not
}

type counts struct {
	opened, revised, reopened, retracted, escalated atomic.Uint64
	outOfOrder, refused, unread                     atomic.Uint64
}

// Counts is what has happened since New.
type Counts struct {
	Opened     uint64 `json:"opened"`
	Revised    uint64 `json:"revised"`
	Reopened   uint64 `json:"reopened"`
	Retracted  uint64 `json:"retracted"`
	Escalated  uint64 `json:"escalated"`
	OutOfOrder uint64 `json:"outOfOrder"`        // steps refused for the state
	Refused    uint64 `json:"refused"`           // signatures refused: password, role, same person, changed meanwhile
	Unread     uint64 `json:"unread"`            // events that could not be understood
	Failing    string `json:"failing,omitempty"` // why escalations are held up
}

// New fails where an option is missing.
func New(o Options) (*Cases, error) {
	switch {
	case o.Events == nil || o.Store == nil || o.Tables == nil:
		return nil, errors.New("excursions: events, store and tables must be set")
	case o.Signers == nil:
		return nil, errors.New("excursions: signers must be set: nobody could sign")
	case o.Log == nil:
		return nil, errors.New("excursions: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Cases{events: o.Events, store: o.Store, tables: o.Tables, signers: o.Signers, spans: o.Spans, policy: o.Policy, now: o.Now, log: o.Log}, nil
}

// Run opens and revises cases as verdicts and scans come in, and escalates
// those that nobody acknowledges in time, until ctx ends. A store that fails
// holds this up. What it has done is in the store: it may be killed at any moment.
func (c *Cases) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.events.Consume(ctx, "excursion", c.Handle) })
	g.Go(func() error { return c.escalateUntilDone(ctx) })
	return g.Wait()
}

// Counts tells what has happened since New.
func (c *Cases) Counts() Counts {
	n, failing := &c.counts, ""
	if s := c.failing.Load(); s != nil {
		failing = *s
	}
	return Counts{
		Failing: failing,
		Opened:  n.opened.Load(), Revised: n.revised.Load(), Reopened: n.reopened.Load(), Retracted: n.retracted.Load(), Escalated: n.escalated.Load(),
		OutOfOrder: n.outOfOrder.Load(), Refused: n.refused.Load(), Unread: n.unread.Load(),
	}
}
