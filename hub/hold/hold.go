package hold

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// maxUnits bounds the units that a hold names one by one.
const maxUnits = fact.MaxAffected

// Log is what is needed of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
}

// Options of New.
type Options struct {
	Log   Log           // required
	Store store.Querier // required
	Model *Model        // required, and among the log's models
	// Suspected says whether a case of suspect product is neither cleared nor
	// ended otherwise; nil: each is so.
	Suspected func(ctx context.Context, suspect string) (bool, error)
	// Kept says why somebody may not lift a hold that stands, "" where they may;
	// nil: everybody may.
	Kept func(ctx context.Context, actor string, h Hold) (why string, err error)
}

// Holds places and lifts holds.
type Holds struct{ o Options }

// New makes a Holds. It starts nothing.
func New(o Options) (*Holds, error) {
	if o.Log == nil || o.Store == nil || o.Model == nil {
		return nil, errors.New("holds: log, store and model must be set")
	}
	if o.Suspected == nil {
		o.Suspected = func(context.Context, string) (bool, error) { return true, nil }
	}
	return &Holds{o}, nil
}

// Place places a hold. Its error wraps record.ErrInvalid, or record.ErrExists
// where another hold has the id. Units that were lifted since stay so.
func (h *Holds) Place(ctx context.Context, actor, reason string, p fact.HoldPlaced) (Hold, error) {
	ref := fact.Ref{Kind: fact.Hold, ID: p.ID}
	if err := check(ref, reason, p); err != nil {
		return Hold{}, err
	}
	return h.command(ctx, actor, ref, func(ctx context.Context, ch event.Change) error {
		old, found, err := h.o.Model.holds.Get(ctx, ch, p.ID)
		if err != nil || found && reflect.DeepEqual(old.HoldPlaced, p) {
			return err
		}
		if err := record.Expect(ref, 0, old.Revision, found); err != nil {
			return err
		}
		_, err = ch.Append(ctx, event.New{Stream: ref.String(), Expect: 0, Type: fact.HoldWasPlaced, Reason: reason, Data: p})
		return err
	})
}

func check(ref fact.Ref, reason string, p fact.HoldPlaced) error {
	if err := ref.Check(); err != nil {
		return record.Invalidf("id: %w", err)
	}
	if p.Package == "" && len(p.Units) == 0 {
		return record.Invalidf("units: name units, a package, or both")
	}
	if p.Package != "" {
		if err := (fact.Ref{Kind: fact.Package, ID: p.Package}).Check(); err != nil {
			return record.Invalidf("package: %w", err)
		}
	}
	if p.Excursion != "" {
		if err := (fact.Ref{Kind: fact.Excursion, ID: p.Excursion}).Check(); err != nil {
			return record.Invalidf("excursion: %w", err)
		}
	}
	if p.Suspect != "" {
		if err := (fact.Ref{Kind: fact.Suspect, ID: p.Suspect}).Check(); err != nil {
			return record.Invalidf("suspect: %w", err)
		}
	}
	if len(p.Units) > maxUnits {
		return record.Invalidf("units: %d of them; at most %d in a hold", len(p.Units), maxUnits)
	}
	for i, u := range p.Units {
		if err := (fact.Ref{Kind: fact.Unit, ID: u}).Check(); err != nil {
			return record.Invalidf("units.%d: %w", i, err)
		}
	}
	if p.Cause == "" {
		return record.Invalidf("cause: say why")
	}
	return record.Invalid(errors.Join(fact.CheckNote("cause", p.Cause), fact.CheckNote("reason", reason)))
}

// Lift takes units out of a hold, or ends it where none are named. A reason is
// needed. A hold of suspect product is not lifted before its case is cleared, nor
// one that is kept otherwise: the error wraps record.ErrRefused then.
func (h *Holds) Lift(ctx context.Context, actor, reason string, l fact.HoldLifted) (Hold, error) {
	old, err := h.Hold(ctx, l.ID)
	if err != nil {
		return Hold{}, err
	}
	if old.Suspect != "" && old.Lifted == 0 {
		still, err := h.o.Suspected(ctx, old.Suspect)
		if err != nil {
			return Hold{}, err
		}
		if still {
			return Hold{}, record.Refusedf("id %q: what it holds is suspect product; clear case %q, and it is lifted by itself", l.ID, old.Suspect)
		}
	}
	if h.o.Kept != nil && old.Lifted == 0 {
		why, err := h.o.Kept(ctx, actor, old)
		if err != nil {
			return Hold{}, err
		}
		if why != "" {
			return Hold{}, record.Refusedf("id %q: %s", l.ID, why)
		}
	}
	return h.lift(ctx, actor, reason, l)
}

