package join

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Excerpt is what a profile says of a part of a package's watch. It is no verdict
// on the package: what lies before and after the part is left out.
type Excerpt struct {
	Verdict thermal.Verdict
	Digest  string          // of Verdict
	History thermal.History // that it rests on
	// From and To are those of the whole watch as far as it is judged.
	From, To int64
}

// Excerpt judges what lies from from to to, Unix ms; 0 is the beginning, or the
// end, of what is known. The whole gives the verdict on the package itself. Where
// the part has no length within the watch the error says so.
func (c *Case) Excerpt(ctx context.Context, r Readings, p *thermal.Profile, from, to int64) (Excerpt, error) {
	h, err := c.History(ctx, shelfOf(r), p)
	if err != nil {
		return Excerpt{}, err
	}
	out := Excerpt{From: h.From, To: h.To, History: h}
	if from = max(from, h.From); to == 0 {
		to = h.To
	}
	if to = min(to, h.To); from > h.From || to < h.To {
		if from >= to {
			return out, fmt.Errorf("from %d to %d: package %s is judged from %d to %d", from, to, c.Package, h.From, h.To)
		}
		out.History = cut(&h, from, to)
	}
	e, err := Follow(p, &out.History)
	if err != nil {
		return out, err
	}
	if out.Verdict, err = e.Verdict(out.History.To); err != nil {
		return out, err
	}
	out.Digest, err = out.Verdict.Digest()
	return out, err
}

// cut gives the part of a history from from to to. Of each stretch it keeps the
// reading before and the reading after, so that the line between goes on.
func cut(h *thermal.History, from, to int64) thermal.History {
	out := thermal.History{From: from, To: to, Stretches: []thermal.Stretch{}, Unmonitored: []thermal.Unmonitored{}}
	for _, s := range h.Stretches {
		if s.To < from || s.From > to || s.From < s.To && (s.To == from || s.From == to) {
			continue
		}
		s.From, s.To = max(s.From, from), min(s.To, to)
		first := sort.Search(len(s.Samples), func(i int) bool { return s.Samples[i].At > s.From })
		last := sort.Search(len(s.Samples), func(i int) bool { return s.Samples[i].At >= s.To })
		s.Samples = s.Samples[max(first-1, 0):min(last+1, len(s.Samples))]
		out.Stretches = append(out.Stretches, s)
	}
	for _, u := range h.Unmonitored {
		if u.From, u.To = max(u.From, from), min(u.To, to); u.From < u.To {
			out.Unmonitored = append(out.Unmonitored, u)
		}
	}
	return out
}

// Spending is what units that have lived alike have spent of their stability
// budgets at some instants, over their whole lives.
type Spending struct {
	Units []string // ascending
	At    []fact.UnitBudget
}

// Spending tells how the budgets of a judge's units stood at instants, ascending,
// within the watch. A mark before a unit's life tells what was spent before it
// began. Units that lived alike are told together.
func (c *Case) Spending(ctx context.Context, r Readings, j *Judge, marks []int64) ([]Spending, error) {
	if len(j.Profile.Budgets) == 0 || len(marks) == 0 {
		return nil, nil
	}
	r = shelfOf(r)
	var out []Spending
	index := map[string]int{} // by life
	for _, u := range j.Units {
		l := c.lives[u]
		if l == nil || len(l.legs) == 0 {
			continue
		}
		alike := fmt.Sprint(l.spent, l.legs)
		k, ok := index[alike]
		if !ok {
			at, err := l.spending(ctx, r, &j.Profile, marks)
			if err != nil {
				return nil, fmt.Errorf("budgets of unit %s: %w", u, err)
			}
			k = len(out)
			index[alike] = k
			out = append(out, Spending{At: at})
		}
		out[k].Units = append(out[k].Units, u)
	}
	return out, nil
}

func (l *life) spending(ctx context.Context, r Readings, p *thermal.Profile, marks []int64) ([]fact.UnitBudget, error) {
	whole, err := l.history(ctx, r, p, marks[len(marks)-1])
	if err != nil {
		return nil, err
	}
	var spent []thermal.Spent
	for _, s := range l.spent {
		if slices.ContainsFunc(p.Budgets, func(b thermal.Budget) bool { return b.Name == s.Budget }) {
			spent = append(spent, thermal.Spent{Budget: s.Budget, Duration: s.Duration})
		}
	}
	bare := *p
	bare.MKT = nil
	e, err := thermal.NewEvaluator(&bare, whole.From, spent...)
	if err != nil {
		return nil, err
	}
	out := make([]fact.UnitBudget, 0, len(marks))
	done := whole.From
	for _, at := range marks {
		if at > done {
			part := cut(&whole, done, at)
			if err := feed(e, &part); err != nil {
				return nil, err
			}
			done = at
		}
		v, err := e.Verdict(max(done, whole.From))
		if err != nil {
			return nil, err
		}
		out = append(out, fact.UnitBudget{From: v.From, To: v.To, Unmonitored: v.Unmonitored, Budgets: v.Budgets})
	}
	return out, nil
}
