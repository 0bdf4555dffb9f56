package dispatch

import (
	"context"
	"reflect"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

const (
	// MaxStops that a route can have.
	MaxStops  = 500
	maxRoutes = 5000 // open at once
)

// Route enters a route, or plans one anew that has not ended: what was done at
// its stops stays, and stops that have ended keep their place at the front.
// expected is as in Define.
func (d *Dispatch) Route(ctx context.Context, actor, reason string, p fact.RoutePlanned, expected int64) (Route, error) {
	var out Route
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		out, err = d.route(ctx, ch, reason, p, expected)
		return err
	})
	return out, err
}

// route is Route within a command.
func (d *Dispatch) route(ctx context.Context, ch event.Change, reason string, p fact.RoutePlanned, expected int64) (Route, error) {
	ref := fact.Ref{Kind: fact.Route, ID: p.ID}
	if err := checkRoute(p); err != nil {
		return Route{}, err
	}
	old, found, err := d.o.Model.routes.Get(ctx, ch, p.ID)
	if err != nil || found && reflect.DeepEqual(old.RoutePlanned, p) {
		return old, err
	}
	if err := record.Expect(ref, expected, old.Revision, found); err != nil {
		return Route{}, err
	}
	if found {
		if err := mayReplan(old, p); err != nil {
			return Route{}, err
		}
	}
	if err := d.checkPlan(ctx, ch, p, old); err != nil {
		return Route{}, err
	}
	if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.RouteWasPlanned, Reason: reason, Data: p}); err != nil {
		return Route{}, err
	}
	return record.Get(ctx, ch, d.o.Model.routes, ref)
}

func checkRoute(p fact.RoutePlanned) error {
	if err := (fact.Ref{Kind: fact.Route, ID: p.ID}).Check(); err != nil {
		return record.Invalidf("id: %w", err)
	}
	if err := fact.CheckTime("depart", p.Depart); err != nil {
		return record.Invalid(err)
	}
	if len(p.Stops) == 0 || len(p.Stops) > MaxStops {
		return record.Invalidf("stops: %d of them; want 1 to %d", len(p.Stops), MaxStops)
	}
	seen := map[string]bool{}
	picked := map[string]int{}
	for i, s := range p.Stops {
		if err := (fact.Ref{Kind: fact.Route, ID: s.ID}).Check(); err != nil {
			return record.Invalidf("stops.%d.id %q: want up to 64 letters, digits and ._:+-", i, s.ID)
		}
		if seen[s.ID] {
			return record.Invalidf("stops.%d.id %q: is used twice", i, s.ID)
		}
		seen[s.ID] = true
		if !slices.Contains(fact.StopKinds, s.Kind) {
			return record.Invalidf("stops.%d.kind %q: want one of %v", i, s.Kind, fact.StopKinds)
		}
		if s.ETA != 0 {
			if err := fact.CheckTime("eta", s.ETA); err != nil {
				return record.Invalidf("stops.%d.%w", i, err)
			}
		}
		if s.Kind == "pickup" {
			picked[s.Job] = i
		}
	}
	for i, s := range p.Stops {
		if at, ok := picked[s.Job]; ok && s.Kind == "delivery" && i < at {
			return record.Invalidf("stops.%d: delivers job %q before it is picked up at stops.%d", i, s.Job, at)
		}
	}
	return nil
}

// mayReplan fails where a new plan would undo what was done.
func mayReplan(old Route, p fact.RoutePlanned) error {
	if s := old.Status(); s == "ended" || s == "cancelled" {
		return record.Refusedf("id %q: the route is %s; plan another", p.ID, s)
	}
	if old.Status() != "planned" && old.Courier != p.Courier {
		return record.Refusedf("courier %q: courier %q is under way with the route", p.Courier, old.Courier)
	}
	planned := map[string]fact.Stop{}
	for _, s := range p.Stops {
		planned[s.ID] = s
	}
	for _, s := range old.Visits() {
		n, there := planned[s.ID]
		if s.Status != "planned" && (!there || n.Job != s.Job || n.Kind != s.Kind || n.Place != s.Place) {
			return record.Refusedf("stops: stop %q is %s and cannot be taken out or changed", s.ID, s.Status)
		}
	}
	ended, open := map[string]bool{}, ""
	for _, s := range old.Visits() {
		ended[s.ID] = s.Ended()
	}
	for i, s := range p.Stops {
		switch {
		case !ended[s.ID]:
			open = s.ID
		case open != "":
			return record.Refusedf("stops.%d: stop %q has ended and cannot come after stop %q, which has not", i, s.ID, open)
		}
	}
	return nil
}

