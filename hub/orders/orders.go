package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Log is what orders need of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Places keeps where packages and units are; *custody.Custody has it.
type Places interface {
	// Attach states within a command where a subject is; false where the same
	// statement is there already.
	Attach(ctx context.Context, ch event.Change, reason string, a fact.Attached) (stated bool, err error)
	// Where says what a subject is in at an instant, nil where that is not known.
	Where(ctx context.Context, q store.Querier, subject fact.Ref, at int64) (in *fact.Ref, since int64, err error)
	// Contents gives what is in a thing by itself at an instant.
	Contents(ctx context.Context, q store.Querier, thing fact.Ref, at int64) ([]fact.Ref, error)
}

// Holds tells what quality keeps from being given away; *hold.Model has it.
type Holds interface {
	// Against says what holds a package or unit now and held it at an instant,
	// Unix ms, and why; id is "" where nothing does. q is the command under way.
	Against(ctx context.Context, q store.Querier, on fact.Ref, at int64) (id, cause string, err error)
}

// Verdicts tells how packages fared.
type Verdicts interface {
	// Words gives "in range", "out of range" or "unknown" by package; a package
	// that is not there is unknown.
	Words(ctx context.Context, packages []string) (map[string]string, error)
}

// Options of New.
type Options struct {
	Log      Log            // required
	Store    store.Querier  // required, to read from
	Model    *Model         // required, and among the Log's models
	Catalog  record.Catalog // required
	Places   Places         // required
	Verdicts Verdicts       // nil: all are unknown
	Holds    Holds          // nil: nothing is held
	// Skew is how far a report may lie ahead of the hub's clock; 0 means two
	// minutes.
	Skew   time.Duration
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // required
}

// Orders is safe for concurrent use. Its commands give no error only when what
// they did is synced to disk. actor is who; reason says why and may be "".
type Orders struct{ o Options }

// New makes an Orders. It starts nothing.
func New(o Options) (*Orders, error) {
	switch {
	case o.Log == nil:
		return nil, errors.New("orders: log is not set")
	case o.Store == nil:
		return nil, errors.New("orders: store is not set")
	case o.Model == nil:
		return nil, errors.New("orders: model is not set")
	case o.Catalog == nil:
		return nil, errors.New("orders: catalog is not set")
	case o.Places == nil:
		return nil, errors.New("orders: places are not set")
	case o.Logger == nil:
		return nil, errors.New("orders: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Skew == 0 {
		o.Skew = 2 * time.Minute
	}
	return &Orders{o}, nil
}

func (s *Orders) now() int64 { return s.o.Now().UnixMilli() }

// command runs do in a transaction, after what is checked of every command.
func (s *Orders) command(ctx context.Context, actor, reason string, do func(context.Context, event.Change) error) error {
	if err := fact.CheckNote("reason", reason); err != nil {
		return record.Invalid(err)
	}
	_, err := s.o.Log.Command(ctx, actor, do)
	return err
}

// product gives a product that may be used for something new.
func (s *Orders) product(ctx context.Context, q store.Querier, field, id string) (fact.ProductRecord, error) {
	r, err := s.record(ctx, q, field, fact.Ref{Kind: fact.Product, ID: id})
	if err != nil {
		return fact.ProductRecord{}, err
	}
	p, ok := r.(fact.ProductRecord)
	if !ok {
		return p, fmt.Errorf("product %q: the catalog gave a %T", id, r)
	}
	return p, nil
}

// record gives a record that may be used for something new.
func (s *Orders) record(ctx context.Context, q store.Querier, field string, ref fact.Ref) (fact.Record, error) {
	return record.Usable(ctx, q, s.o.Catalog, field, ref)
}

// checkAt wants a time that has come.
func (s *Orders) checkAt(at int64) error { return record.Come("at", at, s.o.Now(), s.o.Skew) }
