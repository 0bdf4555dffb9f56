package progress

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// run is a route that is followed. It is for whoever holds work.
type run struct {
	span
	route   dispatch.Route
	visits  []dispatch.Visit
	status  string
	kind    road.Kind
	carrier string // kind of the courier
	jobs    map[string]dispatch.Job
	since   map[string]int64         // when stops were planned that the first plan did not have
	places  map[fact.Ref]fence.Fence // those whose position is known
	placed  map[fact.Ref]int64       // when it was told last where they are, Unix ms
	told    []fence.Fix              // positions that partners reported
	refused map[string]bool          // reports that dispatch does not take
	learnt  map[string]float64       // observations that were kept

	watch *fence.Watch
	begin int64 // all positions before it are taken
	track []fence.Fix
	fixed bool
	fix   fence.Fix // the last one

	due      bool // positions came
	anew     bool // the track is gone through from the beginning
	notAnew  int64
	changed  bool // since reports were made
	presence []presence
	shown    []fence.Visit // all of them
	way      *fence.Way    // the leg under way
	wayOf    [2]fact.Ref
	leg      leg // the drawn one
	turned   int64
	next     string // stop
	etas     map[string]dispatch.Arrival
}

// usualRadius of the fence around the gate of a site, m.
const usualRadius = 150

// place gives the fence of a place; ok is false where its position is not known.
func (t *Tracker) place(ctx context.Context, r fact.Ref) (f fence.Fence, ok bool, err error) {
	f.ID = r.String()
	switch r.Kind {
	case fact.Place:
		p, found, err := t.o.Routes.Place(ctx, r.ID)
		if err != nil || !found {
			return f, false, err
		}
		f.Centre, f.Radius = road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, max(10, p.Radius)
		return f, true, nil
	case fact.Site:
		p, err := t.o.Site(ctx, r.ID)
		if err != nil || p == nil {
			return f, false, err
		}
		f.Centre, f.Radius = road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, usualRadius
		return f, true, nil
	}
	return f, false, nil
}

// load reads a route. Where old is not nil and what was planned is the same, its
// track goes on.
func (t *Tracker) load(ctx context.Context, id string, old *run) (*run, error) {
	route, err := t.o.Routes.Leg(ctx, id)
	if errors.Is(err, record.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &run{
		span: spanOf(route), route: route, visits: route.Visits(), status: route.Status(), jobs: map[string]dispatch.Job{}, since: map[string]int64{},
		places: map[fact.Ref]fence.Fence{}, placed: map[fact.Ref]int64{}, refused: map[string]bool{}, learnt: map[string]float64{},
	}
	for _, courier := range t.links.sharing(route.Courier) {
		ended, err := t.index.before(ctx, courier, id, r.span)
		if err != nil {
			return nil, err
		}
		r.from = max(r.from, ended)
	}
	c, err := t.o.Routes.Courier(ctx, route.Courier)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return nil, err
	}
	r.carrier = c.Kind
	if r.kind = road.Kind(c.Kind); c.Kind == "carrier" || c.Kind == "" {
		r.kind = road.Van
	}
	if old != nil && reflect.DeepEqual(old.route.RoutePlanned, route.RoutePlanned) {
		r.since, r.jobs, r.places, r.placed, r.told = old.since, old.jobs, old.places, old.placed, old.told
		r.refused, r.learnt = old.refused, old.learnt
		r.watch, r.begin, r.track, r.fixed, r.fix = old.watch, old.begin, old.track, old.fixed, old.fix
		r.due, r.changed, r.notAnew, r.shown = true, true, old.notAnew, old.shown
		r.way, r.wayOf, r.leg, r.turned = old.way, old.wayOf, old.leg, old.turned
		r.anew = old.anew || old.from != r.from
		return r, nil
	}
	return r, t.plan(ctx, r)
}

