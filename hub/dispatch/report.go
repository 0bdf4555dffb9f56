package dispatch

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

const maxReports = 5000 // of a route

// statement is one of the things that are said of a route.
type statement struct {
	id, route string
	at, made  int64
	note      string
	typ       string
	data      any
	check     func(context.Context, Route) error
	spare     func(Route) any // optional: data without what is not to be said of this route
}

// Report takes what a courier came to with its route. A report whose id is
// known has no effect when it says the same, and is refused when it says
// something else. A Made of 0 is the hub's clock.
func (d *Dispatch) Report(ctx context.Context, actor, reason string, r fact.RouteReported) (Route, error) {
	r.Made = d.made(r.Made)
	return d.state(ctx, actor, reason, statement{id: r.ID, route: r.Route, at: r.At, made: r.Made, note: r.Note, typ: fact.RouteWasReported, data: r, check: func(context.Context, Route) error {
		return among("status", r.Status, fact.RouteStatuses)
	}})
}

// ReportStop takes what happened at a stop; see Report.
func (d *Dispatch) ReportStop(ctx context.Context, actor, reason string, r fact.StopReported) (Route, error) {
	r.Made = d.made(r.Made)
	spare := func(route Route) any {
		r := r
		if slices.ContainsFunc(route.Stops, func(s fact.Stop) bool { return s.ID == r.Stop && s.Place.Kind == fact.Place }) {
			r.Position = nil // where somebody lives is in no event
		}
		return r
	}
	return d.state(ctx, actor, reason, statement{id: r.ID, route: r.Route, at: r.At, made: r.Made, note: r.Note, typ: fact.StopWasReported, data: r, spare: spare, check: func(_ context.Context, route Route) error {
		if err := among("status", r.Status, fact.StopStatuses); err != nil {
			return err
		}
		if r.Uncertainty < 0 || r.Uncertainty > 86_400_000 {
			return record.Invalidf("uncertainty %d: want 0 to 86400000 ms", r.Uncertainty)
		}
		if r.Source == "" || len(r.Source) > event.MaxActor {
			return record.Invalidf("source: %d bytes; want 1 to %d", len(r.Source), event.MaxActor)
		}
		if r.Position != nil {
			if err := r.Position.Check(); err != nil {
				return record.Invalid(err)
			}
		}
		if r.Withdraws != "" && !slices.ContainsFunc(route.Made, func(m fact.StopReported) bool {
			return m.ID == r.Withdraws && m.Source == r.Source && m.Stop == r.Stop && m.Withdraws == ""
		}) {
			return record.Invalidf("withdraws %q: is no report about stop %q by %s", r.Withdraws, r.Stop, r.Source)
		}
		return route.has(r.Stop)
	}})
}

func (d *Dispatch) made(ms int64) int64 {
	if ms == 0 {
		return d.now()
	}
	return ms
}

func among(field, s string, words []string) error {
	if !slices.Contains(words, s) {
		return record.Invalidf("%s %q: want one of %v", field, s, words)
	}
	return nil
}

// has fails for a stop that never was in the route's plan.
func (r Route) has(stop string) error {
	if slices.ContainsFunc(r.Stops, func(s fact.Stop) bool { return s.ID == stop }) {
		return nil
	}
	return fmt.Errorf("stop %q of route %q: %w", stop, r.ID, record.ErrNotFound)
}

// state appends a statement about a route, once.
func (d *Dispatch) state(ctx context.Context, actor, reason string, s statement) (out Route, err error) {
	if err := d.sound(s); err != nil {
		return Route{}, err
	}
	err = d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		out, err = d.stated(ctx, ch, reason, s)
		return err
	})
	return out, err
}

// sound checks of a statement what does not depend on the route.
func (d *Dispatch) sound(s statement) error {
	if err := (fact.Ref{Kind: fact.Route, ID: s.id}).Check(); err != nil {
		return record.Invalidf("id %q: want up to 64 letters, digits and ._:+-", s.id)
	}
	if err := d.checkTime("at", s.at); err != nil {
		return err
	}
	if err := d.checkTime("made", s.made); err != nil {
		return err
	}
	if err := fact.CheckNote("note", s.note); err != nil {
		return record.Invalid(err)
	}
	return nil
}

// stated is state within a command, of a statement that is sound.
func (d *Dispatch) stated(ctx context.Context, ch event.Change, reason string, s statement) (Route, error) {
	ref := fact.Ref{Kind: fact.Route, ID: s.route}
	out, err := record.Get(ctx, ch, d.o.Model.routes, ref)
	if err != nil {
		return Route{}, err
	}
	if s.spare != nil {
		s.data = s.spare(out)
	}
	known, err := d.known(ctx, ch, s)
	if err != nil || known {
		return out, err
	}
	if err := s.check(ctx, out); err != nil {
		return Route{}, err
	}
	if len(out.Reports)+len(out.Made)+len(out.Holds)+len(out.Messages) >= maxReports {
		return Route{}, record.Refusedf("route %q: %d things were said of it, the most there can be", s.route, maxReports)
	}
	if _, err := ch.Append(ctx, event.New{ID: "dispatch:" + s.id, Stream: ref.String(), Expect: -1, Type: s.typ, Reason: reason, Data: s.data}); err != nil {
		return Route{}, err
	}
	return record.Get(ctx, ch, d.o.Model.routes, ref)
}

// known tells whether the statement was made before, and fails where another
// has its id. When it was stated is no part of what it says, nor is the instant of
// a hold or message, which may be the hub's clock.
func (d *Dispatch) known(ctx context.Context, q store.Querier, s statement) (bool, error) {
	in, err := d.o.Model.routes.Find(ctx, q, "report", s.id, "", 1)
	if err != nil || len(in) == 0 {
		return false, err
	}
	old, err := in[0].Doc.said(s.id)
	if err != nil {
		return false, err
	}
	if reflect.DeepEqual(unmade(old), unmade(s.data)) {
		return true, nil
	}
	return false, fmt.Errorf("id %q: a statement about route %s is %w; give each an id of its own", s.id, in[0].ID, record.ErrExists)
}

// said gives the statement of an id.
func (r Route) said(id string) (any, error) {
	for _, v := range r.Reports {
		if v.ID == id {
			return v, nil
		}
	}
	for _, v := range r.Made {
		if v.ID == id {
			return v, nil
		}
	}
	for _, v := range r.Holds {
		if v.ID == id {
			return v, nil
		}
	}
	for _, v := range r.Messages {
		if v.ID == id {
			return v, nil
		}
	}
	return nil, errors.New("the index of statements is wrong: rebuild the read model dispatch.route")
}

func unmade(v any) any {
	switch s := v.(type) {
	case fact.RouteReported:
		s.Made = 0
		return s
	case fact.StopReported:
		s.Made = 0
		return s
	case fact.StopHeld:
		s.Made, s.At = 0, 0
		return s
	case fact.CourierMessaged:
		s.At = 0
		return s
	}
	return v
}
