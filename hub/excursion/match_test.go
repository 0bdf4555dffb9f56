package excursion

import (
	"fmt"
	"slices"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// TestCasesKeepTheirIdentity as excursions grow, join, split, move and vanish.
func TestCasesKeepTheirIdentity(t *testing.T) {
	f := func(kind, limit string, from, to int64) fact.ExcursionFacts {
		return fact.ExcursionFacts{Kind: kind, Limit: limit, From: from, To: to}
	}
	limit := func(from, to int64) fact.ExcursionFacts { return f(fact.BrokenLimit, "high", from, to) }
	for name, test := range map[string]struct {
		cases, found []fact.ExcursionFacts // case number i has the id of i
		want         []string              // case or "-", and From of its finding or "-"
	}{
		"grows":            {[]fact.ExcursionFacts{limit(10, 20)}, []fact.ExcursionFacts{limit(5, 30)}, []string{"0 5"}},
		"vanishes":         {[]fact.ExcursionFacts{limit(10, 20)}, nil, []string{"0 -"}},
		"moves away":       {[]fact.ExcursionFacts{limit(10, 20)}, []fact.ExcursionFacts{limit(21, 30)}, []string{"0 -", "- 21"}},
		"touches":          {[]fact.ExcursionFacts{limit(10, 20)}, []fact.ExcursionFacts{limit(20, 30)}, []string{"0 20"}},
		"joins":            {[]fact.ExcursionFacts{limit(10, 20), limit(30, 60)}, []fact.ExcursionFacts{limit(10, 60)}, []string{"0 -", "1 10"}},
		"joins alike":      {[]fact.ExcursionFacts{limit(10, 20), limit(30, 40)}, []fact.ExcursionFacts{limit(10, 40)}, []string{"0 10", "1 -"}},
		"splits":           {[]fact.ExcursionFacts{limit(10, 60)}, []fact.ExcursionFacts{limit(10, 20), limit(30, 60)}, []string{"0 30", "- 10"}},
		"another limit":    {[]fact.ExcursionFacts{limit(10, 20)}, []fact.ExcursionFacts{f(fact.BrokenLimit, "low", 10, 20)}, []string{"0 -", "- 10"}},
		"another kind":     {[]fact.ExcursionFacts{limit(10, 20)}, []fact.ExcursionFacts{f(fact.Unmonitored, "high", 10, 20)}, []string{"0 -", "- 10"}},
		"window of an MKT": {[]fact.ExcursionFacts{f(fact.BrokenMKT, "mkt", 0, 10)}, []fact.ExcursionFacts{f(fact.BrokenMKT, "mkt", 50, 60)}, []string{"0 50"}},
	} {
		var cases []*Case
		for i, c := range test.cases {
			cases = append(cases, &Case{ID: fmt.Sprint(i), Facts: c})
		}
		var got []string
		for _, p := range match(cases, test.found) {
			a, b := "-", "-"
			if p.c != nil {
				a = p.c.ID
			}
			if p.f != nil {
				b = fmt.Sprint(p.f.From)
			}
			got = append(got, a+" "+b)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestEachJudgeByItself: verdicts by another version or product are counted by
// themselves, and one that is dropped takes its cases with it.
func TestEachJudgeByItself(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	v := thermal.Verdict{From: t0, To: t0 + 1000*minute, Excursions: []thermal.Event{hot(100, 120, 9100, thermal.Alarm)}}
	tell := func(version int, product string, revision int, dropped bool, units ...fact.UnitBudget) {
		w.tell("package/P1", fact.VerdictWasRevised, fact.VerdictRevised{
			Package: "P1", Profile: "fridge", Version: version, Product: product, Revision: revision, Digest: "d", Dropped: dropped, Verdict: v, Units: units,
			Cause: fact.Cause{Kind: "profile", Detail: "profile fridge"},
		})
		w.handle()
	}
	states := func() (all []string) {
		for _, v := range w.all("P1") {
			all = append(all, fmt.Sprintf("%s %d%s %s %d", v.Facts.Kind, v.Facts.Version, v.Facts.Product, v.State, len(v.Facts.Units)))
		}
		slices.Sort(all)
		return all
	}
	tell(1, "", 1, false)
	tell(1, "", 2, false)
	tell(2, "", 1, false)
	tell(1, "", 3, true)
	if got, want := states(), []string{"limit 1 retracted 0", "limit 2 opened 0"}; !slices.Equal(got, want) {
		t.Errorf("cases %q, want %q", got, want)
	}
	// Units of a product with a budget of its own: those that have spent it.
	w.receive(unit1, "L1")
	spent := []thermal.BudgetState{{Name: "heat", Allowed: 10, Before: 5, Spent: 7, Left: -2, Broken: true, BrokenAt: t0 + 5}}
	fine := []thermal.BudgetState{{Name: "heat", Allowed: 10, Spent: 7, Left: 3}}
	tell(2, "D1", 1, false, fact.UnitBudget{Unit: unit1, Budgets: spent}, fact.UnitBudget{Unit: unit2, Budgets: fine})
	if got, want := states(), []string{"budget 2D1 opened 1", "limit 1 retracted 0", "limit 2 opened 0", "limit 2D1 opened 0"}; !slices.Equal(got, want) {
		t.Errorf("cases %q, want %q", got, want)
	}
	for _, v := range w.all("P1") {
		if v.Facts.Kind == fact.BrokenBudget && (v.Facts.Units[0] != fact.Affected{Unit: unit1, Lot: "L1"} || v.Facts.Spent != 12 || v.Facts.From != t0+5) {
			t.Errorf("budget %+v", v.Facts)
		}
	}
}

// TestExcursionsThatAVerdictDoesNotListAreNotRetracted.
func TestExcursionsThatAVerdictDoesNotListAreNotRetracted(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm), hot(300, 320, 9100, thermal.Alarm))
	w.handle()
	v := thermal.Verdict{
		Profile: "fridge", Version: 1, From: t0, To: t0 + 1000*minute, Excursions: []thermal.Event{hot(300, 320, 9100, thermal.Alarm)},
		ExcursionsOmitted: 1, Limits: []thermal.LimitState{{Limit: "high", Alarms: 2}},
	}
	w.judge("P1", 2, "late reading", v)
	w.handle()
	for _, k := range w.all("P1") {
		if k.State != Opened {
			t.Errorf("case %s is %s", k.ID, k.State)
		}
	}
	v.Limits[0].Alarms = 1 // what is omitted was allowed
	w.judge("P1", 3, "late reading", v)
	w.handle()
	if k := w.all("P1"); k[0].State != Retracted || k[1].State != Opened {
		t.Errorf("cases are %s and %s", k[0].State, k[1].State)
	}
}