// checkPlan fails where a plan speaks of what is not there. Of stops that old
// has already nothing is asked.
func (d *Dispatch) checkPlan(ctx context.Context, ch event.Change, p fact.RoutePlanned, old Route) error {
	c, found, err := d.o.Model.couriers.Get(ctx, ch, p.Courier)
	switch {
	case err != nil:
		return err
	case !found:
		return record.Invalidf("courier %q: there is no such courier; define it first", p.Courier)
	case c.Retired && old.Courier != p.Courier:
		return record.Refusedf("courier %q: is retired", p.Courier)
	}
	if err := d.located(ctx, ch, "start", p.Start); err != nil {
		return err
	}
	if !p.End.IsZero() {
		if err := d.located(ctx, ch, "end", p.End); err != nil {
			return err
		}
	}
	for i, s := range p.Stops {
		if slices.ContainsFunc(old.Stops, func(o fact.Stop) bool { return o.ID == s.ID && o.Job == s.Job && o.Place == s.Place }) {
			continue
		}
		j, found, err := d.o.Model.jobs.Get(ctx, ch, s.Job)
		switch {
		case err != nil:
			return err
		case !found:
			return record.Invalidf("stops.%d.job %q: there is no such job; plan it first", i, s.Job)
		case j.Cancelled:
			return record.Refusedf("stops.%d.job %q: is cancelled", i, s.Job)
		case s.Kind == "delivery" && s.Place != j.To:
			return record.Invalidf("stops.%d.place %s: the job is delivered at %s", i, s.Place, j.To)
		case s.Kind == "pickup" && s.Place != j.From:
			return record.Invalidf("stops.%d.place %s: the job is picked up at %s", i, s.Place, j.From)
		}
		if err := d.elsewhere(ctx, ch, i, s, p.ID, j); err != nil {
			return err
		}
		if err := d.located(ctx, ch, "place", s.Place); err != nil {
			return err
		}
		if err := d.used(ctx, ch, s.Place); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere fails where another route that has not ended delivers the job.
func (d *Dispatch) elsewhere(ctx context.Context, ch event.Change, i int, s fact.Stop, route string, j Job) error {
	if j.Route == "" || j.Route == route {
		return nil
	}
	other, found, err := d.o.Model.routes.Get(ctx, ch, j.Route)
	if err != nil || !found {
		return err
	}
	if st := other.Status(); st == "ended" || st == "cancelled" {
		return nil
	}
	for _, o := range other.Visits() {
		if o.Job == s.Job && o.Kind == s.Kind && o.Status != "failed" {
			return record.Refusedf("stops.%d.job %q: is in route %q as stop %q; take it out there first", i, s.Job, other.ID, o.ID)
		}
	}
	return nil
}

// Reorder plans the stops of a route in another order. order names those that
// have not ended, each once.
func (d *Dispatch) Reorder(ctx context.Context, actor, reason, id string, order []string, expected int64) (Route, error) {
	r, err := d.Leg(ctx, id)
	if err != nil {
		return Route{}, err
	}
	p := r.RoutePlanned
	p.Stops = nil
	open := map[string]fact.Stop{}
	for i, s := range r.Visits() {
		if s.Ended() {
			p.Stops = append(p.Stops, r.Stops[i])
		} else {
			open[s.ID] = r.Stops[i]
		}
	}
	if len(order) != len(open) {
		return Route{}, record.Invalidf("order: names %d stops; the route has %d that have not ended", len(order), len(open))
	}
	for i, stop := range order {
		s, ok := open[stop]
		if !ok {
			return Route{}, record.Invalidf("order.%d %q: not a stop of the route that has not ended, or named twice", i, stop)
		}
		delete(open, stop)
		p.Stops = append(p.Stops, s)
	}
	if expected == record.Any {
		expected = r.Revision // what was read is what is changed
	}
	return d.Route(ctx, actor, reason, p, expected)
}

// Leg gives a route.
func (d *Dispatch) Leg(ctx context.Context, id string) (Route, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.routes, fact.Ref{Kind: fact.Route, ID: id})
}

// Routes lists up to limit routes after an id: of one courier, or, where
// courier is "", all.
func (d *Dispatch) Routes(ctx context.Context, courier, after string, limit int) ([]Route, error) {
	if courier != "" {
		return record.Docs(d.o.Model.routes.Find(ctx, d.o.Store, "courier", courier, after, limit))
	}
	return record.Docs(d.o.Model.routes.List(ctx, d.o.Store, after, limit))
}

// Open gives all routes that have not ended.
func (d *Dispatch) Open(ctx context.Context) ([]Route, error) {
	return record.Docs(d.o.Model.routes.Find(ctx, d.o.Store, "state", "open", "", maxRoutes))
}

// RoutesOf gives the routes that a job was ever planned in.
func (d *Dispatch) RoutesOf(ctx context.Context, job string) ([]Route, error) {
	return record.Docs(d.o.Model.routes.Find(ctx, d.o.Store, "job", job, "", 100))
}
