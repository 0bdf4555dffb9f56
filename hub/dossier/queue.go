package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"frostline/hub/custody"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/proto/gs1"
	"frostline/proto/thermal"
)

// States of a CaseQuery that are no states of a case.
const (
	QueueOpen    = "open"    // not closed
	QueueOverdue = "overdue" // nobody has acknowledged it in time
	QueueAll     = "all"
)

// CaseQuery chooses cases; what is "" or 0 does not count.
type CaseQuery struct {
	// Text is looked for in ids of cases, packages, shipments, orders, lots, units
	// with their serials, gateways, sensors and places; case does not count.
	Text     string
	State    string // one of the above, or of excursion.States; "" is QueueAll
	Severity string
	Kind     string
	From, To int64 // that it overlaps, UTC, Unix ms
	Limit    int
}

// Queue is a list of cases and how many there are.
type Queue struct {
	Lines   []CaseLine // that need somebody first: overdue, then by severity, then the oldest; closed ones last, the newest first
	Found   int        // also those that the list has no room for
	Open    int        // of all cases, whatever was asked for
	Overdue int
	All     int
}

// CaseLines lists cases.
func (b *Builder) CaseLines(ctx context.Context, q CaseQuery) (Queue, error) {
	var out Queue
	states, _, err := b.Cases.Tally(ctx)
	if err != nil {
		return out, fmt.Errorf("count cases: %w", err)
	}
	for state, n := range states {
		out.All += int(n)
		if state != excursion.Closed {
			out.Open += int(n)
		}
	}
	now := b.now().UnixMilli()
	match, err := b.matcher(ctx, strings.TrimSpace(q.Text))
	if err != nil {
		return out, err
	}
	counted := false
	visit := func(v excursion.View) {
		overdue := v.Due > 0 && v.Due <= now
		if overdue {
			out.Overdue++
		}
		if counted || !q.takes(&v, overdue) || !match(&v) {
			return
		}
		out.Lines = append(out.Lines, CaseLine{Package: v.Facts.Package, Due: v.Due, Overdue: overdue, Changed: v.Changed, Documents: len(v.Documents), Comments: v.Comments,
			Case: Case{ID: v.ID, State: string(v.State), Facts: v.Facts, Digest: v.Digest, Place: v.Place, Dispositions: v.Proposal}})
	}
	look, rest := q.states()
	for _, list := range [][]string{look, rest} { // of the rest, only what is overdue is counted
		for _, state := range list {
			if err := b.casesIn(ctx, excursion.Filter{State: state}, visit); err != nil {
				return out, fmt.Errorf("list cases: %w", err)
			}
		}
		counted = true
	}
	slices.SortStableFunc(out.Lines, compareCases)
	out.Found = len(out.Lines)
	out.Lines = out.Lines[:min(len(out.Lines), q.Limit)]
	return out, nil
}

func (b *Builder) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// states gives the states that have to be looked through, "" for all at once, and
// those in which a case may be overdue besides.
func (q *CaseQuery) states() (look, rest []string) {
	awaited := []string{string(excursion.Opened), string(excursion.Reopened)}
	switch q.State {
	case "", QueueAll:
		return []string{""}, nil
	case QueueOverdue:
		return awaited, nil
	case QueueOpen:
		for _, s := range excursion.States {
			if s != excursion.Closed {
				look = append(look, string(s))
			}
		}
		return look, nil
	}
	return []string{q.State}, slices.DeleteFunc(awaited, func(s string) bool { return s == q.State })
}

func (q *CaseQuery) takes(v *excursion.View, overdue bool) bool {
	f := &v.Facts
	switch q.State {
	case "", QueueAll:
	case QueueOpen:
		if v.State == excursion.Closed {
			return false
		}
	case QueueOverdue:
		if !overdue {
			return false
		}
	default:
		if q.State != string(v.State) {
			return false
		}
	}
	return (q.Severity == "" || q.Severity == string(f.Severity)) && (q.Kind == "" || q.Kind == f.Kind) &&
		(q.From == 0 || max(f.To, f.From) >= q.From) && (q.To == 0 || f.From <= q.To)
}

