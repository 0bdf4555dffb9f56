package progress

import (
	"cmp"
	"context"
	"slices"
	"time"

	"frostline/hub/dispatch/progress/learn"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// What an observation must be to be learnt from.
const (
	shortest = 90       // s that a leg is estimated to take; less says more of parking than of roads
	least    = 0.2      // ratio
	longest  = 5        // ratio
	dwells   = 4 * 3600 // s that a hand-over takes at most
)

// classOf is what legs of a run are alike in.
func (t *Tracker) classOf(source string, r *run, at int64) learn.Class {
	return learn.Class{What: "leg " + source + " " + cmp.Or(r.carrier, "van"), Hour: time.UnixMilli(at).In(t.o.Location).Hour()}
}

// handOver is what hand-overs at a stop are alike in.
func handOver(s fact.Stop) learn.Class {
	return learn.Class{What: s.Kind + " at " + string(s.Place.Kind), Hour: -1}
}

// learn keeps what legs and hand-overs took that are over and not kept yet.
func (t *Tracker) learn(ctx context.Context, r *run) error {
	type stand struct {
		place         fact.Ref
		entered, left int64
		in, out       int64 // uncertain by
		stops         []string
	}
	stops := map[string]fact.Stop{}
	for _, s := range r.route.Stops {
		stops[s.ID] = s
	}
	var stands []stand
	for _, s := range r.shown {
		if s.Fence == startFence && !slices.ContainsFunc(r.route.Stops, func(o fact.Stop) bool { return o.Place == r.route.Start }) {
			stands = append(stands, stand{r.route.Start, s.Entered, s.Left, s.EnteredWithin, s.LeftWithin, nil})
		}
	}
	for _, p := range r.presence {
		if n := len(stands); n > 0 && stands[n-1].place == stops[p.stop].Place && stands[n-1].entered == p.visit.Entered {
			stands[n-1].stops = append(stands[n-1].stops, p.stop)
			continue
		}
		v := p.visit
		stands = append(stands, stand{stops[p.stop].Place, v.Entered, v.Left, v.EnteredWithin, v.LeftWithin, []string{p.stop}})
	}
	slices.SortStableFunc(stands, func(a, b stand) int { return cmp.Compare(a.entered, b.entered) })
	var all []learn.Observation
	add := func(o learn.Observation) {
		if was, ok := r.learnt[o.ID]; !ok || was != o.Value {
			all = append(all, o)
		}
	}
	for i, s := range stands {
		if s.left == 0 {
			continue
		}
		if took := float64(s.left-s.entered) / 1000; len(s.stops) > 0 && took < dwells && s.in >= 0 && s.in+s.out <= near {
			for _, id := range s.stops {
				add(learn.Observation{ID: digest(r.route.ID, id, "hand-over", s.entered), Class: handOver(stops[id]), Value: took / float64(len(s.stops)), At: s.left})
			}
		}
		if i+1 == len(stands) || stands[i+1].place == s.place {
			continue
		}
		next := stands[i+1]
		a, okA := r.places[s.place]
		b, okB := r.places[next.place]
		took := float64(next.entered-s.left) / 1000
		if !okA || !okB || next.in < 0 || float64(next.in+s.out)/1000 > max(near/1000, took/10) {
			continue
		}
		id := digest(r.route.ID, next.place.String(), "leg", next.entered)
		if _, ok := r.learnt[id]; ok {
			continue
		}
		legs, err := t.ways.through(ctx, r.kind, []road.Point{a.Centre, b.Centre})
		if err != nil {
			return err
		}
		l := legs[0]
		if ratio := took / l.seconds; l.seconds >= shortest && ratio >= least && ratio <= longest {
			add(learn.Observation{ID: id, Class: t.classOf(l.source, r, s.left), Value: ratio, At: next.entered})
		}
	}
	if err := t.book.Learn(ctx, all); err != nil {
		return err
	}
	for _, o := range all {
		r.learnt[o.ID] = o.Value
	}
	return nil
}
