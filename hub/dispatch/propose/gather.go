package propose

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// situation is all that a proposal is made of.
type situation struct {
	now     time.Time
	route   dispatch.Route
	courier dispatch.Courier
	stops   []open // that have not ended: those begun, then in the plan's order
	begun   int    // how many the courier was at
	table   *road.Table
	from    int   // place in the table where it is
	end     int   // plan.Open: none
	driven  int64 // m, of its range
	notes   notes
}

// open is a stop that has not ended.
type open struct {
	dispatch.Visit
	job   dispatch.Job
	place int // in the table
	left  bool
	loads []risk.Load
}

// notes are bounded: a route with hundreds of packages of which nothing is
// known needs no hundreds of sentences.
type notes struct {
	list []Note
	more int
}

const maxNotes = 30

func (n *notes) add(code, format string, args ...any) {
	if len(n.list) == maxNotes {
		n.more++
		return
	}
	n.list = append(n.list, Note{code, fmt.Sprintf(format, args...)})
}

func (n *notes) all() []Note {
	if n.more > 0 {
		return append(n.list, Note{NoteMore, fmt.Sprintf("%d more notes are not told", n.more)})
	}
	return n.list
}

// cannot is why there is no proposal; it is no failure.
type cannot string

func (c cannot) Error() string { return string(c) }

func cannotf(format string, args ...any) error { return cannot(fmt.Sprintf(format, args...)) }

// gather reads what there is to know about a route. Its error is a cannot where
// the route is one for which there is no order to suggest.
func (d *Desk) gather(ctx context.Context, route dispatch.Route, now time.Time) (*situation, error) {
	s := &situation{now: now, route: route, end: -1}
	switch st := route.Status(); st {
	case "ended", "cancelled", "recalled":
		return s, cannotf("the route is %s", st)
	}
	visits := route.Visits()
	for _, begun := range []bool{true, false} {
		for _, v := range visits {
			if !v.Ended() && (v.Status != "planned") == begun {
				s.stops = append(s.stops, open{Visit: v, left: v.Status == "departed"})
			}
		}
		if begun {
			s.begun = len(s.stops)
		}
	}
	free := 0
	for _, o := range s.stops[s.begun:] {
		if !o.Pinned {
			free++
		}
	}
	if free < 2 {
		return s, cannotf("there is nothing to order: %d of its %d open stops can be moved", free, len(s.stops))
	}
	var err error
	if s.courier, err = d.o.Routes.Courier(ctx, route.Courier); err != nil {
		return s, fmt.Errorf("courier %q: %w", route.Courier, err)
	}
	for i := range s.stops {
		if err := d.stop(ctx, s, &s.stops[i]); err != nil {
			return s, err
		}
	}
	return s, d.ways(ctx, s, visits)
}

// stop reads what is known of an open stop.
func (d *Desk) stop(ctx context.Context, s *situation, o *open) (err error) {
	if o.job, err = d.o.Routes.Job(ctx, o.Job); err != nil && !errors.Is(err, record.ErrNotFound) {
		return fmt.Errorf("job %q: %w", o.Job, err)
	}
	if o.left {
		s.notes.add(NoteLeft, "the courier has left stop %s, and nobody has told what came of it: it stays in front, and counts as done", o.ID)
		return nil
	}
	if o.Held {
		s.notes.add(NoteHeld, "stop %s is held; it is planned as if it were let go before the courier comes", o.ID)
	}
	if o.Kind != "delivery" || o.job.Shipment == "" {
		return nil
	}
	if o.loads, err = d.o.Loads(ctx, o.job.Shipment); err != nil {
		return fmt.Errorf("packages of shipment %q: %w", o.job.Shipment, err)
	}
	return nil
}

// usualSilence is how long a courier need not have told where it is.
const usualSilence = 10 * time.Minute

