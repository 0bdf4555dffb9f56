package correlate

import (
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// told is the last verdict that was appended for a package by one judge.
type told struct {
	revision int
	digest   string
	closed   bool
	dropped  bool
	summary  summary
	broken   []string // units and budgets
}

// summary is the substance of a verdict: what, when it changes, makes another
// verdict worth telling. These are the outcome and severity, the excursions
// that broke a rule (each with limit, beginning, alarm and, once it has ended,
// its end), that and since when MKT and budgets are broken, and the unmonitored
// spans (each with its beginning and, once it is over, its end). Instants are
// the same within Tolerance.
type summary struct {
	outcome  thermal.Outcome
	severity thermal.Severity
	events   []occurrence
	gaps     []occurrence
	omitted  int64
}

// occurrence is something with a beginning and an end.
type occurrence struct {
	what     string
	from, to int64 // to is 0 while it lasts
	alarm    int64
}

// summarize gives the substance of a verdict; open is whether its end is only
// how far the readings have come.
func summarize(v *thermal.Verdict, open bool) summary {
	s := summary{outcome: v.Outcome, severity: v.Severity, omitted: v.ExcursionsOmitted + v.GapsOmitted}
	for i := range v.Excursions {
		x := &v.Excursions[i]
		if x.Alarm == 0 {
			continue
		}
		o := occurrence{what: x.Limit + " " + x.Ended, from: x.From, to: x.To, alarm: x.Alarm}
		if open && x.Ended == thermal.Ongoing {
			o.to = 0
		}
		s.events = append(s.events, o)
	}
	// What is still going on is broken already: the state of the limit says so.
	for i := range v.Limits {
		if l := &v.Limits[i]; l.AlarmAt != 0 {
			s.events = append(s.events, occurrence{what: l.Limit, from: l.AlarmAt, alarm: l.Alarms})
		}
	}
	if v.MKT != nil && v.MKT.Broken {
		s.events = append(s.events, occurrence{what: "mkt", from: v.MKT.BrokenAt})
	}
	for i := range v.Budgets {
		if b := &v.Budgets[i]; b.Broken {
			s.events = append(s.events, occurrence{what: "budget " + b.Name, from: b.BrokenAt})
		}
	}
	for _, g := range v.Gaps {
		o := occurrence{from: g.From, to: g.To}
		if open && g.To == v.To {
			o.to = 0
		}
		if n := len(s.gaps); n > 0 && s.gaps[n-1].to == o.from { // one for another reason
			s.gaps[n-1].to = o.to
			continue
		}
		s.gaps = append(s.gaps, o)
	}
	return s
}

// same reports whether two verdicts say the same in substance.
func (s summary) same(o summary) bool {
	if s.outcome != o.outcome || s.severity != o.severity || s.omitted != o.omitted || len(s.events) != len(o.events) || len(s.gaps) != len(o.gaps) {
		return false
	}
	for i := range s.events {
		if !s.events[i].same(o.events[i]) {
			return false
		}
	}
	for i := range s.gaps {
		if !s.gaps[i].same(o.gaps[i]) {
			return false
		}
	}
	return true
}

func (a occurrence) same(b occurrence) bool {
	return a.what == b.what && near(a.from, b.from) && (a.to == 0) == (b.to == 0) && near(a.to, b.to) && near(a.alarm, b.alarm)
}

func near(a, b int64) bool { return a-b < Tolerance && b-a < Tolerance }

// brokenUnits names the units whose budgets are broken, with the budget.
func brokenUnits(units []fact.UnitBudget) (out []string) {
	for _, u := range units {
		for _, b := range u.Budgets {
			if b.Broken {
				out = append(out, u.Unit+" "+b.Name)
			}
		}
	}
	return out
}

// tell is what is remembered of a verdict that was appended.
func tell(v *fact.VerdictRevised) *told {
	return &told{revision: v.Revision, digest: v.Digest, closed: v.Closed, dropped: v.Dropped,
		summary: summarize(&v.Verdict, !v.Closed), broken: brokenUnits(v.Units)}
}
