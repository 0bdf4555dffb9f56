package evidence

import (
	"cmp"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
)

// window is a span of UTC in which a sensor may vouch, with a longest gap on
// either side.
type window struct {
	sensor   string // GATEWAY/SENSOR
	from, to int64
}

// windows tells which sensors' readings bear on the verdicts, and when.
func (s *scope) windows() ([]window, error) {
	facts := join.NewFacts()
	until := map[string]int64{} // of a package: the end of what was judged of it
	for _, e := range s.events {
		if err := facts.Apply(e); err != nil {
			return nil, err
		}
		if e.Type == fact.VerdictWasRevised {
			d, err := fact.Decode(e.Type, e.Data)
			if err != nil {
				return nil, err
			}
			v := d.(*fact.VerdictRevised)
			until[v.Package] = max(until[v.Package], v.Verdict.To)
		}
	}
	hulls := map[string]*window{}
	for id := range s.packages {
		w, ok := facts.Watch(id)
		if !ok {
			continue
		}
		to := w.To
		if to == join.Open {
			to = cmp.Or(until[id], s.at)
		}
		judges, _ := facts.Judges(id)
		gap := int64(0)
		for _, j := range judges {
			gap = max(gap, j.Profile.LongestGap)
		}
		for _, l := range facts.Plan(id, w.From, max(to, w.From)).Legs {
			for _, src := range l.Sources {
				h := hulls[src.Sensor]
				if h == nil {
					h = &window{src.Sensor, l.From - gap, l.To + gap + 1}
					hulls[src.Sensor] = h
				}
				h.from, h.to = min(h.from, l.From-gap), max(h.to, l.To+gap+1)
			}
		}
	}
	var out []window
	for _, h := range hulls {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b window) int { return strings.Compare(a.sensor, b.sensor) })
	return out, nil
}
