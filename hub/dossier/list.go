package dossier

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
)

// Lines lists packages that are watched, and after them those closed, at most
// so many.
func (b *Builder) Lines(ctx context.Context, limit int) ([]Line, error) {
	open, err := b.Orders.Packages(ctx, "", "open", "", limit)
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	list := open
	for _, end := range fact.Ends {
		if len(list) >= limit {
			break
		}
		closed, err := b.Orders.Packages(ctx, "", end, "", limit-len(list))
		if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		list = append(list, closed...)
	}
	return b.lines(ctx, list)
}

// Line is the line of one package.
func (b *Builder) Line(ctx context.Context, id string) (Line, error) {
	k, err := b.Orders.Package(ctx, id)
	if err != nil {
		return Line{}, b.explain("package "+id, err)
	}
	lines, err := b.lines(ctx, []orders.Package{k})
	if err != nil {
		return Line{}, err
	}
	return lines[0], nil
}

func (b *Builder) lines(ctx context.Context, list []orders.Package) ([]Line, error) {
	open, err := b.openCases(ctx)
	if err != nil {
		return nil, fmt.Errorf("cases of packages: %w", err)
	}
	status := map[string]string{}
	var out []Line
	for _, k := range list {
		_, n, err := b.judge(ctx, k.ID, 1)
		if err != nil {
			return nil, fmt.Errorf("state of package %s: %w", k.ID, err)
		}
		l := Line{ID: k.ID, Shipment: shipmentOf(k), Now: n.State, Since: n.Since, Temperature: n.Temperature, At: n.At, Source: n.Source,
			Outcome: n.Outcome, Open: open[k.ID]}
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
	for after := ""; ; {
		list, err := b.Cases.List(ctx, excursion.Filter{}, after, page)
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

// CaseLines lists cases: those that need somebody first, then by the newest.
func (b *Builder) CaseLines(ctx context.Context, limit int) ([]CaseLine, error) {
	var all []CaseLine
	err := b.eachCase(ctx, func(v excursion.View) {
		all = append(all, CaseLine{Case: Case{ID: v.ID, State: string(v.State), Facts: v.Facts, Digest: v.Digest, Place: v.Place, Dispositions: v.Proposal}, Package: v.Facts.Package})
	})
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	slices.SortStableFunc(all, func(a, c CaseLine) int {
		if closedA, closedC := a.State == string(excursion.Closed), c.State == string(excursion.Closed); closedA != closedC {
			if closedA {
				return 1
			}
			return -1
		}
		return int(min(1, max(-1, c.Facts.From-a.Facts.From)))
	})
	return all[:min(len(all), limit)], nil
}
