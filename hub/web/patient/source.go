package patient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/correlate"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/road"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/record"
)

// Orders tells of shipments and packages; *orders.Orders does.
type Orders interface {
	Shipment(ctx context.Context, id string) (orders.Shipment, error)
	Packages(ctx context.Context, shipment, state, after string, limit int) ([]orders.Package, error)
}

// Verdicts tells how packages fare; *correlate.Engine does. Briefs is called once
// a second for all packages that are watched by somebody.
type Verdicts interface {
	Briefs(ids []string) []correlate.State
	Chart(ctx context.Context, id, profile string, from, to int64, buckets int) (correlate.Chart, error)
}

// Cases tells of excursions; *excursion.Cases does.
type Cases interface {
	List(ctx context.Context, f excursion.Filter, after string, limit int) ([]excursion.View, error)
}

// Routes tells of couriers' routes; *dispatch.Dispatch does.
type Routes interface {
	Jobs(ctx context.Context, shipment string, waiting bool, after string, limit int) ([]dispatch.Job, error)
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Place(ctx context.Context, id string) (p dispatch.Place, found bool, err error)
}

// Progress tells how far couriers have come; *progress.Tracker does.
type Progress interface {
	ETA(route, stop string) (dispatch.Arrival, bool)
	Where(route string) (progress.Where, bool)
}

// Sources are the contexts that a delivery is told from. All but Held are required.
type Sources struct {
	Orders   Orders
	Verdicts Verdicts
	Cases    Cases
	Routes   Routes
	Progress Progress
	// Site gives where the gate of a site is; nil where nobody has told.
	Site func(ctx context.Context, id string) (*fact.Position, error)
	// Held says whether a package, or a unit in it, is held by quality.
	Held func(ctx context.Context, pkg string) (bool, error)
}

func (s *Sources) check() error {
	if s.Orders == nil || s.Verdicts == nil || s.Cases == nil || s.Routes == nil || s.Progress == nil || s.Site == nil {
		return errors.New("patient: Orders, Verdicts, Cases, Routes, Progress and Site are required")
	}
	return nil
}

const (
	mostBoxes = 20 // of a delivery; more are not told one by one
	mostCases = 200
	mostJobs  = 50
)

// facts reads what is known of a delivery, at an instant, and the streams of
// events that would change it.
func (s *Sources) facts(ctx context.Context, shipment string, at int64) (f facts, streams []string, err error) {
	plan, err := s.Orders.Shipment(ctx, shipment)
	if err != nil {
		return f, nil, fmt.Errorf("shipment: %w", err)
	}
	p := plan.Progress()
	f = facts{shipment: shipment, status: p.Status, since: p.Since, eta: p.ETA}
	for _, r := range plan.Reports {
		if (r.Status == "dispatched" || r.Status == "in_transit") && (f.left == 0 || r.At < f.left) {
			f.left = r.At
		}
	}
	streams = append(streams, fact.Ref{Kind: fact.Shipment, ID: shipment}.String())
	packages, err := s.Orders.Packages(ctx, shipment, "", "", mostBoxes)
	if err != nil {
		return f, nil, fmt.Errorf("packages: %w", err)
	}
	for _, k := range packages {
		if k.ShipmentAt(at) != shipment {
			continue
		}
		b := box{id: k.ID, packed: k.At}
		if k.Closed != nil {
			b.closed, b.how = k.Closed.At, k.Closed.How
		}
		if err := s.decided(ctx, &b); err != nil {
			return f, nil, err
		}
		f.boxes = append(f.boxes, b)
		streams = append(streams, fact.Ref{Kind: fact.Package, ID: k.ID}.String())
	}
	var more []string
	if f.stop, more, err = s.stop(ctx, shipment); err != nil {
		return f, nil, err
	}
	if f.stop != nil && f.left == 0 && f.stop.underway {
		f.left = f.stop.left
	}
	return f, append(streams, more...), nil
}

