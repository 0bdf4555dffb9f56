package join

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// Source is a sensor that can vouch for a package, by what it was in.
type Source struct {
	Sensor string     // "GATEWAY/SENSOR"
	Via    []fact.Ref // what the sensor was in, such as a logger in a tote
	tier   int        // 0 the package itself, 1 its tote, 2 a compartment or zone
	rank   [2]int     // of what is in the thing, and of the sensor in a logger
}

// Name is the source as histories and people name it: "sensor/van-1/front in
// compartment/van-1-a".
func (s Source) Name() string {
	name := fact.Ref{Kind: fact.Sensor, ID: s.Sensor}.String()
	for _, in := range s.Via {
		name += " in " + in.String()
	}
	return name
}

// before is the order in which sources vouch.
func (s Source) before(o Source) int {
	first := func(s Source) fact.Ref { // what is in the thing by itself
		if len(s.Via) == 2 {
			return s.Via[0]
		}
		return fact.Ref{Kind: fact.Sensor, ID: s.Sensor}
	}
	a, b := first(s), first(o)
	return cmp.Or(cmp.Compare(s.tier, o.tier), cmp.Compare(s.rank[0], o.rank[0]), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID),
		cmp.Compare(s.rank[1], o.rank[1]), cmp.Compare(s.Sensor, o.Sensor))
}

// Leg is a span in which the same sources can vouch.
type Leg struct {
	From, To int64
	Known    bool     // it is known where the package was
	Sources  []Source // the first that can, does
}

// Plan is who can vouch for a package over a span: its legs cover the span, in
// order.
type Plan struct {
	Package  string
	From, To int64
	Legs     []Leg
	rules    map[string][]certificate // of the sensors in Legs
	known    map[string]accuracy
}

// presence is a source for as long as it is one.
type presence struct {
	from, to int64
	Source
}

// Plan tells who can vouch for a package from from to to.
func (f *Facts) Plan(id string, from, to int64) *Plan {
	p := &Plan{Package: id, From: from, To: max(from, to), rules: map[string][]certificate{}, known: map[string]accuracy{}}
	self := fact.Ref{Kind: fact.Package, ID: id}
	list := f.present(nil, self, 0, p.From, p.To)
	type span struct{ from, to int64 }
	var placed []span
	for _, v := range f.during(self, p.From, p.To) {
		if v.In == nil {
			continue
		}
		placed = append(placed, span{v.From, v.To})
		if v.In.Kind != fact.Tote {
			list = f.present(list, *v.In, 2, v.From, v.To)
			continue
		}
		list = f.present(list, *v.In, 1, v.From, v.To)
		for _, w := range f.during(*v.In, v.From, v.To) {
			if w.In != nil {
				list = f.present(list, *w.In, 2, w.From, w.To)
			}
		}
	}
	slices.SortFunc(list, func(a, b presence) int { return cmp.Or(a.before(b.Source), cmp.Compare(a.from, b.from)) })
	cuts := []int64{p.From, p.To}
	for _, s := range list {
		cuts = append(cuts, s.from, s.to)
	}
	for _, s := range placed {
		cuts = append(cuts, s.from, s.to)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		l := Leg{From: cuts[i-1], To: cuts[i]}
		for _, s := range placed {
			l.Known = l.Known || s.from <= l.From && l.From < s.to
		}
		for _, s := range list {
			if s.from <= l.From && l.From < s.to {
				l.Sources = append(l.Sources, s.Source)
			}
		}
		if n := len(p.Legs); n > 0 && p.Legs[n-1].same(l) {
			p.Legs[n-1].To = l.To
			continue
		}
		p.Legs = append(p.Legs, l)
	}
	for _, s := range list {
		if _, ok := p.known[s.Sensor]; !ok {
			p.rules[s.Sensor], p.known[s.Sensor] = f.certificates(s.Sensor)
		}
	}
	return p
}

// same reports whether a leg says what another does.
func (l Leg) same(o Leg) bool {
	return l.Known == o.Known && slices.EqualFunc(l.Sources, o.Sources, func(a, b Source) bool {
		return a.Sensor == b.Sensor && slices.Equal(a.Via, b.Via)
	})
}

// present adds the sensors in a thing, and those in its loggers.
func (f *Facts) present(list []presence, thing fact.Ref, tier int, from, to int64) []presence {
	for s := range f.sources[thing] {
		for _, v := range f.during(s, from, to) {
			if v.In == nil || *v.In != thing {
				continue
			}
			if s.Kind == fact.Sensor {
				list = append(list, presence{v.From, v.To, Source{s.ID, []fact.Ref{thing}, tier, [2]int{v.Rank, 0}}})
				continue
			}
			for c := range f.sources[s] {
				for _, w := range f.during(c, v.From, v.To) {
					if w.In != nil && *w.In == s {
						list = append(list, presence{w.From, w.To, Source{c.ID, []fact.Ref{s, thing}, tier, [2]int{v.Rank, w.Rank}}})
					}
				}
			}
		}
	}
	return list
}
