package join

import (
	"encoding/json"
	"slices"

	"frostline/hub/fact"
)

// outline is all that facts say of a package, for comparing.
type outline struct {
	known  bool
	watch  Watch
	judges string
	plan   *Plan
}

func (f *Facts) outline(id string) *outline {
	o := &outline{}
	if o.watch, o.known = f.Watch(id); !o.known {
		return o
	}
	judges, missing := f.Judges(id)
	type unit struct {
		fact.UnitReceived
		Legs []UnitLeg
	}
	var units []unit
	for _, u := range f.Units(id) {
		units = append(units, unit{f.units[u].record, f.UnitLegs(u)})
	}
	b, err := json.Marshal([]any{judges, missing, units})
	if err != nil {
		panic("join: outline of a package: " + err.Error()) // plain structs
	}
	o.judges = string(b)
	o.plan = f.Plan(id, o.watch.From, o.watch.To)
	return o
}

// diff bounds what differs between two outlines of a package.
func (o *outline) diff(n *outline) (from, to int64, ok bool) {
	switch {
	case !o.known && !n.known:
		return 0, 0, false
	case !o.known:
		return n.watch.From, n.watch.To, true
	case !n.known:
		return o.watch.From, o.watch.To, true
	case o.judges != n.judges:
		return min(o.watch.From, n.watch.From), max(o.watch.To, n.watch.To), true
	}
	note := func(a, b int64) {
		if a >= b {
			return
		}
		if !ok {
			from, to, ok = a, b, true
			return
		}
		from, to = min(from, a), max(to, b)
	}
	note(min(o.watch.From, n.watch.From), max(o.watch.From, n.watch.From))
	note(min(o.watch.To, n.watch.To), max(o.watch.To, n.watch.To))
	if o.watch.Closed != n.watch.Closed {
		note(n.watch.To-1, n.watch.To)
	}
	var cuts []int64
	for _, p := range []*Plan{o.plan, n.plan} {
		for _, l := range p.Legs {
			cuts = append(cuts, l.From, l.To)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		if !o.plan.at(cuts[i-1]).same(n.plan.at(cuts[i-1])) {
			note(cuts[i-1], cuts[i])
		}
	}
	return from, to, ok
}

// at gives the leg of an instant.
func (p *Plan) at(ms int64) Leg {
	for _, l := range p.Legs {
		if l.From <= ms && ms < l.To {
			return l
		}
	}
	return Leg{}
}
