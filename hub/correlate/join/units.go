package join

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// UnitLeg is a span in which a unit was in a package that was watched.
type UnitLeg struct {
	Package  string
	From, To int64 // To is Open while it lasts
}

// UnitLegs gives the spans in which a unit was in watched packages, in order.
func (f *Facts) UnitLegs(unit string) []UnitLeg {
	var out []UnitLeg
	for _, v := range f.during(fact.Ref{Kind: fact.Unit, ID: unit}, -1<<62, Open) {
		if v.In == nil || v.In.Kind != fact.Package {
			continue
		}
		w, ok := f.Watch(v.In.ID)
		if from, to := max(v.From, w.From), min(v.To, w.To); ok && from < to {
			out = append(out, UnitLeg{v.In.ID, from, to})
		}
	}
	slices.SortFunc(out, func(a, b UnitLeg) int { return cmp.Compare(a.From, b.From) })
	return out
}

// KnowsUnit reports whether a unit was received.
func (f *Facts) KnowsUnit(id string) bool {
	_, ok := f.units[id]
	return ok
}

// Place is where a package stood or rode at an instant, or at the end of its
// watch if that was before: a tote's place where it was in one. It is the zero
// Ref where that is not known.
func (f *Facts) Place(id string, at int64) fact.Ref {
	if w, ok := f.Watch(id); ok {
		at = max(w.From, min(at, w.To-1))
	}
	in := f.in(fact.Ref{Kind: fact.Package, ID: id}, at)
	if in.Kind == fact.Tote {
		if stands := f.in(in, at); stands.Kind != "" {
			return stands
		}
	}
	return in
}

// in is what a subject was in at an instant; the zero Ref where that is not
// known.
func (f *Facts) in(subject fact.Ref, at int64) fact.Ref {
	for _, v := range f.during(subject, at, plus(at, 1)) {
		if v.In != nil {
			return *v.In
		}
	}
	return fact.Ref{}
}
