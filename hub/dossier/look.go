package dossier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/correlate"
	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// ErrSpan is wrapped by errors about a span that is not within a watch.
var ErrSpan = correlate.ErrSpan

// Query asks for a look at a part of a package's watch.
type Query struct {
	Package string
	Profile string // that judges it; with Version and Product, as facts name them
	Version int
	Product string
	// From and To bound the part, UTC, Unix ms; 0: from the beginning, to the end.
	From, To int64
	// Other asks what another profile would say; nil: the one that judges.
	Other *thermal.Profile
}

// Look is what the engine says of a part of a watch: no verdict on the package,
// unless the part is the whole.
type Look struct {
	Judgement
	WatchFrom, WatchTo int64     // of the whole
	Sources            []Source  // who vouched, in order of time; neighbours are joined
	Budgets            []LotLane // by lot, then in the order of the profile
}

// Whole reports whether the part is the whole watch as far as it is judged.
func (l *Look) Whole() bool { return l.Verdict.From == l.WatchFrom && l.Verdict.To == l.WatchTo }

// Source is a span in which a sensor vouched.
type Source struct {
	From, To int64
	Gateway  string
	Sensor   string // by its name at the gateway
	In       string // what both were in
}

// LotLane is how a stability budget of the units of a lot stood in the part, over
// their whole lives. Of units that lived differently it is the one with least left.
type LotLane struct {
	Lot     string // "" while it is not known
	Units   int
	Lives   int // how many different ones
	Name    string
	Allowed int64 // ms, as all below
	Before  int64 // spent at the beginning of the part
	After   int64 // and at its end
	// Unmonitored is time until the end of the part in which nobody knows what was
	// spent.
	Unmonitored int64
	Points      []LanePoint
}

// LanePoint is what had been spent of a budget at an instant, ms.
type LanePoint struct{ At, Spent int64 }

const laneMarks = 49

// Look looks at a part of a package's watch.
func (b *Builder) Look(ctx context.Context, q Query) (Look, error) {
	l, err := b.Verdicts.Look(ctx, correlate.Look{Package: q.Package, Key: join.Key{Profile: q.Profile, Version: q.Version, Product: q.Product}, Other: q.Other,
		From: q.From, To: q.To, Marks: laneMarks})
	if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
		return Look{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if err != nil {
		return Look{}, err
	}
	columns := cmp.Or(b.Columns, chartColumns)
	out := Look{WatchFrom: l.From, WatchTo: l.To, Judgement: Judgement{Profile: l.Profile, Product: l.Product, Verdict: l.Verdict, Digest: l.Digest, Chart: chartOf(&l.History, columns)}}
	for _, s := range l.History.Stretches {
		out.source(s)
	}
	out.Budgets, err = b.lanes(ctx, &l)
	return out, err
}

// source notes who vouched for a stretch, such as "sensor/van-1/cargo in
// compartment/van-1-a".
func (l *Look) source(s thermal.Stretch) {
	gateway, name, in := SourceOf(s.Source)
	one := Source{From: s.From, To: s.To, Gateway: gateway, Sensor: name, In: in}
	if n := len(l.Sources); n > 0 {
		if last := &l.Sources[n-1]; last.To == one.From && last.Gateway == gateway && last.Sensor == name && last.In == in {
			last.To = one.To
			return
		}
	}
	l.Sources = append(l.Sources, one)
}

// SourceOf reads what vouched, such as "sensor/van-1/cargo in compartment/van-1-a";
// gateway and sensor are "" for what is no sensor.
func SourceOf(source string) (gateway, sensor, in string) {
	what, in, _ := strings.Cut(source, " in ")
	what, ok := strings.CutPrefix(what, "sensor/")
	if !ok {
		return "", "", in
	}
	gateway, sensor, _ = strings.Cut(what, "/")
	return gateway, sensor, in
}

// lanes puts what units have spent together by lot.
func (b *Builder) lanes(ctx context.Context, l *correlate.Looked) ([]LotLane, error) {
	type key struct{ lot, name string }
	index := map[key]int{}
	var out []LotLane
	for _, s := range l.Spending {
		units := map[string]int{} // by lot
		for _, id := range s.Units[:min(len(s.Units), mostUnits)] {
			lot := ""
			if u, err := b.Orders.Unit(ctx, id); err == nil {
				lot = u.Lot
			}
			units[lot]++
		}
		for lot, n := range units {
			for k := range s.At[0].Budgets {
				lane := laneOf(lot, n, k, s, l.Marks)
				i, ok := index[key{lot, lane.Name}]
				if !ok {
					index[key{lot, lane.Name}] = len(out)
					out = append(out, lane)
					continue
				}
				lane.Units, lane.Lives = lane.Units+out[i].Units, out[i].Lives+1
				if lane.After < out[i].After {
					n, m := lane.Units, lane.Lives
					lane = out[i]
					lane.Units, lane.Lives = n, m
				}
				out[i] = lane
			}
		}
	}
	slices.SortStableFunc(out, func(a, b LotLane) int { return cmp.Compare(a.Lot, b.Lot) })
	return out, nil
}

func laneOf(lot string, units, budget int, s join.Spending, marks []int64) LotLane {
	first, last := &s.At[0].Budgets[budget], &s.At[len(s.At)-1].Budgets[budget]
	lane := LotLane{Lot: lot, Units: units, Lives: 1, Name: last.Name, Allowed: last.Allowed, Before: first.Before + first.Spent, After: last.Before + last.Spent,
		Unmonitored: s.At[len(s.At)-1].Unmonitored}
	for i, at := range marks {
		b := &s.At[i].Budgets[budget]
		lane.Points = append(lane.Points, LanePoint{at, b.Before + b.Spent})
	}
	return lane
}

// QueryOf asks for a part of what a case is about, by the profile that opened it.
func QueryOf(f *fact.ExcursionFacts, from, to int64) Query {
	return Query{Package: f.Package, Profile: f.Profile, Version: f.Version, Product: f.Product, From: from, To: to}
}