// ways finds where everything is, and asks how long the ways are.
func (d *Desk) ways(ctx context.Context, s *situation, visits []dispatch.Visit) error {
	var points []road.Point
	index := map[road.Point]int{}
	add := func(p road.Point) int {
		if i, ok := index[p]; ok {
			return i
		}
		index[p] = len(points)
		points = append(points, p)
		return len(points) - 1
	}
	here, err := d.here(ctx, s, visits)
	if err != nil {
		return err
	}
	s.from = add(here)
	for i := range s.stops {
		o := &s.stops[i]
		if o.left {
			o.place = s.from
			continue
		}
		p, err := d.point(ctx, o.Stop.Place)
		if err != nil {
			return fmt.Errorf("stop %s: %w", o.ID, err)
		}
		o.place = add(p)
	}
	if !s.route.End.IsZero() {
		p, err := d.point(ctx, s.route.End)
		if err != nil {
			return fmt.Errorf("the end of the route: %w", err)
		}
		s.end = add(p)
	}
	kind := kindOf(s.courier)
	if s.table, err = d.o.Road.Table(ctx, kind, points); err != nil {
		return fmt.Errorf("ways between %d places: %w", len(points), err)
	}
	if s.courier.Range > 0 {
		s.driven, err = d.driven(ctx, s, kind, visits, here)
	}
	return err
}

func kindOf(c dispatch.Courier) road.Kind {
	if c.Kind == "carrier" || c.Kind == "" {
		return road.Van
	}
	return road.Kind(c.Kind)
}

// here is where the courier is, or was last.
func (d *Desk) here(ctx context.Context, s *situation, visits []dispatch.Visit) (road.Point, error) {
	last, at := s.route.Start, int64(0)
	for _, v := range visits {
		if v.Status == "arrived" {
			return d.point(ctx, v.Place)
		}
		if seen := max(v.Arrived, v.Departed, v.Completed); v.Status != "planned" && seen >= at {
			last, at = v.Place, seen
		}
	}
	started := s.route.Status() == "started" || at > 0
	if started {
		if fix, ok := d.o.Where(s.route.ID); ok && s.now.Sub(fix.Time) <= usualSilence {
			return fix.At, nil
		}
		s.notes.add(NotePosition, "nobody has told for %v where the courier is: it is planned from %s, where it was last", usualSilence, last)
	}
	return d.point(ctx, last)
}

// point is where a place is.
func (d *Desk) point(ctx context.Context, r fact.Ref) (road.Point, error) {
	switch r.Kind {
	case fact.Place:
		p, found, err := d.o.Routes.Place(ctx, r.ID)
		if err == nil && !found {
			err = cannotf("nobody knows where %s is; enter it by PUT /places/%s", r, r.ID)
		}
		return road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, err
	case fact.Site:
		p, err := d.o.Site(ctx, r.ID)
		if err != nil {
			return road.Point{}, err
		}
		if p != nil {
			return road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, nil
		}
	}
	return road.Point{}, cannotf("nobody knows where %s is; enter its position by PUT /sites/%s", r, r.ID)
}

// driven is how far the courier has come, by its stops.
func (d *Desk) driven(ctx context.Context, s *situation, kind road.Kind, visits []dispatch.Visit, here road.Point) (int64, error) {
	start, err := d.point(ctx, s.route.Start)
	if err != nil {
		return 0, fmt.Errorf("the start of the route: %w", err)
	}
	points := []road.Point{start}
	for _, v := range visits {
		if v.Status == "planned" {
			continue
		}
		p, err := d.point(ctx, v.Place)
		if errors.As(err, new(cannot)) {
			continue // forgotten since
		}
		if err != nil {
			return 0, err
		}
		points = append(points, p)
	}
	if points = append(points, here); len(points) < 2 || s.route.Status() == "planned" {
		return 0, nil
	}
	way, err := d.o.Road.Way(ctx, kind, points)
	if err != nil {
		return 0, fmt.Errorf("the way so far: %w", err)
	}
	metres := 0.0
	for _, l := range way.Legs {
		metres += l.Metres
	}
	return int64(metres), nil
}
