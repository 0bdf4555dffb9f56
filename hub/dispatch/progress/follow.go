package progress

import (
	"context"
	"errors"
	"slices"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

const pageOfEvents = 1000

// following are the types of events that a Tracker looks at.
var following = append([]string{
	fact.RouteWasPlanned, fact.RouteWasReported, fact.StopWasReported, fact.StopWasHeld, fact.JobWasPlanned,
	fact.ShipmentWasReported, fact.PlaceWasSet, fact.PlaceWasForgotten, fact.SiteDefined,
}, linking...)

// start reads what there was before this run of the hub.
func (t *Tracker) start(ctx context.Context) (err error) {
	if t.position, err = t.index.position(ctx); err != nil {
		return err
	}
	*t.links = *newLinks()
	if err := t.links.load(ctx, t.o.Events, t.position); err != nil {
		return err
	}
	open, err := t.o.Routes.Open(ctx)
	if err != nil {
		return err
	}
	for _, r := range open {
		t.stale[r.ID] = true
	}
	t.begun = true
	return nil
}

// follow looks at the events since it was asked last.
func (t *Tracker) follow(ctx context.Context) error {
	for last := t.o.Events.Last(); t.position < last; {
		events, err := t.o.Events.Read(ctx, t.position, pageOfEvents, following...)
		if err != nil {
			return err
		}
		changed := map[string]bool{}
		position := last
		for _, e := range events {
			if err := t.look(ctx, e, changed); err != nil {
				return err
			}
		}
		if len(events) == pageOfEvents {
			position = events[len(events)-1].Position
		} else if n := len(events); n > 0 {
			position = max(position, events[n-1].Position)
		}
		var routes []dispatch.Route
		for id := range changed {
			r, err := t.o.Routes.Leg(ctx, id)
			if errors.Is(err, record.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			routes = append(routes, r)
		}
		if err := t.index.put(ctx, routes, position); err != nil {
			return err
		}
		t.position = position
	}
	return nil
}

// look notes what an event changes. changed are routes. It can be given an event
// again.
func (t *Tracker) look(ctx context.Context, e event.Event, changed map[string]bool) error {
	if slices.Contains(linking, e.Type) {
		anew, err := t.links.take(e)
		for id := range t.runs {
			if anew {
				t.stale[id] = true
			}
		}
		return err
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return err
	}
	again := func(id string, whole bool) { t.stale[id] = t.stale[id] || whole }
	switch d := v.(type) {
	case *fact.RoutePlanned:
		changed[d.ID] = true
		again(d.ID, false)
	case *fact.RouteReported:
		changed[d.Route] = true
		again(d.Route, false)
	case *fact.StopReported:
		again(d.Route, false)
	case *fact.StopHeld:
		again(d.Route, false)
	case *fact.JobPlanned:
		for id, r := range t.runs {
			if _, ok := r.jobs[d.ID]; ok {
				again(id, true)
			}
		}
	case *fact.ShipmentReported:
		if d.Position == nil {
			return nil
		}
		for id, r := range t.runs {
			for _, j := range r.jobs {
				if j.Shipment == d.Shipment {
					again(id, true)
				}
			}
		}
	case *fact.PlaceSet:
		t.moved(fact.Ref{Kind: fact.Place, ID: d.ID})
	case *fact.PlaceForgotten:
		t.moved(fact.Ref{Kind: fact.Place, ID: d.ID})
	case *fact.SiteRecord:
		t.moved(d.Ref())
	}
	return nil
}

// moved notes that a place is elsewhere now.
func (t *Tracker) moved(ref fact.Ref) {
	for id, r := range t.runs {
		if r.route.Start == ref || r.route.End == ref || slices.ContainsFunc(r.route.Stops, func(s fact.Stop) bool { return s.Place == ref }) {
			t.stale[id] = true
		}
	}
}
