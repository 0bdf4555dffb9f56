package correlate

import (
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// dissent asks at every millisecond who else in the thing of the one that
// vouches could have, and what each of them would say by itself.
func (n *naive) dissent(t fataler, pkg fact.Ref, p *thermal.Profile, from, to int64, j *join.Judgement) []join.Dissent {
	thing := func(name string) string { return name[strings.LastIndex(name, " in ")+1:] }
	samples := map[string][]thermal.Sample{}
	for _, s := range n.subjects() {
		if s.Kind == fact.Sensor {
			samples[s.ID] = n.usable(s.ID)
		}
	}
	spans := map[string][]span{}
	var names []string
	var list []candidate
	for at := from; at < to; at++ {
		if at == from || slices.ContainsFunc(n.statements, func(s fact.Attached) bool { return s.At == at }) {
			list, _ = n.candidates(pkg, at)
		}
		voucher := -1
		for i, c := range list {
			if !covered(samples[c.sensor], at, p.LongestGap) || n.refuses(p, c.sensor, at) != "" {
				continue
			}
			if voucher < 0 {
				voucher = i
				continue
			}
			if v := list[voucher]; c.order[0] != v.order[0] || thing(c.name) != thing(v.name) {
				continue
			}
			of := spans[c.name]
			if of == nil {
				names = append(names, c.name)
			}
			if k := len(of) - 1; k >= 0 && of[k].to == at {
				of[k].to++
			} else {
				spans[c.name] = append(of, span{from: at, to: at + 1, sensor: c.sensor})
			}
		}
	}
	slices.Sort(names)
	out := []join.Dissent{}
	for _, name := range names {
		of := spans[name]
		h := thermal.History{From: of[0].from, To: of[len(of)-1].to}
		for _, s := range of {
			all := samples[s.sensor]
			a, b := 0, len(all)-1
			for a+1 < len(all) && all[a+1].At <= s.from {
				a++
			}
			for b > 0 && all[b-1].At >= s.to {
				b--
			}
			h.Stretches = append(h.Stretches, thermal.Stretch{From: s.from, To: s.to, Source: name, Samples: all[a : b+1]})
		}
		v, err := thermal.Evaluate(&thermal.Profile{ID: "limits", Version: 1, Name: "limits", Limits: p.Limits, LongestGap: p.LongestGap}, &h)
		if err != nil {
			t.Fatal(err)
		}
		d := join.Dissent{Profile: j.Profile, Version: j.Version, Product: j.Product, Source: name, Compared: v.Monitored}
		for i, l := range v.Limits {
			if l.Alarms > 0 && j.Verdict.Limits[i].Alarms == 0 {
				d.Limits = append(d.Limits, l.Limit)
				if d.At == 0 || l.AlarmAt < d.At {
					d.At = l.AlarmAt
				}
			}
		}
		if d.Limits != nil {
			d.Min, d.Max = *v.Min, *v.Max
			out = append(out, d)
		}
	}
	return out
}
