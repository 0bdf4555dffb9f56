package progress

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/progress/learn"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

// Times of estimates.
const (
	usualHandOver = 300    // s
	parking       = 30_000 // ms by which any arrival is uncertain
	usualSilence  = 90_000 // ms without a position that are nothing to speak of
	setOutLate    = 600    // s that setting out may be late
	leavesAfter   = 60     // s between a hand-over and setting out again
	offRoute      = 300    // m
	turnEach      = 60_000 // ms between two questions for a way from where it is
)

// estimate makes the estimates of a run anew.
func (t *Tracker) estimate(ctx context.Context, r *run) error {
	now := t.o.Now().UnixMilli()
	etas := map[string]dispatch.Arrival{}
	var open []dispatch.Visit
	for _, v := range r.visits {
		switch {
		case v.Arrived != 0:
			etas[v.ID] = dispatch.Arrival{At: v.Arrived, Low: v.Arrived, High: v.Arrived, Basis: "arrived"}
		case v.Ended():
			etas[v.ID] = dispatch.Arrival{At: v.Completed, Low: v.Completed, High: v.Completed, Basis: v.Status + ", as reported"}
		}
		if v.Status == "planned" {
			open = append(open, v)
		}
	}
	r.etas, r.next = etas, ""
	if len(open) == 0 || !followed(r.status) {
		return nil
	}
	r.next = open[0].ID
	b, ok, err := t.base(ctx, r, open[0], now)
	if err != nil || !ok {
		return err
	}
	points := []road.Point{b.from}
	for _, v := range open {
		f, ok := r.places[v.Place]
		if !ok {
			break // nobody knows where that is; the plan may
		}
		points = append(points, f.Centre)
	}
	if len(points) == 1 {
		return nil
	}
	legs, err := t.ways.through(ctx, r.kind, points[1:])
	if err != nil {
		return err
	}
	legs = append([]leg{b.leg}, legs...)
	sum := b.sum
	for i, l := range legs {
		v := open[i]
		took := t.book.Tell(t.classOf(l.source, r, int64(sum.at)), before(l))
		ms := l.seconds * 1000
		sum.add(ms*took.Low, ms*took.Mid, ms*took.High)
		low, at, high := sum.interval()
		high += float64(b.silence)
		at = max(at, float64(now))
		etas[v.ID] = dispatch.Arrival{
			At: int64(at), Low: int64(min(at, max(low-parking, float64(b.least)))), High: int64(max(high, at) + parking), Basis: b.words + basis(l, took, i, v.Held),
		}
		for _, w := range r.jobs[v.Job].Windows {
			if float64(w.Until) >= sum.at {
				sum.wait(float64(w.From))
				break
			}
		}
		s := t.service(r, v.Stop)
		sum.add(s.Low*1000, s.Mid*1000, s.High*1000)
	}
	return nil
}

// before is what a leg is taken to need, in proportion to the estimate, as long
// as nothing was learnt.
func before(l leg) learn.Spread {
	if l.low >= 1 || l.high <= 1 {
		return learn.Spread{Low: 0.8, Mid: 1, High: 1.4}
	}
	return learn.Spread{Low: l.low, Mid: 1, High: l.high}
}

// service is how long a hand-over takes, s.
func (t *Tracker) service(r *run, s fact.Stop) learn.Spread {
	mid := float64(cmp.Or(r.jobs[s.Job].Service, usualHandOver))
	return t.book.Tell(handOver(s), learn.Spread{Low: 0.4 * mid, Mid: mid, High: 2.2 * mid})
}

// base is where and when what is to come begins.
type base struct {
	sum     reckon
	from    road.Point
	leg     leg // to the next stop
	silence int64
	least   int64 // nothing is before
	words   string
}