// compareCases puts first what needs somebody soonest.
func compareCases(a, c CaseLine) int {
	first := func(a, c bool) int {
		switch {
		case a == c:
			return 0
		case a:
			return -1
		}
		return 1
	}
	closed := string(excursion.Closed)
	order := cmp.Or(first(a.State != closed, c.State != closed), first(a.Overdue, c.Overdue))
	if a.State == closed && c.State == closed {
		return cmp.Or(cmp.Compare(c.Facts.From, a.Facts.From), strings.Compare(a.ID, c.ID))
	}
	return cmp.Or(order, first(!a.Facts.Retracted, !c.Facts.Retracted), cmp.Compare(weight(c.Facts.Severity), weight(a.Facts.Severity)), cmp.Compare(a.Facts.From, c.Facts.From), strings.Compare(a.ID, c.ID))
}

func weight(s thermal.Severity) int {
	return 1 + slices.Index([]thermal.Severity{thermal.Warning, thermal.Alarm, thermal.Critical}, s)
}

// matcher finds out what a text may name, and gives what tells the cases that it
// does.
func (b *Builder) matcher(ctx context.Context, text string) (func(*excursion.View) bool, error) {
	if text == "" {
		return func(*excursion.View) bool { return true }, nil
	}
	text = scanned(text)
	packages := map[string]bool{}
	for _, find := range []func(context.Context, string, map[string]bool) error{b.ofOrder, b.ofShipment, b.ofUnit} {
		if err := find(ctx, text, packages); err != nil && !errors.Is(err, record.ErrNotFound) && !errors.Is(err, custody.ErrNotFound) && !errors.Is(err, custody.ErrInvalid) {
			return nil, fmt.Errorf("look for %q: %w", text, err)
		}
	}
	low := strings.ToLower(text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), low) }
	return func(v *excursion.View) bool {
		f := &v.Facts
		return packages[f.Package] || has(v.ID) || has(f.Package) || has(v.Place) || has(f.Source) ||
			slices.ContainsFunc(f.Units, func(u fact.Affected) bool { return has(u.Unit) || has(u.Lot) })
	}, nil
}

// scanned gives the unit, lot or package that a text of GS1 names, as a scanner
// sends it or as EPC; any other text is given as it is.
func scanned(text string) string {
	e, err := gs1.Parse(text)
	switch {
	case err != nil:
	case e.GTIN() != "" && e.Serial() != "":
		return e.GTIN() + "." + e.Serial()
	case e.Lot() != "":
		return e.Lot()
	case e.SSCC() != "":
		return e.SSCC()
	}
	return text
}

func (b *Builder) ofOrder(ctx context.Context, id string, into map[string]bool) error {
	if (fact.Ref{Kind: fact.Order, ID: id}).Check() != nil {
		return nil
	}
	shipments, err := b.Orders.Shipments(ctx, id, "", mostPackages)
	if err != nil {
		return err
	}
	for _, s := range shipments {
		if err := b.ofShipment(ctx, s.ID, into); err != nil {
			return err
		}
	}
	return nil
}

func (b *Builder) ofShipment(ctx context.Context, id string, into map[string]bool) error {
	if (fact.Ref{Kind: fact.Shipment, ID: id}).Check() != nil {
		return nil
	}
	for after := ""; ; {
		list, err := b.Orders.Packages(ctx, id, "", after, page)
		if err != nil {
			return err
		}
		for _, k := range list {
			into[k.ID], after = true, k.ID
		}
		if len(list) < page {
			return nil
		}
	}
}

// ofUnit finds the packages that a unit was ever in, also where a case has more
// units than it lists.
func (b *Builder) ofUnit(ctx context.Context, id string, into map[string]bool) error {
	unit := fact.Ref{Kind: fact.Unit, ID: id}
	if unit.Check() != nil {
		return nil
	}
	w, err := b.Places.Whereabouts(ctx, unit, 0, 0)
	if err != nil {
		return err
	}
	for _, i := range w.Intervals {
		if i.In != nil && i.In.Kind == fact.Package {
			into[i.In.ID] = true
		}
	}
	return nil
}
