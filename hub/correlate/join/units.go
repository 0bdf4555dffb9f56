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