// decided fills in what people have decided about a box, or have still to decide.
func (s *Sources) decided(ctx context.Context, b *box) error {
	cases, err := s.Cases.List(ctx, excursion.Filter{Package: b.id}, "", mostCases)
	if err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	b.checked = len(cases) == mostCases // there may be more of them that are open
	for _, c := range cases {
		switch {
		case c.Facts.Retracted: // it never was
		case c.State != excursion.Closed:
			b.checked = true
		case slices.ContainsFunc(c.Proposal, func(d fact.Disposition) bool { return d.Decision != "release" }), len(c.Proposal) == 0:
			b.refused = true
		default:
			b.cleared = max(b.cleared, c.Changed)
		}
	}
	if s.Held != nil && !b.checked {
		held, err := s.Held(ctx, b.id)
		if err != nil {
			return fmt.Errorf("holds: %w", err)
		}
		b.checked = held
	}
	return nil
}

// stop finds where the delivery is handed over: the stop of its last job.
func (s *Sources) stop(ctx context.Context, shipment string) (*stop, []string, error) {
	jobs, err := s.Routes.Jobs(ctx, shipment, false, "", mostJobs)
	if err != nil {
		return nil, nil, fmt.Errorf("jobs: %w", err)
	}
	var streams []string
	var job *dispatch.Job
	for i := range jobs {
		j := &jobs[i]
		streams = append(streams, fact.Ref{Kind: fact.Job, ID: j.ID}.String())
		if j.Cancelled || j.Route == "" || replaced(jobs, j.ID) {
			continue
		}
		job = j
	}
	if job == nil {
		return nil, streams, nil
	}
	r, err := s.Routes.Leg(ctx, job.Route)
	if err != nil {
		return nil, nil, fmt.Errorf("route: %w", err)
	}
	streams = append(streams, fact.Ref{Kind: fact.Route, ID: r.ID}.String())
	for _, v := range r.Visits() {
		if v.Job != job.ID || v.Kind == "return" || v.Kind == "pickup" {
			continue
		}
		out := &stop{route: r.ID, id: v.ID, status: v.Status, held: v.Held, arrived: v.Arrived, ended: v.Completed}
		out.planned, out.hasPlan = dispatch.Planned(v)
		status := r.Status()
		out.underway, out.recalled = status == "started", status == "recalled" || v.Recalled
		for _, rep := range r.Reports {
			if rep.Status == "started" && (out.left == 0 || rep.At < out.left) {
				out.left = rep.At
			}
		}
		if out.home, err = s.home(ctx, v.Place); err != nil {
			return nil, nil, err
		}
		return out, streams, nil
	}
	return nil, streams, nil
}

func replaced(jobs []dispatch.Job, id string) bool {
	return slices.ContainsFunc(jobs, func(j dispatch.Job) bool { return j.Replaces == id && !j.Cancelled && j.Route != "" })
}

func (s *Sources) home(ctx context.Context, place fact.Ref) (*road.Point, error) {
	if place.Kind == fact.Place {
		p, found, err := s.Routes.Place(ctx, place.ID)
		if err != nil || !found {
			return nil, err
		}
		return &road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, nil
	}
	p, err := s.Site(ctx, place.ID)
	if err != nil || p == nil {
		return nil, err
	}
	return &road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, nil
}

// now gives what changes from second to second. It reads memory alone.
func (s *Sources) now(f *facts, at int64, states []correlate.State) now {
	n := now{at: at, states: states}
	if f.stop == nil {
		return n
	}
	n.arrival, n.expects = s.Progress.ETA(f.stop.route, f.stop.id)
	if w, ok := s.Progress.Where(f.stop.route); ok {
		n.next, n.fix = w.Next, &fix{at: w.Fix.At, where: w.Fix.Where}
	}
	return n
}

// chart draws a box; a box that nothing judges has none.
func (s *Sources) chart(ctx context.Context, f *facts, i int, at int64) (*chart, error) {
	c, err := s.Verdicts.Chart(ctx, f.boxes[i].id, "", 0, 0, columns)
	switch {
	case errors.Is(err, correlate.ErrUnknown), errors.Is(err, correlate.ErrNotJudged), errors.Is(err, record.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("chart: %w", err)
	}
	return &chart{Chart: c, drawn: at}, nil
}

// touches reports whether an event may change a delivery, by its stream: of cases
// and holds nobody knows whose they are without reading them.
func touches(stream string) (all bool) {
	return strings.HasPrefix(stream, string(fact.Excursion)+"/") || strings.HasPrefix(stream, string(fact.Hold)+"/")
}
