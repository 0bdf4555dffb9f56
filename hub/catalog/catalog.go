package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// Log is what the catalog needs of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Last() int64
}

// Store is what the catalog reads; *store.DB has it.
type Store interface {
	store.Querier
	Snapshot(ctx context.Context, do func(context.Context, *store.Tx) error) error
}

// Attacher keeps where things are; custody has it.
type Attacher interface {
	// AttachAll states within a command where sensors are, and says how many of
	// the statements were not there already: by its ID each is made once. An
	// error makes the whole command fail.
	AttachAll(ctx context.Context, c event.Change, reason string, all []fact.Attached) (stated int, err error)
}

// Options of New.
type Options struct {
	Log   Log    // required
	Store Store  // required
	Model *Model // required, and among the Log's models
	// Attacher takes where the sensors of an import are; nil refuses imports
	// that say it.
	Attacher Attacher
	// Enrolled tells that a gateway exists though nobody has entered it; nil:
	// only what was entered does.
	Enrolled func(gateway string) bool
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // required
}

// Catalog is safe for concurrent use.
type Catalog struct {
	o       Options
	table   *event.Table[Entry]
	imports imports
}

// New makes a Catalog. It starts nothing.
func New(o Options) (*Catalog, error) {
	switch {
	case o.Log == nil:
		return nil, errors.New("catalog: log is not set")
	case o.Store == nil:
		return nil, errors.New("catalog: store is not set")
	case o.Model == nil:
		return nil, errors.New("catalog: model is not set")
	case o.Logger == nil:
		return nil, errors.New("catalog: logger is not set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Catalog{o: o, table: o.Model.table}, nil
}

// Result of a change.
type Result struct {
	Entry   Entry
	Created bool // it was not there before
	Changed bool // false: it said the same already, and nothing was appended
}

// Any is the expected version that every record has.
const Any = -1

// Define enters a record, or changes it. expect is the version that it must
// have, 0 for one that must not be there, or Any; a retired record is taken
// into use again only by its version. A profile becomes the next version of
// its id. A record that is as it was is left alone.
//
// Errors are an *Invalid, ErrExists, ErrRetired, event.ErrStale, or the log's.
func (c *Catalog) Define(ctx context.Context, actor, reason string, record fact.Record, expect int64) (Result, error) {
	var out Result
	_, err := c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		v := c.view(ch)
		s, err := v.plan(ctx, record, expect)
		if err != nil {
			return err
		}
		out = Result{Entry: s.after, Created: s.before == nil, Changed: !s.same}
		if s.same {
			return nil
		}
		if _, err := s.append(ctx, ch, reason); err != nil {
			return err
		}
		out.Entry, _, err = c.table.Get(ctx, ch, s.ref.String())
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("define %s: %w", record.Ref(), err)
	}
	return out, nil
}

// Retire takes a record out of use. expect is as in Define. A record that is
// retired already is left alone.
func (c *Catalog) Retire(ctx context.Context, actor, reason string, ref fact.Ref, expect int64) (Result, error) {
	var out Result
	var check checker
	check.text("reason", reason, maxText, true)
	if check.problems != nil {
		return out, fmt.Errorf("retire %s: %w", ref, &Invalid{check.problems})
	}
	_, err := c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		before, found, err := c.table.Get(ctx, ch, ref.String())
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		if expect >= 0 && expect != before.Version {
			return fmt.Errorf("version %d: %w: it has version %d", expect, event.ErrStale, before.Version)
		}
		out = Result{Entry: before}
		if before.Retired {
			return nil
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.RecordRetired, Reason: reason, Data: fact.Retired{Subject: ref}}); err != nil {
			return err
		}
		out.Changed = true
		out.Entry, _, err = c.table.Get(ctx, ch, ref.String())
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("retire %s: %w", ref, err)
	}
	return out, nil
}
