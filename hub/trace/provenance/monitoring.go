package provenance

import (
	"cmp"
	"slices"
)

// span is of time, from inclusive, to exclusive.
type span struct{ from, to int64 }

// join sorts spans and makes one of those that touch.
func join(all []span) (out []span) {
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for _, s := range all {
		if s.from >= s.to {
			continue
		}
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// without takes spans, joined, from a span.
func without(s span, less []span) (out []span) {
	for _, l := range less {
		if l.to <= s.from {
			continue
		}
		if l.from >= s.to {
			break
		}
		if l.from > s.from {
			out = append(out, span{s.from, l.from})
		}
		s.from = max(s.from, l.to)
	}
	if s.from < s.to {
		out = append(out, s)
	}
	return out
}

// reportedWithin is how long a report may take: they come for each day.
const reportedWithin = 26 * 3_600_000

// monitoring looks for time that no sensor vouches for, from the first step to
// the end. A span that any report says is unknown is unknown, whatever others
// say of it: a report of the whole way does not name its holes.
func (p *Provenance) monitoring(steps []*Step) {
	var known, unknown []span
	reported := int64(0)
	for _, s := range steps {
		for i := range s.Sensors {
			r := &s.Sensors[i]
			if r.From == 0 || r.To == 0 {
				continue
			}
			if reported = max(reported, r.To); r.Exception == "ERROR_CONDITION" && r.Value == nil && r.Min == nil {
				unknown = append(unknown, span{r.From, r.To})
			} else if r.Min != nil || r.Max != nil || r.Value != nil {
				known = append(known, span{r.From, r.To})
			}
		}
	}
	unknown = join(unknown)
	var sure []span
	for _, k := range join(known) {
		sure = append(sure, without(k, unknown)...)
	}
	end := p.end()
	for _, g := range without(span{steps[0].At, end}, join(sure)) {
		if p.Ended == 0 && g.to == end && end-max(g.from, reported) < reportedWithin && reported < end {
			// Of the end of it nothing can be told yet.
			if at := max(g.from, reported); at > g.from {
				p.gap(Unmonitored, g.from, at, "nobody vouches for its temperature")
				g.from = at
			}
			p.gap(Pending, g.from, 0, "no sensor has reported on it yet")
			continue
		}
		to := g.to
		if p.Ended == 0 && to == end {
			to = 0
		}
		p.gap(Unmonitored, g.from, to, "nobody vouches for its temperature")
	}
}
