package join

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// Touched is a span of a package's watch in which something may now be known
// differently.
type Touched struct {
	Package  string
	From, To int64 // To may be Open
}

// Reached gives the packages, ascending, for which a sensor could vouch at some
// time in [from, to), with the spans.
func (f *Facts) Reached(sensor string, from, to int64) []Touched {
	var out []Touched
	f.reach(fact.Ref{Kind: fact.Sensor, ID: sensor}, from, to, func(id string, from, to int64) {
		out = append(out, Touched{id, from, to})
	})
	return merged(out)
}

// reach finds the packages that something was in or with.
func (f *Facts) reach(subject fact.Ref, from, to int64, yield func(id string, from, to int64)) {
	for _, v := range f.during(subject, from, to) {
		if v.In != nil {
			f.inside(*v.In, v.From, v.To, yield)
		}
	}
}

// inside finds the packages in a thing; a package is in itself.
func (f *Facts) inside(thing fact.Ref, from, to int64, yield func(id string, from, to int64)) {
	switch thing.Kind {
	case fact.Package:
		if w, ok := f.Watch(thing.ID); ok && w.From < to && from < w.To {
			yield(thing.ID, max(from, w.From), min(to, w.To))
		}
		return
	case fact.Logger:
		f.reach(thing, from, to, yield)
		return
	}
	for r := range f.riders[thing] {
		if r.Kind == fact.Package { // most are past: look at the watch first
			if w, ok := f.Watch(r.ID); !ok || w.From >= to || from >= w.To {
				continue
			}
		}
		for _, v := range f.during(r, from, to) {
			if v.In != nil && *v.In == thing {
				f.inside(r, v.From, v.To, yield)
			}
		}
	}
}

// merged gives one span for each package.
func merged(all []Touched) []Touched {
	at := map[string]int{}
	var out []Touched
	for _, t := range all {
		i, ok := at[t.Package]
		if !ok {
			at[t.Package] = len(out)
			out = append(out, t)
			continue
		}
		out[i].From, out[i].To = min(out[i].From, t.From), max(out[i].To, t.To)
	}
	slices.SortFunc(out, func(a, b Touched) int { return cmp.Compare(a.Package, b.Package) })
	return out
}
