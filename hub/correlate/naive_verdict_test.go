package correlate

import (
	"encoding/json"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

type fataler interface{ Fatal(...any) }

// watch is when a package is judged.
func (n *naive) watch(id string) (from, to int64, closed bool) {
	var p *fact.PackagePacked
	for i := range n.packed {
		if q := &n.packed[i]; q.ID == id && (p == nil || q.Made >= p.Made) {
			p = q
		}
	}
	var c *fact.PackageClosed
	for i := range n.closed {
		if q := &n.closed[i]; q.ID == id && (c == nil || q.Made >= c.Made) {
			c = q
		}
	}
	if c != nil && !c.Reopen {
		return p.At, max(p.At, c.At), true
	}
	return p.At, 1 << 62, false
}

func (n *naive) packing(id string) (p fact.PackagePacked) {
	for _, q := range n.packed {
		if q.ID == id && q.Made >= p.Made {
			p = q
		}
	}
	return p
}

func (n *naive) inForce(at int64) thermal.Profile {
	best := n.profiles[0]
	for _, p := range n.profiles {
		if p.From <= at {
			best = p
		}
	}
	return best.Profile
}

// unitIn says in which watched package the unit is at an instant.
func (n *naive) unitIn(unit string, at int64) string {
	s := n.where(fact.Ref{Kind: fact.Unit, ID: unit}, at)
	if s == nil || s.In == nil {
		return ""
	}
	if from, to, _ := n.watch(s.In.ID); at < from || at >= to {
		return ""
	}
	return s.In.ID
}

// verdicts judges both packages, in the words of the engine's answer.
func (n *naive) verdicts(t fataler, now int64) map[string]string {
	out := map[string]string{}
	for _, id := range []string{"P1", "P2"} {
		from, to, _ := n.watch(id)
		packed := n.packing(id)
		profile, product, hasUnit := n.inForce(packed.At), "", false
		if packed.Version > 0 {
			profile = n.profiles[packed.Version-1].Profile
		}
		if len(n.received) > 0 {
			for at := from; at < min(to, noon+world+10_000) && !hasUnit; at++ {
				hasUnit = n.unitIn(unitA, at) == id
			}
		}
		if hasUnit {
			profile = n.inForce(packed.At)
			record := n.products[0].record // all were recorded before anything was packed
			for _, v := range n.products {
				if v.version >= n.products[0].version {
					record = v.record
				}
			}
			if len(record.Budgets) > 0 {
				product = "drug"
				profile.Budgets = append(slices.Clone(profile.Budgets), record.Budgets...)
			}
		}
		pkg := fact.Ref{Kind: fact.Package, ID: id}
		end := to
		if to > now {
			end = max(from, now)
			if _, last, ok := n.fresh(&profile, pkg, from, now); ok {
				end = max(from, last.At)
			}
		}
		h := n.history(pkg, &profile, from, end)
		v, err := thermal.Evaluate(&profile, &h)
		if err != nil {
			t.Fatal(err)
		}
		j := join.Judgement{Profile: profile.ID, Version: profile.Version, Product: product, Verdict: v, Units: []fact.UnitBudget{}}
		j.Digest, _ = v.Digest()
		if hasUnit && len(profile.Budgets) > 0 {
			j.Units = append(j.Units, n.life(t, &profile, end))
		}
		b, err := json.Marshal([]any{[]join.Judgement{j}, n.dissent(t, pkg, &profile, from, end, &j)})
		if err != nil {
			t.Fatal(err)
		}
		out[id] = string(b)
	}
	return out
}

// fresh gives the first source in order whose newest reading still vouches.
func (n *naive) fresh(p *thermal.Profile, pkg fact.Ref, from, now int64) (sensor string, last thermal.Sample, ok bool) {
	if from >= now {
		return "", last, false
	}
	list, _ := n.candidates(pkg, now-1)
	for _, c := range list {
		last := thermal.Sample{At: -1 << 62}
		for _, s := range n.usable(c.sensor) {
			if s.At <= now {
				last = s
			}
		}
		if now-last.At <= p.LongestGap && n.refuses(p, c.sensor, last.At) == "" {
			return c.sensor, last, true
		}
	}
	return "", last, false
}

// now gives the temperature of a package at this moment, where it is known: it
// is watched, and a fresh source vouched until its newest reading. One to which
// the package came after that reading has not vouched for it yet.
func (n *naive) now(id string, now int64) (thermal.Temp, bool) {
	from, to, _ := n.watch(id)
	packed := n.packing(id)
	profile := n.inForce(packed.At)
	if packed.Version > 0 {
		profile = n.profiles[packed.Version-1].Profile
	}
	if len(n.received) > 0 { // a unit in it is judged by what was in force
		for at := from; at < min(to, noon+world+10_000); at++ {
			if n.unitIn(unitA, at) == id {
				profile = n.inForce(packed.At)
				break
			}
		}
	}
	pkg := fact.Ref{Kind: fact.Package, ID: id}
	sensor, last, ok := n.fresh(&profile, pkg, from, now)
	if to <= now || !ok || last.At <= from {
		return 0, false
	}
	h := n.history(pkg, &profile, last.At-1, last.At)
	return last.Value, len(h.Stretches) == 1 && strings.HasPrefix(h.Stretches[0].Source+" ", "sensor/"+sensor+" ") && covered(n.usable(sensor), last.At-1, profile.LongestGap)
}

// life is what the unit has spent until an instant.
func (n *naive) life(t fataler, p *thermal.Profile, to int64) fact.UnitBudget {
	u := fact.UnitBudget{Unit: unitA}
	var spent []thermal.Spent
	for _, s := range n.received[0].Spent {
		if slices.ContainsFunc(p.Budgets, func(b thermal.Budget) bool { return b.Name == s.Budget }) {
			spent = append(spent, thermal.Spent{Budget: s.Budget, Duration: s.Duration})
		} else {
			u.Ignored = append(u.Ignored, s.Budget)
		}
	}
	h := thermal.History{From: to, To: to, Stretches: []thermal.Stretch{}, Unmonitored: []thermal.Unmonitored{}}
	begun := false
	for at := int64(noon - 2000); at < to; {
		in, end := n.unitIn(unitA, at), at+1
		for end < to && n.unitIn(unitA, end) == in {
			end++
		}
		switch {
		case in != "":
			if !begun {
				begun, h.From = true, at
			}
			part := n.history(fact.Ref{Kind: fact.Package, ID: in}, p, at, end)
			h.Stretches, h.Unmonitored = append(h.Stretches, part.Stretches...), append(h.Unmonitored, part.Unmonitored...)
		case begun:
			h.Unmonitored = append(h.Unmonitored, thermal.Unmonitored{From: at, To: end, Reason: "not in a package"})
		}
		at = end
	}
	bare := *p
	bare.MKT = nil
	v, err := thermal.Evaluate(&bare, &h, spent...)
	if err != nil {
		t.Fatal(err)
	}
	u.From, u.To, u.Unmonitored, u.Budgets = v.From, v.To, v.Unmonitored, v.Budgets
	return u
}
