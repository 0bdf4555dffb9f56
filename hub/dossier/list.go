package dossier

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"frostline/hub/correlate"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
)

// Listing is a list of packages and how many there are.
type Listing struct {
	// Lines has those that are watched first: out of range, then unknown, then
	// in range; after them closed ones.
	Lines   []Line
	Watched map[State]int // all, also those that the list has no room for
}

// mostWatched bounds the packages that a listing looks at. Beyond it the
// listing says so by an error.
const mostWatched = 100_000

// Lines lists packages, at most so many. It reads no history: ten thousand
// packages take some tenths of a second.
func (b *Builder) Lines(ctx context.Context, limit int) (Listing, error) {
	l := Listing{Watched: map[State]int{}}
	open, err := b.watched(ctx)
	if err != nil {
		return l, fmt.Errorf("list packages: %w", err)
	}
	ids := make([]string, len(open))
	for i := range open {
		ids[i] = open[i].ID
	}
	states := b.Verdicts.Briefs(ids)
	order := make([]int, len(open))
	for i := range order {
		order[i] = i
		l.Watched[stateOf(&states[i])]++
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(urgency(&states[i]), urgency(&states[j])) })
	var list []orders.Package
	var now []correlate.State
	for _, i := range order[:min(len(order), limit)] {
		list, now = append(list, open[i]), append(now, states[i])
	}
	for _, end := range fact.Ends {
		if len(list) >= limit {
			break
		}
		closed, err := b.Orders.Packages(ctx, "", end, "", limit-len(list))
		if err != nil {
			return l, fmt.Errorf("list packages: %w", err)
		}
		for _, k := range closed {
			list, now = append(list, k), append(now, b.Verdicts.Briefs([]string{k.ID})...)
		}
	}
	l.Lines, err = b.lines(ctx, list, now)
	return l, err
}

// watched reads all packages that are not closed.
func (b *Builder) watched(ctx context.Context) (open []orders.Package, err error) {
	for after := ""; ; after = open[len(open)-1].ID {
		some, err := b.Orders.Packages(ctx, "", "open", after, page)
		if err != nil {
			return nil, err
		}
		open = append(open, some...)
		if len(some) < page {
			return open, nil
		}
		if len(open) >= mostWatched {
			return nil, fmt.Errorf("more than %d are watched: ask for them by GET /watch, page by page", mostWatched)
		}
	}
}

func urgency(s *correlate.State) int {
	switch s.State {
	case correlate.OutOfRange:
		return 0
	case correlate.InRange:
		return 2
	}
	return 1
}

// stateOf is a condition as a dossier tells it; whatever it does not know is
// unknown.
func stateOf(s *correlate.State) State {
	switch s.State {
	case correlate.OutOfRange:
		return NowOutOfRange
	case correlate.InRange:
		return NowInRange
	}
	return NowUnknown
}

// Line is the line of one package, with an estimate of the time to a limit.
func (b *Builder) Line(ctx context.Context, id string) (Line, error) {
	k, err := b.Orders.Package(ctx, id)
	if err != nil {
		return Line{}, b.explain("package "+id, err)
	}
	s, err := b.state(ctx, id)
	if err != nil {
		return Line{}, err
	}
	lines, err := b.lines(ctx, []orders.Package{k}, []correlate.State{s})
	if err != nil {
		return Line{}, err
	}
	if lines[0].Closed == 0 {
		lines[0].Ahead, lines[0].AheadUntil = ahead(&s, b.now().UnixMilli())
	}
	return lines[0], nil
}

func (b *Builder) lines(ctx context.Context, list []orders.Package, states []correlate.State) ([]Line, error) {
	open, err := b.openCases(ctx)
	if err != nil {
		return nil, fmt.Errorf("cases of packages: %w", err)
	}
	status := map[string]string{}
	var out []Line
	for i, k := range list {
		s := &states[i]
		l := Line{ID: k.ID, Shipment: shipmentOf(k), Now: stateOf(s), Since: s.Since, Temperature: s.Temperature, At: s.At, Source: s.Source,
			Until: s.Until, Why: Because(s.Reason), Outcome: s.Outcome, Open: open[k.ID]}
		if k.Closed != nil {
			l.Closed = k.Closed.At
		}
		if l.Shipment != "" {
			if _, ok := status[l.Shipment]; !ok {
				if s, err := b.Orders.Shipment(ctx, l.Shipment); err == nil {
					status[l.Shipment] = s.Progress().Status
				}
			}
			l.Status = status[l.Shipment]
		}
		if w, err := b.Places.Whereabouts(ctx, fact.Ref{Kind: fact.Package, ID: k.ID}, 0, 0); err == nil && len(w.Intervals) > 0 {
			if in := w.Intervals[len(w.Intervals)-1].In; in != nil {
				l.Place = string(in.Kind) + " " + in.ID
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// openCases counts the cases that are not closed, by package.
func (b *Builder) openCases(ctx context.Context) (map[string]int, error) {
	count := map[string]int{}
	return count, b.eachCase(ctx, func(v excursion.View) {
		if v.State != excursion.Closed {
			count[v.Facts.Package]++
		}
	})
}

func (b *Builder) eachCase(ctx context.Context, yield func(excursion.View)) error {
	return b.casesIn(ctx, excursion.Filter{}, yield)
}

func (b *Builder) casesIn(ctx context.Context, f excursion.Filter, yield func(excursion.View)) error {
	for after := ""; ; {
		list, err := b.Cases.List(ctx, f, after, page)
		if err != nil {
			return err
		}
		for _, v := range list {
			yield(v)
			after = v.ID
		}
		if len(list) < page {
			return nil
		}
	}
}
