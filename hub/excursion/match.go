package excursion

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// pair is a case and the finding of a newer verdict that is the same
// excursion. Either is nil: a finding without a case opens one, a case without
// a finding is retracted.
type pair struct {
	c *Case
	f *fact.ExcursionFacts
}

// match finds for each finding of a verdict the case that it continues, one
// for one: of the same kind and limit, and longest overlapping in time; of
// equal ones the one begun earlier, then the lesser id. Cases that data have
// retracted take part, so that what comes back is the same case. All cases and
// findings are of one package and judge.
func match(cases []*Case, found []fact.ExcursionFacts) []pair {
	type edge struct {
		c, f    int
		overlap int64
	}
	var edges []edge
	for i, c := range cases {
		for j := range found {
			f := &found[j]
			if c.Facts.Kind != f.Kind || c.Facts.Limit != f.Limit {
				continue
			}
			overlap := min(c.Facts.To, f.To) - max(c.Facts.From, f.From)
			if lasting(f.Kind) {
				overlap = max(overlap, 0)
			}
			if overlap >= 0 {
				edges = append(edges, edge{i, j, overlap})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		ca, cb := cases[a.c], cases[b.c]
		return cmp.Or(
			cmp.Compare(b.overlap, a.overlap),
			cmp.Compare(ca.Facts.From, cb.Facts.From), cmp.Compare(ca.ID, cb.ID),
			cmp.Compare(found[a.f].From, found[b.f].From))
	})
	ofCase, ofFinding := make([]int, len(cases)), make([]bool, len(found))
	for i := range ofCase {
		ofCase[i] = -1
	}
	for _, e := range edges {
		if ofCase[e.c] < 0 && !ofFinding[e.f] {
			ofCase[e.c], ofFinding[e.f] = e.f, true
		}
	}
	var all []pair
	for i, c := range cases {
		if j := ofCase[i]; j >= 0 {
			all = append(all, pair{c, &found[j]})
		} else {
			all = append(all, pair{c, nil})
		}
	}
	for j := range found {
		if !ofFinding[j] {
			all = append(all, pair{nil, &found[j]})
		}
	}
	return all
}
