package custody

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Log is what custody needs of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Catalog tells what people have entered; *catalog.Model has it. q is the store
// or a command under way.
type Catalog interface {
	// Lookup gives a record, and whether it is retired and whether there is one.
	Lookup(ctx context.Context, q store.Querier, r fact.Ref) (record fact.Record, retired, found bool, err error)
	// Present tells of many records which there are, retired or not.
	Present(ctx context.Context, q store.Querier, refs []fact.Ref) (map[fact.Ref]bool, error)
}

// Orders tells which shipments, packages and units there are; *orders.Model has
// it.
type Orders interface {
	Known(ctx context.Context, q store.Querier, r fact.Ref) (bool, error)
	// Assignments gives to which shipments a package belonged, in order of
	// (At, Made, ID), first what was said when it was packed; empty for a
	// package that is not known.
	Assignments(ctx context.Context, q store.Querier, pkg string) ([]fact.PackageAssigned, error)
}

// Options of New.
type Options struct {
	Log     Log           // required
	Store   store.Querier // required, to read from
	Model   *Model        // required, and among the Log's models
	Catalog Catalog       // required
	Orders  Orders        // required
	// Skew is how far a statement may lie ahead of the hub's clock; 0 means two
	// minutes.
	Skew time.Duration
	Now  func() time.Time // nil: time.Now
	// Logger is required.
	Logger *slog.Logger
}

// Custody is safe for concurrent use.
type Custody struct {
	o        Options
	outcomes [5]atomic.Int64 // of Outcomes
}

// New makes a Custody. It starts nothing.
func New(o Options) (*Custody, error) {
	switch {
	case o.Log == nil:
		return nil, errors.New("custody: log is not set")
	case o.Store == nil:
		return nil, errors.New("custody: store is not set")
	case o.Model == nil:
		return nil, errors.New("custody: model is not set")
	case o.Catalog == nil:
		return nil, errors.New("custody: catalog is not set")
	case o.Orders == nil:
		return nil, errors.New("custody: orders are not set")
	case o.Logger == nil:
		return nil, errors.New("custody: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Skew == 0 {
		o.Skew = 2 * time.Minute
	}
	return &Custody{o: o}, nil
}

// known reports whether there is a thing, by whoever keeps things of its kind;
// also one that is retired, since a late scan may speak of the time before.
func (c *Custody) known(ctx context.Context, q store.Querier, r fact.Ref) (bool, error) {
	switch r.Kind {
	case fact.Order, fact.Shipment, fact.Package, fact.Unit:
		return c.o.Orders.Known(ctx, q, r)
	}
	_, _, found, err := c.o.Catalog.Lookup(ctx, q, r)
	return found, err
}

// Where says what a subject is in at an instant and since when, nil where that
// is not known.
func (c *Custody) Where(ctx context.Context, q store.Querier, subject fact.Ref, at int64) (in *fact.Ref, since int64, err error) {
	return c.o.Model.Where(ctx, q, subject, at)
}

// Contents gives what is in a thing by itself at an instant, in order.
func (c *Custody) Contents(ctx context.Context, q store.Querier, thing fact.Ref, at int64) ([]fact.Ref, error) {
	return c.o.Model.Contents(ctx, q, thing, at)
}
