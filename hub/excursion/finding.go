package excursion

import (
	"cmp"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Severities of what no limit of a profile names. A package that nobody
// watched cannot be released without a look, hence an alarm; a budget that is
// spent cannot be earned back, hence critical.
const (
	severityMKT         = thermal.Alarm
	severityUnmonitored = thermal.Alarm
	severityBudget      = thermal.Critical
)

// rank orders severities; what is not known ranks highest, to be looked at.
func rank(s thermal.Severity) int {
	switch s {
	case thermal.Warning:
		return 1
	case thermal.Alarm:
		return 2
	case thermal.Critical:
		return 3
	}
	return 4
}

// findings reads from a verdict all that asks for a case: broken limits, MKT and
// budgets, and unmonitored spans longer than the profile allows, those that
// adjoin taken together. They are
// sorted by kind, limit and From. Affected units are those of budgets alone,
// and without their lots.
func findings(v fact.VerdictRevised) []fact.ExcursionFacts {
	if v.Dropped {
		return nil
	}
	base := fact.ExcursionFacts{Package: v.Package, Profile: v.Profile, Version: v.Version, Product: v.Product, Verdict: v.Digest, Revision: v.Revision, Units: []fact.Affected{}}
	var all []fact.ExcursionFacts
	for _, e := range v.Verdict.Excursions {
		if e.Alarm == 0 {
			continue // beyond the limit for less than its rule allows
		}
		f, bound, peak := base, e.At, e.Peak
		f.Kind, f.Limit, f.Op, f.Bound, f.Severity = fact.BrokenLimit, e.Limit, e.Op, &bound, e.Severity
		f.From, f.To, f.Ended, f.Alarm = e.From, e.To, e.Ended, e.Alarm
		f.Peak, f.PeakAt, f.Duration, f.Area = &peak, e.PeakAt, e.Duration, e.Area
		f.Source = e.Source
		all = append(all, f)
	}
	if m := v.Verdict.MKT; m != nil && m.Broken {
		all = append(all, warmest(base, m, v.Verdict.To))
	}
	all = append(all, budgets(base, v)...)
	for _, g := range unseen(v.Verdict.Gaps) {
		if g.To-g.From <= v.Verdict.Constants.LongestGap {
			continue
		}
		f := base
		f.Kind, f.Limit, f.Severity, f.Why = fact.Unmonitored, "unmonitored", severityUnmonitored, g.Reason
		f.From, f.To, f.Ended, f.Duration = g.From, g.To, endOf(g.To, v.Verdict.To), g.To-g.From
		f.Alarm = g.From + v.Verdict.Constants.LongestGap
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b fact.ExcursionFacts) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Limit, b.Limit), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return all
}

// unseen joins unmonitored spans that adjoin: nobody was watching for all of
// them together, whatever the reasons.
func unseen(gaps []thermal.Unmonitored) []thermal.Unmonitored {
	var out []thermal.Unmonitored
	for _, g := range gaps {
		n := len(out) - 1
		if n < 0 || out[n].To != g.From {
			out = append(out, g)
			continue
		}
		if out[n].To = g.To; !slices.Contains(strings.Split(out[n].Reason, "; "), g.Reason) {
			out[n].Reason += "; " + g.Reason
		}
	}
	return out
}

// warmest is the finding of a broken MKT rule: its worst window.
func warmest(f fact.ExcursionFacts, m *thermal.MKT, end int64) fact.ExcursionFacts {
	value, from, to := m.Value, m.From, m.To
	if m.Worst != nil {
		value, from, to = m.Worst.Value, m.Worst.From, m.Worst.To
	}
	f.Kind, f.Limit, f.Op, f.Bound, f.Severity = fact.BrokenMKT, "mkt", m.Op, m.Limit, cmp.Or(m.Severity, severityMKT)
	f.From, f.To, f.Ended, f.Duration, f.Alarm = from, to, endOf(to, end), to-from, m.BrokenAt
	f.Peak, f.PeakAt = &value, to
	return f
}

// omits reports whether a verdict may know of excursions of a kind and limit
// that it does not list: a case without a finding is then left as it is.
func omits(v thermal.Verdict, kind, limit string) bool {
	switch kind {
	case fact.Unmonitored:
		return v.GapsOmitted > 0
	case fact.BrokenLimit:
		if v.ExcursionsOmitted == 0 {
			return false
		}
		listed := int64(0)
		for _, e := range v.Excursions {
			if e.Limit == limit && e.Alarm != 0 {
				listed++
			}
		}
		for _, l := range v.Limits {
			if l.Limit == limit {
				return l.Alarms > listed
			}
		}
	}
	return false
}

func endOf(to, end int64) string {
	if to >= end {
		return thermal.Ongoing
	}
	return thermal.Returned
}

// lasting reports whether there is one case of a kind for a package, profile
// and limit: the rule is broken or not, and its span moves with the window.
func lasting(kind string) bool { return kind == fact.BrokenMKT || kind == fact.BrokenBudget }
