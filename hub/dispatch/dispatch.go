package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Log is what dispatch needs of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Shipments tells which shipments there are; *orders.Model has it.
type Shipments interface {
	Known(ctx context.Context, q store.Querier, r fact.Ref) (bool, error)
}

// Options of New.
type Options struct {
	Log       Log            // required
	Store     *store.DB      // required: to read from, and where places are kept
	Model     *Model         // required, and among the Log's models
	Catalog   record.Catalog // required
	Shipments Shipments      // required
	// Skew is how far a report may lie ahead of the hub's clock; 0 means two
	// minutes.
	Skew time.Duration
	// Forget is how long after its last delivery a place is kept; 0 means 30
	// days.
	Forget time.Duration
	// Kept says why somebody may not let a stop go that is held, "" where they
	// may; nil: everybody may. It is asked within a command.
	Kept   func(ctx context.Context, actor, route, stop string) (why string, err error)
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // required
}

// Dispatch is safe for concurrent use. Its commands give no error only when
// what they did is synced to disk. actor is who; reason says why and may be "".
// Errors wrap those of package record, or event.ErrStale.
type Dispatch struct{ o Options }

// New makes a Dispatch. It starts nothing.
func New(o Options) (*Dispatch, error) {
	switch {
	case o.Log == nil:
		return nil, errors.New("dispatch: log is not set")
	case o.Store == nil:
		return nil, errors.New("dispatch: store is not set")
	case o.Model == nil:
		return nil, errors.New("dispatch: model is not set")
	case o.Catalog == nil:
		return nil, errors.New("dispatch: catalog is not set")
	case o.Shipments == nil:
		return nil, errors.New("dispatch: shipments are not set")
	case o.Logger == nil:
		return nil, errors.New("dispatch: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Skew == 0 {
		o.Skew = 2 * time.Minute
	}
	if o.Forget == 0 {
		o.Forget = 30 * 24 * time.Hour
	}
	return &Dispatch{o}, nil
}

func (d *Dispatch) now() int64 { return d.o.Now().UnixMilli() }

// command runs do in a transaction, after what is checked of every command.
func (d *Dispatch) command(ctx context.Context, actor, reason string, do func(context.Context, event.Change) error) error {
	if err := fact.CheckNote("reason", reason); err != nil {
		return record.Invalid(err)
	}
	_, err := d.o.Log.Command(ctx, actor, do)
	return err
}

// checkTime wants a time that has come.
func (d *Dispatch) checkTime(field string, at int64) error {
	return record.Come(field, at, d.o.Now(), d.o.Skew)
}

// usable fails where a record of the registry is not there or retired. Nothing
// is asked of an id that is empty.
func (d *Dispatch) usable(ctx context.Context, q store.Querier, field string, r fact.Ref) error {
	if r.ID == "" {
		return nil
	}
	_, err := record.Usable(ctx, q, d.o.Catalog, field, r)
	return err
}

// located fails where a stop cannot be at r, or nobody knows where that is.
func (d *Dispatch) located(ctx context.Context, q store.Querier, field string, r fact.Ref) error {
	switch r.Kind {
	case fact.Site:
		return d.usable(ctx, q, field, r)
	case fact.Place:
		if err := r.Check(); err != nil {
			return record.Invalidf("%s: %w", field, err)
		}
		_, found, err := place(ctx, q, r.ID)
		if err == nil && !found {
			err = record.Invalidf("%s %q: there is no such place; set its position first", field, r.ID)
		}
		return err
	}
	return record.Invalidf("%s %s: want a site or a place", field, r)
}
