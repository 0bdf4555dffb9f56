package custody

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// setAside keeps a device's scan that could not be taken, where it can be taken
// later.
func (c *Custody) setAside(ctx context.Context, ch event.Change, reason string, s Scan, problem error) (Outcome, error) {
	out := Outcome{ID: s.ID(), State: Refused, Problem: problem.Error()}
	u := (*Unknown)(nil)
	if !errors.As(problem, &u) {
		return out, nil
	}
	old, found, err := c.o.Model.asides.Get(ctx, ch, s.ID())
	if err != nil {
		return out, err
	}
	a := fact.ScanSetAside{ID: s.ID(), Problem: problem.Error(), Wants: u.Wants}
	made := c.now()
	if found {
		made = old.made()
	}
	if s.Attached != nil {
		told := *s.Attached
		if told.Made == 0 {
			told.Made = made
		}
		a.Attached = &told
	} else {
		told := *s.HandedOver
		if told.Made == 0 {
			told.Made = made
		}
		a.HandedOver = &told
	}
	if found {
		if !same(fact.ScanSetAside{Attached: a.Attached, HandedOver: a.HandedOver}, fact.ScanSetAside{Attached: old.Attached, HandedOver: old.HandedOver}) {
			out.Problem = fmt.Sprintf("id %q: %v that was set aside; give each scan an id of its own", s.ID(), ErrReused)
			return out, nil
		}
		if old.State != waiting {
			out.State, out.Problem = Dropped, "a person has dropped it: "+old.Reason
			return out, nil
		}
		if old.Wants == a.Wants {
			out.State = SetAside
			return out, nil
		}
	}
	if _, err := ch.Append(ctx, event.New{Stream: "scan/" + s.ID(), Expect: -1, Type: fact.ScanWasSetAside, Reason: reason, Data: a}); err != nil {
		return out, err
	}
	out.State = SetAside
	return out, nil
}

func (a Aside) made() int64 {
	if a.Attached != nil {
		return a.Attached.Made
	}
	return a.HandedOver.Made
}

// Asides lists the scans of a state (waiting, accepted, dropped), in order of
// their IDs.
func (c *Custody) Asides(ctx context.Context, state, after string, limit int) ([]Aside, error) {
	found, err := c.o.Model.asides.Find(ctx, c.o.Store, keyState, state, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Aside, len(found))
	for i, e := range found {
		all[i] = e.Doc
	}
	return all, nil
}

// Retry tries a scan that was set aside once more.
func (c *Custody) Retry(ctx context.Context, actor, reason, id string) (Outcome, error) {
	var out Outcome
	_, err := c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) (err error) {
		out, err = c.retry(ctx, ch, reason, id)
		return err
	})
	if err == nil {
		c.count([]Outcome{out})
	}
	return out, err
}

func (c *Custody) retry(ctx context.Context, ch event.Change, reason, id string) (Outcome, error) {
	a, found, err := c.o.Model.asides.Get(ctx, ch, id)
	switch {
	case err != nil:
		return Outcome{}, err
	case !found:
		return Outcome{}, fmt.Errorf("scan %q: %w among those set aside", id, ErrNotFound)
	case a.State != waiting:
		return Outcome{ID: id, State: a.State, Problem: a.Reason}, nil
	}
	scan := Scan{a.Attached, a.HandedOver}
	state, err := c.take(ctx, ch, reason, scan)
	switch {
	case err == nil:
		_, err = ch.Append(ctx, event.New{Stream: "scan/" + id, Expect: -1, Type: fact.ScanWasSettled, Reason: reason, Data: fact.ScanSettled{ID: id, How: "accepted"}})
		return Outcome{ID: id, State: state}, err
	case !known(err):
		return Outcome{}, err
	}
	if out, failed := c.setAside(ctx, ch, reason, scan, err); failed != nil || out.State != Refused {
		return out, failed
	}
	// It became known that it makes no sense: it stays, for a person to look at.
	if a.Wants == "" && a.Problem == err.Error() {
		return Outcome{ID: id, State: SetAside, Problem: a.Problem}, nil
	}
	a.Wants, a.Problem = "", err.Error()
	_, err = ch.Append(ctx, event.New{Stream: "scan/" + id, Expect: -1, Type: fact.ScanWasSetAside, Reason: reason, Data: a.ScanSetAside})
	return Outcome{ID: id, State: SetAside, Problem: a.Problem}, err
}

// Drop ends the waiting of a scan for good; reason says why. It stays readable.
func (c *Custody) Drop(ctx context.Context, actor, reason, id string) error {
	if reason == "" {
		return invalidf("reason: say why the scan is dropped")
	}
	if err := fact.CheckNote("reason", reason); err != nil {
		return invalid{err}
	}
	_, err := c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		a, found, err := c.o.Model.asides.Get(ctx, ch, id)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("scan %q: %w among those set aside", id, ErrNotFound)
		case a.State == Dropped:
			return nil
		case a.State != waiting:
			return invalidf("scan %q: was accepted; withdraw the statement instead", id)
		}
		_, err = ch.Append(ctx, event.New{Stream: "scan/" + id, Expect: -1, Type: fact.ScanWasSettled, Reason: reason, Data: fact.ScanSettled{ID: id, How: Dropped}})
		return err
	})
	return err
}

// Run tries scans that were set aside again as soon as what they wait for
// becomes known. It blocks until ctx ends, and keeps its place in the store.
func (c *Custody) Run(ctx context.Context) error {
	return c.o.Log.Consume(ctx, "custody.retry", c.consume)
}

func (c *Custody) consume(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		if wanted := wantedBy(e); wanted != "" {
			if err := c.retryWaiting(ctx, wanted); err != nil {
				return fmt.Errorf("try scans that wait for %s: %w", wanted, err)
			}
		}
	}
	return nil
}

// wantedBy is what scans may have waited for that an event makes known.
func wantedBy(e event.Event) string {
	switch e.Type {
	case fact.WasAttached, fact.WasHandedOver:
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return ""
		}
		switch d := v.(type) {
		case *fact.Attached:
			return "statement/" + d.ID
		case *fact.HandedOver:
			return "statement/" + d.ID
		}
	case fact.OrderWasPlaced, fact.ShipmentWasPlanned, fact.PackageWasPacked, fact.UnitWasReceived:
		return e.Stream
	}
	if r, err := fact.ParseRef(e.Stream); err == nil && e.Type == fact.DefinedBy(r.Kind) {
		return e.Stream
	}
	return ""
}

func (c *Custody) retryWaiting(ctx context.Context, wanted string) error {
	for after := ""; ; {
		found, err := c.o.Model.asides.Find(ctx, c.o.Store, keyWants, wanted, after, pageOf)
		if err != nil {
			return err
		}
		for _, a := range found {
			after = a.ID
			out, err := c.Retry(ctx, "system/custody", wanted+" is known now", a.ID)
			if err != nil {
				return err
			}
			c.o.Logger.Info("tried a scan that was set aside", "scan", a.ID, "state", out.State, "problem", out.Problem)
		}
		if len(found) < pageOf {
			return nil
		}
	}
}
