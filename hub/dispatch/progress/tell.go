package progress

import (
	"context"
	"errors"
	"math"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/record"
)

const (
	actor    = "progress"
	sooner   = 15 * 60_000 // ms before its time from which on setting out begins a route
	underway = 3 * 60_000  // ms that a courier is away from the start before it has set out
)

// report tells dispatch what the track shows and the route does not say yet.
func (t *Tracker) report(ctx context.Context, r *run) error {
	if r.status == "cancelled" {
		return nil
	}
	for _, s := range begins(r) {
		if err := t.tell(ctx, r, s.ID, func() (dispatch.Route, error) { return t.o.Routes.Report(ctx, actor, "", s) }); err != nil {
			return err
		}
	}
	if r.status == "planned" {
		return nil // nobody is under way yet
	}
	for _, s := range reports(r.route, r.underWay(), r.firm) {
		if err := t.tell(ctx, r, s.ID, func() (dispatch.Route, error) { return t.o.Routes.ReportStop(ctx, actor, "", s) }); err != nil {
			return err
		}
	}
	return nil
}

// tell reports once. What dispatch does not take is said once and left.
func (t *Tracker) tell(ctx context.Context, r *run, id string, do func() (dispatch.Route, error)) error {
	if r.refused[id] {
		return nil
	}
	route, err := do()
	switch {
	case errors.Is(err, record.ErrRefused), errors.Is(err, record.ErrInvalid), errors.Is(err, record.ErrNotFound), errors.Is(err, record.ErrExists):
		r.refused[id] = true
		t.counts.refused.Add(1)
		t.o.Log.Warn("dispatch does not take what positions show", "route", r.route.ID, "report", id, "error", err)
		return nil
	case err != nil:
		return err
	}
	t.counts.reports.Add(1)
	r.route, r.visits, r.status = route, route.Visits(), route.Status()
	return nil
}

// underWay gives the presences since the route has begun; at the start also
// those before it.
func (r *run) underWay() (all []presence) {
	began, _ := r.began()
	for _, p := range r.presence {
		if v := p.visit; began == math.MaxInt64 || v.Left == 0 || v.Left > began || atStart(r, p.stop) {
			all = append(all, p)
		}
	}
	return all
}

// began is when the route is reported to have begun, the largest number where
// it is not; told is whether anybody but positions said so.
func (r *run) began() (at int64, told bool) {
	at = math.MaxInt64
	for _, rep := range r.route.Reports {
		if rep.Status == "started" {
			at, told = min(at, rep.At), told || rep.Source != source
		}
	}
	return at, told
}

// firm reports whether a report can be withdrawn because the track does not bear
// it out: the place was where it is when the report was made, and the stop is
// still planned.
func (r *run) firm(m fact.StopReported) bool {
	for _, s := range r.route.Stops {
		if s.ID == m.Stop {
			_, known := r.places[s.Place]
			return known && r.fixed && m.Made > r.placed[s.Place]
		}
	}
	return false
}

// begins gives the reports that a route has begun and ended, where nobody said
// so. It begins when its courier leaves the start for good, at most a quarter of
// an hour early; it ends when all stops have ended and its courier is back at
// its end.
func begins(r *run) (all []fact.RouteReported) {
	add := func(status string, at int64) {
		all = append(all, fact.RouteReported{ID: digest(r.route.ID, "", status, at), Route: r.route.ID, Status: status, At: at, Source: source})
	}
	began, told := r.began()
	if at, ok := setOut(r); ok && (r.status == "planned" || !told && followed(r.status) && at < began-near) {
		add("started", at)
	}
	last := int64(0)
	for _, v := range r.visits {
		if !v.Ended() {
			return all
		}
		last = max(last, v.Completed)
	}
	if r.route.End.IsZero() || !followed(r.status) {
		return all
	}
	for _, s := range r.shown {
		if s.Fence == endFence && s.Entered > last {
			add("ended", s.Entered)
			break
		}
	}
	return all
}

// setOut tells when the courier left the start for its first stop elsewhere.
func setOut(r *run) (at int64, ok bool) {
	first := int64(math.MaxInt64)
	for _, p := range r.presence {
		if v := p.visit; v.Entered >= r.route.Depart-sooner && !atStart(r, p.stop) {
			first = min(first, v.Entered)
		}
	}
	for _, s := range r.shown {
		if s.Fence == startFence && s.Left >= r.route.Depart-sooner && s.Left <= first && r.fix.At-s.Left >= underway {
			at, ok = max(at, s.Left), true
		}
	}
	if !ok && first < math.MaxInt64 { // it was never seen at the start
		return first, true
	}
	return at, ok
}

func atStart(r *run, stop string) bool {
	for _, s := range r.route.Stops {
		if s.ID == stop {
			return s.Place == r.route.Start
		}
	}
	return false
}
