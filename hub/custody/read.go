package custody

import (
	"context"
	"fmt"

	"frostline/hub/custody/timeline"
	"frostline/hub/event"
	"frostline/hub/fact"
)

// Whereabouts are all statements of where a subject is, and what they come to.
type Whereabouts struct {
	Subject    fact.Ref            `json:"subject"`
	Intervals  []timeline.Interval `json:"intervals"`  // in order of time; the last is open
	Statements []timeline.Told     `json:"statements"` // corrected ones included
}

// Whereabouts gives where a subject was in [from, to); a to of 0 is without
// end. Statements are all there are. The error is an ErrNotFound where the hub
// does not know the subject.
func (c *Custody) Whereabouts(ctx context.Context, subject fact.Ref, from, to int64) (Whereabouts, error) {
	w := Whereabouts{Subject: subject}
	if err := subject.Check(); err != nil {
		return w, invalid{err}
	}
	if to == 0 {
		to = timeline.Open
	}
	if to <= from {
		return w, invalidf("to %d: want a time after from", to)
	}
	t, err := c.o.Model.Timeline(ctx, c.o.Store, subject)
	if err != nil {
		return w, err
	}
	if t.Len() == 0 {
		found, err := c.known(ctx, c.o.Store, subject)
		if err != nil {
			return w, err
		}
		if !found {
			return w, fmt.Errorf("%s: %w", subject, ErrNotFound)
		}
	}
	w.Intervals, w.Statements = t.During(from, to), t.Told()
	return w, nil
}

// Stays gives what was in a thing by itself at some time in [from, to), cut to
// it and in order of time.
func (c *Custody) Stays(ctx context.Context, thing fact.Ref, from, to int64) ([]timeline.Stay, error) {
	if err := thing.Check(); err != nil {
		return nil, invalid{err}
	}
	found, err := c.known(ctx, c.o.Store, thing)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", thing, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return c.o.Model.Inside(ctx, c.o.Store, thing, from, to)
}

// Statement gives a statement by its ID, whichever of the two it is.
func (c *Custody) Statement(ctx context.Context, id string) (Scan, error) {
	if a, found, err := c.o.Model.statement(ctx, c.o.Store, id); err != nil || found {
		return Scan{Attached: &a}, err
	}
	h, found, err := c.o.Model.handoff(ctx, c.o.Store, id)
	if err == nil && !found {
		err = fmt.Errorf("statement %q: %w", id, ErrNotFound)
	}
	return Scan{HandedOver: &h}, err
}

// Chain gives who had a package, with the hand-overs of its shipments. The
// error is an ErrNotFound where the hub does not know the package.
func (c *Custody) Chain(ctx context.Context, pkg string) (Chain, error) {
	ref := fact.Ref{Kind: fact.Package, ID: pkg}
	assigned, err := c.o.Orders.Assignments(ctx, c.o.Store, pkg)
	if err != nil {
		return Chain{}, err
	}
	if len(assigned) == 0 {
		return Chain{}, fmt.Errorf("%s: %w", ref, ErrNotFound)
	}
	own, err := c.o.Model.handoffsOf(ctx, c.o.Store, ref)
	if err != nil {
		return Chain{}, err
	}
	shipments := map[string][]fact.HandedOver{}
	for _, a := range assigned {
		if a.Shipment == "" || shipments[a.Shipment] != nil {
			continue
		}
		if shipments[a.Shipment], err = c.o.Model.handoffsOf(ctx, c.o.Store, fact.Ref{Kind: fact.Shipment, ID: a.Shipment}); err != nil {
			return Chain{}, err
		}
	}
	return chainOf(pkg, own, shipments, assigned, assigned[0].At), nil
}

// flagsOf says what does not fit in a hand-over that was just taken: of a
// package within its chain, of a shipment among the hand-overs of the whole.
func (c *Custody) flagsOf(ctx context.Context, h fact.HandedOver) ([]string, error) {
	var holds []Hold
	if h.Subject.Kind == fact.Package {
		chain, err := c.Chain(ctx, h.Subject.ID)
		if err != nil {
			return nil, err
		}
		holds = chain.Holds
	} else {
		own, err := c.o.Model.handoffsOf(ctx, c.o.Store, h.Subject)
		if err != nil {
			return nil, err
		}
		holds = chainOf("", own, nil, nil, 0).Holds
	}
	for _, hold := range holds {
		if hold.Handover.ID == h.ID {
			return hold.Flags, nil
		}
	}
	return nil, nil
}

// Trail gives what has happened to a thing, in order: up to limit events of its
// stream after a version of it.
func (c *Custody) Trail(ctx context.Context, thing fact.Ref, after int64, limit int) ([]event.Event, error) {
	if err := thing.Check(); err != nil {
		return nil, invalid{err}
	}
	events, err := c.o.Log.Stream(ctx, thing.String(), after, limit)
	if err == nil && len(events) == 0 && after == 0 {
		err = fmt.Errorf("%s: %w", thing, ErrNotFound)
	}
	return events, err
}