// plan reads what the plan of a route speaks of.
func (t *Tracker) plan(ctx context.Context, r *run) error {
	first := true
	err := t.streamed(ctx, "route/"+r.route.ID, func(e event.Event) error {
		if e.Type != fact.RouteWasPlanned {
			return nil
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return err
		}
		for _, s := range v.(*fact.RoutePlanned).Stops {
			if _, known := r.since[s.ID]; !known {
				if r.since[s.ID] = e.At; first {
					r.since[s.ID] = 0
				}
			}
		}
		first = false
		return nil
	})
	if err != nil {
		return err
	}
	fences := []fence.Fence{}
	add := func(ref fact.Ref, as string) error {
		if ref.IsZero() {
			return nil
		}
		f, ok, err := t.place(ctx, ref)
		if err != nil || !ok {
			return err
		}
		if _, known := r.places[ref]; !known || as != "" {
			r.places[ref] = f
			if err := t.streamed(ctx, ref.String(), func(e event.Event) error { r.placed[ref] = e.At; return nil }); err != nil {
				return err
			}
			if as != "" {
				f.ID = as
			}
			fences = append(fences, f)
		}
		return nil
	}
	for _, s := range r.route.Stops {
		if err := add(s.Place, ""); err != nil {
			return err
		}
		j, err := t.o.Routes.Job(ctx, s.Job)
		if err != nil && !errors.Is(err, record.ErrNotFound) {
			return err
		}
		if _, known := r.jobs[s.Job]; !known {
			r.jobs[s.Job] = j
			if err := t.reported(ctx, r, j.Shipment); err != nil {
				return err
			}
		}
	}
	if err := add(r.route.Start, startFence); err != nil {
		return err
	}
	if err := add(r.route.End, endFence); err != nil {
		return err
	}
	r.told = inOrder(r.told)
	r.watch, r.begin, r.anew, r.due, r.changed = fence.NewWatch(fence.NewSet(fences)), r.from, false, true, true
	return nil
}

// streamed goes through the events of a stream.
func (t *Tracker) streamed(ctx context.Context, stream string, yield func(event.Event) error) error {
	for after := int64(0); ; {
		list, err := t.o.Events.Stream(ctx, stream, after, pageOfEvents)
		if err != nil {
			return err
		}
		for _, e := range list {
			after = e.Version
			if err := yield(e); err != nil {
				return err
			}
		}
		if len(list) < pageOfEvents {
			return nil
		}
	}
}

// reported reads where partners reported a shipment to be.
func (t *Tracker) reported(ctx context.Context, r *run, shipment string) error {
	if shipment == "" {
		return nil
	}
	return t.streamed(ctx, fact.Ref{Kind: fact.Shipment, ID: shipment}.String(), func(e event.Event) error {
		if e.Type != fact.ShipmentWasReported {
			return nil
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return err
		}
		if d := v.(*fact.ShipmentReported); d.Position != nil {
			r.told = append(r.told, fence.Fix{At: d.At, Where: road.Point{Latitude: d.Position.Latitude, Longitude: d.Position.Longitude}, Accuracy: d.Position.Accuracy})
		}
		return nil
	})
}

const (
	maxTrack = 2000
	spacing  = 5000 // ms between positions of the track that is kept
)

// advance takes the positions that came.
func (t *Tracker) advance(ctx context.Context, r *run) error {
	now := t.o.Now().UnixMilli()
	if r.anew && now >= r.notAnew {
		set := r.watch.Set()
		r.watch, r.begin, r.track, r.fixed, r.fix, r.way = fence.NewWatch(set), r.from, nil, false, fence.Fix{}, nil
		r.anew, r.due, r.notAnew = false, true, now+lateEach
		t.counts.late.Add(1)
	}
	if !r.due {
		return nil
	}
	var all []fence.Fix
	until := min(r.until, now+ahead) // what is dated later waits: some clock is wrong
	for _, g := range t.links.gatewaysOf(r.route.Courier, span{r.begin, until}) {
		some, err := fixes(ctx, t.o.Measured, g.gateway, g.from, g.until)
		if err != nil {
			return fmt.Errorf("positions of gateway %s: %w", g.gateway, err)
		}
		all = append(all, some...)
	}
	for _, f := range r.told {
		if f.At >= r.begin && f.At < until {
			all = append(all, f)
		}
	}
	for _, f := range inOrder(all) {
		if !r.watch.Take(f) {
			continue
		}
		t.counts.fixes.Add(1)
		r.changed = true
		r.fix, r.fixed, r.begin = f, true, f.At+1
		if n := len(r.track); n == 0 || f.At-r.track[n-1].At >= spacing {
			if n == maxTrack {
				r.track = slices.Delete(r.track, 0, maxTrack/4)
			}
			r.track = append(r.track, f)
		}
		if r.way != nil {
			r.way.Take(f)
		}
	}
	r.shown = r.watch.Visits()
	r.due = false
	return nil
}

const (
	lateEach = 5000   // ms between two times that a track is gone through again, at least
	ahead    = 60_000 // ms that a position may lie ahead of the hub's clock
)