func (h *Holds) lift(ctx context.Context, actor, reason string, l fact.HoldLifted) (Hold, error) {
	ref := fact.Ref{Kind: fact.Hold, ID: l.ID}
	if reason == "" {
		return Hold{}, record.Invalidf("reason: say why the hold is lifted")
	}
	if err := fact.CheckNote("reason", reason); err != nil {
		return Hold{}, record.Invalid(err)
	}
	return h.command(ctx, actor, ref, func(ctx context.Context, ch event.Change) error {
		old, err := record.Get(ctx, ch, h.o.Model.holds, ref)
		if err != nil {
			return err
		}
		for i, u := range l.Units {
			if !slices.Contains(old.Units, u) {
				return record.Invalidf("units.%d %q: is not in the hold", i, u)
			}
		}
		if old.Lifted != 0 || len(l.Units) > 0 && !slices.ContainsFunc(l.Units, func(u string) bool { return !slices.Contains(old.Out, u) }) {
			return nil
		}
		_, err = ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.HoldWasLifted, Reason: reason, Data: l})
		return err
	})
}

func (h *Holds) command(ctx context.Context, actor string, ref fact.Ref, do func(context.Context, event.Change) error) (out Hold, err error) {
	_, err = h.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		if err := do(ctx, ch); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, h.o.Model.holds, ref)
		return err
	})
	return out, err
}

// Hold gives a hold.
func (h *Holds) Hold(ctx context.Context, id string) (Hold, error) {
	return record.Get(ctx, h.o.Store, h.o.Model.holds, fact.Ref{Kind: fact.Hold, ID: id})
}

// Filter chooses holds; what is zero does not count.
type Filter struct {
	On       fact.Ref // a package or unit that it holds still
	Standing bool     // only holds that were not lifted
}

// List gives up to limit holds after an id.
func (h *Holds) List(ctx context.Context, f Filter, after string, limit int) ([]Hold, error) {
	switch {
	case !f.On.IsZero():
		return record.Docs(h.o.Model.holds.Find(ctx, h.o.Store, "on", f.On.String(), after, limit))
	case f.Standing:
		return record.Docs(h.o.Model.holds.Find(ctx, h.o.Store, "state", "standing", after, limit))
	}
	return record.Docs(h.o.Model.holds.List(ctx, h.o.Store, after, limit))
}

// Held reports whether any hold stands that names a package or unit. q is the
// store or a command.
func (m *Model) Held(ctx context.Context, q store.Querier, on fact.Ref) (bool, error) {
	found, err := m.holds.Find(ctx, q, "on", on.String(), "", 1)
	return len(found) > 0, err
}

// Against says what holds a package or unit now and held it at an instant, Unix
// ms by the hub's clock, and why; id is "" where nothing does. q is the store or
// a command.
func (m *Model) Against(ctx context.Context, q store.Querier, on fact.Ref, at int64) (id, cause string, err error) {
	for after := ""; ; {
		page, err := m.holds.Find(ctx, q, "on", on.String(), after, atOnce)
		if err != nil {
			return "", "", err
		}
		for _, e := range page {
			if e.Doc.Created <= at {
				return e.ID, e.Doc.Cause, nil
			}
			after = e.ID
		}
		if len(page) < atOnce {
			return "", "", nil
		}
	}
}

const atOnce = 100 // holds that are read together

// Standing counts the holds that stand.
func (h *Holds) Standing(ctx context.Context) (n int64, err error) {
	states, err := h.o.Model.holds.Tally(ctx, h.o.Store, "state")
	return states["standing"], err
}

// Since is when a hold was placed, by the hub's clock.
func (h Hold) Since() time.Time { return time.UnixMilli(h.Created) }
