package sensing

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"frostline/hub/correlate/join"
	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/trace/repository"
)

// Events is what is needed of the hub's event log.
type Events interface {
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
}

// Places tells where things were and who had them.
type Places interface {
	// Intervals gives where a subject was, in order of time, and every thing that
	// it was ever stated to be in, corrected statements included. Both are empty
	// where nothing was told of it.
	Intervals(ctx context.Context, subject fact.Ref) (where []timeline.Interval, ever []fact.Ref, err error)
	// Inside gives what was in a thing by itself at some time in [from, to), cut
	// to it. The span is at most 366 days.
	Inside(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error)
	// Handovers gives the hand-overs of a package that hold, with those of its
	// shipments, in order.
	Handovers(ctx context.Context, pkg string) ([]fact.HandedOver, error)
}

// Parcel is a package with what was said of its watch and shipment.
type Parcel struct {
	Packed   fact.PackagePacked
	Closed   *fact.PackageClosed    // nil while it is watched
	Assigned []fact.PackageAssigned // in order of (At, Made, ID); the first may be of its packing
}

// Orders tells of packages. found is false for one that was never packed.
type Orders interface {
	Parcel(ctx context.Context, id string) (p Parcel, found bool, err error)
	InShipment(ctx context.Context, shipment string) (packages []string, err error)
}

// Verdicts judges a package by all that is known now; it gives none where
// nothing is there to judge it by.
type Verdicts interface {
	Judged(ctx context.Context, pkg string) ([]join.Judgement, error)
}

// Case is an excursion and what people have decided about it.
type Case struct {
	State      string
	Outcome    string // once closed
	Facts      fact.ExcursionFacts
	Proposal   []fact.Disposition // in force
	Signatures []fact.Signature
}

// Cases tells of excursions.
type Cases interface {
	Case(ctx context.Context, id string) (c Case, found bool, err error)
	OfPackage(ctx context.Context, pkg string) (ids []string, err error)
}

// Registry gives the record of a site, zone or party as it is now.
type Registry interface {
	Record(ctx context.Context, ref fact.Ref) (r fact.Record, found bool, err error)
}

// Repository captures EPCIS events; *repository.Repository does.
type Repository interface {
	Capture(ctx context.Context, c repository.Capture) (repository.Job, error)
}

// Options of New. All but Now and Grace are required.
type Options struct {
	Store      *store.DB
	Events     Events
	Places     Places
	Orders     Orders
	Verdicts   Verdicts
	Cases      Cases
	Registry   Registry
	Repository Repository
	// Base begins the names of what has no GS1 key: an absolute URI that ends in
	// "/", under which the hub answers, or a URN of its own. It should never
	// change: what was stated keeps the name it was stated by.
	Base string
	// Grace is how long a report waits for readings up to the end of its span;
	// it is corrected when they come later. Default an hour.
	Grace time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Keeper states what the hub knows in EPCIS. It is safe for concurrent use.
type Keeper struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	trouble string // why the store or the repository cannot be used, said once
}

// New makes a Keeper. It starts nothing.
func New(o Options) (*Keeper, error) {
	switch {
	case o.Store == nil || o.Events == nil || o.Places == nil || o.Orders == nil || o.Verdicts == nil || o.Cases == nil || o.Registry == nil || o.Repository == nil:
		return nil, errors.New("sensing: Store, Events, Places, Orders, Verdicts, Cases, Registry and Repository are required")
	case o.Log == nil:
		return nil, errors.New("sensing: logger is not set")
	}
	if err := checkBase(o.Base); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Grace == 0 {
		o.Grace = time.Hour
	}
	return &Keeper{o: o, wake: make(chan struct{}, 1)}, nil
}

// Status is how far stating has come.
type Status struct {
	Holding  int64 // statements that hold
	Declared int64 // statements that were declared to be wrong
	Waiting  int64 // events that are to be captured
	Refused  int64 // events that the repository does not take: a defect of the hub
	Failing  int64 // subjects that could not be looked at
	Error    string
}

// Status tells how stating is doing.
func (k *Keeper) Status(ctx context.Context) (s Status, err error) {
	for _, q := range []struct {
		into *int64
		text string
	}{
		{&s.Holding, "SELECT COUNT(*) FROM sensing_statement WHERE declared_ms = 0"},
		{&s.Declared, "SELECT COUNT(*) FROM sensing_statement WHERE declared_ms <> 0"},
		{&s.Waiting, "SELECT COUNT(*) FROM sensing_outbox WHERE problem = ''"},
		{&s.Refused, "SELECT COUNT(*) FROM sensing_outbox WHERE problem <> ''"},
		{&s.Failing, "SELECT COUNT(*) FROM sensing_due WHERE failures > 0"},
	} {
		if err := k.o.Store.QueryRow(ctx, q.text).Scan(q.into); err != nil {
			return s, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Error = k.trouble
	return s, nil
}