// base finds it; ok is false where nobody knows where the courier is.
func (t *Tracker) base(ctx context.Context, r *run, next dispatch.Visit, now int64) (b base, ok bool, err error) {
	to, ok := r.places[next.Place]
	if !ok {
		return b, false, nil
	}
	last, place, at := lastSeen(r)
	from, known := r.places[place]
	b.least = now
	switch {
	case last != nil && last.Departed == 0 && !(last.Ended() && last.Completed < last.Arrived): // it is there
		if !known {
			return b, false, nil
		}
		s := t.service(r, last.Stop)
		since := max(0, float64(now-last.Arrived)/1000)
		s = learn.Spread{Low: max(0, s.Low-since), Mid: max(s.Mid-since, 0.2*since), High: max(s.High-since, 0.6*since)}
		b.words = fmt.Sprintf("at stop %s for %s", last.ID, ago(now-last.Arrived))
		b.sum.at = float64(now)
		if last.Ended() {
			s = learn.Spread{Mid: leavesAfter, High: 5 * leavesAfter}
			b.words += ", and done there"
			if !r.fixed { // nobody would tell that it has left
				b.sum.at, b.silence = float64(last.Completed), now-last.Completed
				b.words = fmt.Sprintf("stop %s was done %s ago, and nobody tells where it is since", last.ID, ago(now-last.Completed))
			}
		}
		b.sum.add(s.Low*1000, s.Mid*1000, s.High*1000)
		b.from = from.Centre
	case r.status == "planned" && last == nil:
		b.words = "has not set out"
		b.sum.at = float64(max(r.route.Depart, now))
		b.sum.add(0, 0, setOutLate*1000)
		if r.fixed && now-r.fix.At < usualSilence {
			b.from = r.fix.Where
		} else if b.from = from.Centre; !known {
			return b, false, nil
		}
	case r.fixed && r.fix.At >= at:
		b.from, b.sum.at = r.fix.Where, float64(r.fix.At)
		b.words = fmt.Sprintf("position %s old", ago(now-r.fix.At))
		if age := now - r.fix.At; age > usualSilence {
			b.silence, b.least = age, r.fix.At
			b.words = fmt.Sprintf("no position for %s, which widens the interval", ago(age))
		}
		b.leg, err = t.toNext(ctx, r, place, next.Place, to, now)
		return b, err == nil, err
	default:
		if !known {
			return b, false, nil
		}
		b.from, b.sum.at, b.silence, b.least = from.Centre, float64(at), max(0, now-at), at
		b.words = fmt.Sprintf("nobody tells where it is; it set out %s ago", ago(now-at))
	}
	legs, err := t.ways.through(ctx, r.kind, []road.Point{b.from, to.Centre})
	if err != nil {
		return b, false, err
	}
	b.leg = legs[0]
	return b, true, nil
}

// lastSeen gives the stop that was come to last, nil where none was; its place,
// or the start's; and when the courier left it, or what was told of it last.
func lastSeen(r *run) (last *dispatch.Visit, place fact.Ref, at int64) {
	place = r.route.Start
	for _, rep := range r.route.Reports {
		if rep.Status == "started" {
			at = max(at, rep.At)
		}
	}
	for i, v := range r.visits {
		came := v.Arrived
		if came == 0 {
			came = v.Completed
		}
		if came != 0 && came >= at {
			last, place, at = &r.visits[i], v.Place, came
		}
	}
	if last != nil {
		at = max(at, last.Departed, last.Completed)
	}
	return last, place, at
}

// toNext is what is left of the leg under way, from the last position.
func (t *Tracker) toNext(ctx context.Context, r *run, from, next fact.Ref, to fence.Fence, now int64) (leg, error) {
	a, ok := r.places[from]
	if !ok || a.Centre == to.Centre {
		a.Centre, ok = r.fix.Where, false
	}
	if of := [2]fact.Ref{from, next}; r.way == nil || r.wayOf != of {
		l, err := t.ways.line(ctx, r.kind, a.Centre, to.Centre, ok)
		if err != nil {
			return leg{}, err
		}
		_, _, left := lastSeen(r)
		r.draw(l, of, left)
	}
	if r.leg.source == road.Estimated { // the way is not known: what is left is estimated from where it is
		legs, err := t.ways.through(ctx, r.kind, []road.Point{r.fix.Where, to.Centre})
		if err != nil {
			return leg{}, err
		}
		return legs[0], nil
	}
	if r.way.Off > offRoute && now-r.turned >= turnEach {
		l, err := t.ways.line(ctx, r.kind, r.fix.Where, to.Centre, false)
		if err != nil {
			return leg{}, err
		}
		r.turned = now
		r.draw(l, r.wayOf, r.fix.At)
	}
	left := r.leg
	part := 1.0
	if n := r.way.Line.Length(); n > 0 {
		part = max(0, 1-r.way.Along/n)
	}
	left.seconds, left.metres = left.seconds*part, left.metres*part
	return left, nil
}

// draw begins a leg with the positions since then.
func (r *run) draw(l leg, of [2]fact.Ref, since int64) {
	r.leg, r.wayOf, r.way = l, of, &fence.Way{Line: l.line}
	i, _ := slices.BinarySearchFunc(r.track, since, func(f fence.Fix, at int64) int { return cmp.Compare(f.At, at) })
	for _, f := range r.track[i:] {
		r.way.Take(f)
	}
}

// basis says what an estimate rests on beyond where the courier is.
func basis(l leg, took learn.Spread, stops int, held bool) string {
	s := "; ways by " + l.source
	if l.source == road.Estimated {
		s = "; ways are estimated"
	}
	s += fmt.Sprintf(", and take %.1f to %.1f times that", took.Low, took.High)
	if took.N > 0 {
		s += fmt.Sprintf(" (%d seen)", took.N)
	}
	switch {
	case stops == 1:
		s += "; one stop before it"
	case stops > 1:
		s += fmt.Sprintf("; %d stops before it", stops)
	}
	if held {
		s += "; held"
	}
	return s
}

// ago says a duration roughly.
func ago(ms int64) string {
	d := time.Duration(max(0, ms)) * time.Millisecond
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 3*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}
