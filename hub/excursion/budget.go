package excursion

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// budgets gives a finding for each stability budget that some unit has spent
// over its life, or, where nothing is told of units, that the package has.
func budgets(base fact.ExcursionFacts, v fact.VerdictRevised) []fact.ExcursionFacts {
	found := map[string]*fact.ExcursionFacts{}
	spend := func(b thermal.BudgetState, from int64) *fact.ExcursionFacts {
		at, spent := cmp.Or(b.BrokenAt, from), b.Before+b.Spent
		f := found[b.Name]
		if f == nil {
			g := base
			g.Kind, g.Limit, g.Severity, g.Ended = fact.BrokenBudget, b.Name, severityBudget, thermal.Ongoing
			g.From, g.Allowed, g.Units = at, b.Allowed, []fact.Affected{}
			f = &g
			found[b.Name] = f
		}
		f.From, f.Spent = min(f.From, at), max(f.Spent, spent)
		f.To, f.Alarm = f.From, f.From
		return f
	}
	for _, u := range v.Units {
		for _, b := range u.Budgets {
			if !b.Broken {
				continue
			}
			if f := spend(b, u.From); len(f.Units) < fact.MaxAffected {
				f.Units = append(f.Units, fact.Affected{Unit: u.Unit})
			} else {
				f.MoreUnits++
			}
		}
	}
	for _, b := range v.Verdict.Budgets {
		if b.Broken && found[b.Name] == nil {
			spend(b, v.Verdict.From)
		}
	}
	var all []fact.ExcursionFacts
	for _, f := range found {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b fact.ExcursionFacts) int { return cmp.Compare(a.Limit, b.Limit) })
	return all
}
