package dossier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// Degrees is a temperature as people read it: "8.3 °C", "−0.25 °C".
func Degrees(t thermal.Temp) string { return strings.Replace(t.String(), "-", "−", 1) + " °C" }

// Word is an outcome as people read it.
func Word(o thermal.Outcome) string {
	switch o {
	case thermal.InRange:
		return "in range"
	case thermal.Excursion:
		return "excursion"
	}
	return "unknown"
}

// Beyond says on which side of a limit: "above 8 °C", "at or below −0.5 °C".
func Beyond(op thermal.Op, at thermal.Temp) string {
	words := map[thermal.Op]string{thermal.Above: "above", thermal.AtOrAbove: "at or above", thermal.Below: "below", thermal.AtOrBelow: "at or below"}
	return words[op] + " " + Degrees(at)
}

// MKTRule says what a profile's rule of mean kinetic temperature allows, and
// the window that decides whether it was kept; "" where there is no rule.
func MKTRule(m *thermal.MKT) string {
	if m.Limit == nil {
		return ""
	}
	rule := "broken where a window of " + view.Span(m.Window) + " is " + Beyond(m.Op, *m.Limit)
	if m.Worst == nil {
		return rule + "; there is no such time to look at"
	}
	kept := "kept: "
	if m.Broken {
		kept = "broken: "
	}
	return kept + "the warmest window is " + Degrees(m.Worst.Value) + ", from " + view.Moment(m.Worst.From) + " to " + view.Moment(m.Worst.To) + "; " + rule
}

// Spendings says what the unit has used of each budget over its life; what
// nobody measured is not counted, and said.
func (u *Unit) Spendings() (out []string) {
	for _, b := range u.Budgets {
		s := b.Name + ": " + view.Span(b.Before+b.Spent) + " of " + view.Span(b.Allowed) + " used"
		if b.Broken {
			s = b.Name + ": all " + view.Span(b.Allowed) + " used, and " + view.Span(b.Before+b.Spent-b.Allowed) + " more"
		}
		if u.Unmonitored > 0 {
			s += ", not counting " + view.Span(u.Unmonitored) + " that nobody knows of"
		}
		out = append(out, s)
	}
	return out
}

// What a sentence of a story rests on.
const (
	OnVerdict  = "verdict"                      // the revision that the case is of
	OnRules    = "rules"                        // the version of its profile
	OnReadings = "readings"                     // of the sensor that vouched
	OnCustody  = "where it was, and who had it" // and what was in it
)

// Told is a sentence of a story, and what shows that it is true.
type Told struct {
	Text string
	On   []string // of OnVerdict and the others; never empty
}

// Story gives the sentences of Told.
func (c *Case) Story() (out []string) {
	for _, t := range c.Told() {
		out = append(out, t.Text)
	}
	return out
}

// Told tells a case in sentences. Every number in it is from the facts of the
// case.
func (c *Case) Told() []Told {
	f := &c.Facts
	where := ""
	if c.Place != "" {
		where = ", when it was in " + strings.Replace(c.Place, "/", " ", 1)
	}
	var s []Told
	on := func(on ...string) func(string, ...any) {
		return func(format string, a ...any) { s = append(s, Told{fmt.Sprintf(format, a...), on}) }
	}
	vouched, measured, ruled := on(OnVerdict, OnCustody), on(OnVerdict, OnReadings), on(OnVerdict, OnRules)
	switch f.Kind {
	case fact.Unmonitored:
		if f.Ended == thermal.Ongoing {
			vouched("Nothing has vouched for package %s since %s%s: %s.", f.Package, view.Moment(f.From), where, Because(f.Why))
			vouched("Its temperature since then is not known.")
			break
		}
		vouched("Nothing vouched for package %s from %s to %s%s: %s.", f.Package, view.Moment(f.From), ending(f), where, Because(f.Why))
		vouched("Its temperature in these %s is not known.", view.Span(f.Duration))
	case fact.BrokenBudget:
		ruled("The stability budget of %s %s was used up in package %s at %s%s.", view.Span(f.Allowed), f.Limit, f.Package, view.Moment(f.From), where)
		if over := f.Spent - f.Allowed; over > 0 {
			ruled("It was overspent by %s over the life of the unit.", view.Span(over))
		}
	case fact.BrokenMKT:
		if f.Peak != nil && f.Bound != nil {
			ruled("The mean kinetic temperature of package %s reached %s, %s, at %s%s.", f.Package, Degrees(*f.Peak), Beyond(f.Op, *f.Bound), view.Moment(f.From), where)
		}
	default:
		limit := f.Limit
		if f.Bound != nil {
			limit = Beyond(f.Op, *f.Bound)
		}
		// within says why an event can be longer than the time beyond the limit.
		within := func(from, to, beyond int64) {
			if view.Span(to-from) != view.Span(beyond) {
				measured("In that time it was back within the limit for %s, by too little to end it.", view.Span(to-from-beyond))
			}
		}
		e := c.Live
		switch {
		case f.Ended != thermal.Ongoing:
			measured("Package %s was %s for %s, from %s to %s%s.", f.Package, limit, view.Span(f.Duration), view.Moment(f.From), ending(f), where)
			within(f.From, f.To, f.Duration)
		case e == nil:
			measured("Package %s has been %s since %s%s.", f.Package, limit, view.Moment(f.From), where)
		case e.Ended == thermal.Ongoing:
			measured("Package %s has been %s since %s, for %s so far%s.", f.Package, limit, view.Moment(e.From), view.Span(e.Duration), where)
			measured("Its worst so far is %s at %s.", Degrees(e.Peak), view.Moment(e.PeakAt))
		default: // the end will be recorded in a moment
			measured("Package %s was %s for %s, from %s to %s%s.", f.Package, limit, view.Span(e.Duration), view.Moment(e.From), view.Moment(e.To), where)
			within(e.From, e.To, e.Duration)
			measured("Its worst was %s at %s.", Degrees(e.Peak), view.Moment(e.PeakAt))
		}
		if f.Peak != nil && f.Ended != thermal.Ongoing {
			measured("Its worst was %s at %s.", Degrees(*f.Peak), view.Moment(f.PeakAt))
		}
		if f.Alarm > 0 {
			ruled("The rule %q of profile %s was broken at %s.", f.Limit, f.Profile, view.Moment(f.Alarm))
		}
	}
	if f.Retracted {
		on(OnVerdict)("Later data say otherwise: verdict revision %d holds no such excursion.", f.Revision)
	}
	if n := len(f.Units) + f.MoreUnits; n > 0 {
		on(OnCustody)("%s in the package then, of %s.", units(n), lots(f.Units))
	}
	if first := &s[0]; where != "" && !slices.Contains(first.On, OnCustody) {
		first.On = append(slices.Clone(first.On), OnCustody)
	}
	return s
}

// ending is when a case ended, without the day where it is the day it began.
func ending(f *fact.ExcursionFacts) string {
	to := view.Moment(f.To)
	if view.Date(f.From) == view.Date(f.To) {
		to = view.TimeOfDay(f.To)
	}
	switch f.Ended {
	case thermal.Lost:
		return to + ", when the readings end"
	case thermal.Ongoing:
		return to + ", and goes on"
	}
	return to
}

// Because is why nothing vouched, as people say it.
func Because(reason string) string {
	words := map[string]string{
		join.NoAttachment:      "nobody has said where it was",
		join.NoSensor:          "there was no sensor where it was",
		join.NoCalibration:     "no sensor there had a valid calibration, which the profile asks for",
		join.NotAccurate:       "no sensor there is known to be as accurate as the profile asks",
		join.ConflictingClocks: "the gateway's clock sources contradicted each other",
		join.BadReadings:       "the sensor gave no usable reading",
		join.UndatedReadings:   "the readings have no time yet",
		join.SensorSilent:      "the sensor was silent",
	}
	var out []string
	for _, r := range strings.Split(reason, "; ") { // of a case, all there were
		out = append(out, cmp.Or(words[r], r))
	}
	return strings.Join(out, ", and ")
}

func units(n int) string {
	if n == 1 {
		return "1 unit was"
	}
	return fmt.Sprintf("%d units were", n)
}

func lots(all []fact.Affected) string {
	var names []string
	seen := map[string]bool{}
	for _, u := range all {
		name := u.Lot
		if name == "" {
			name = "not known"
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return "lot " + names[0]
	}
	return "lots " + strings.Join(names, ", ")
}

// Summary is the verdict of one profile in a sentence.
func (j *Judgement) Summary() string {
	out := j.summary()
	for i := range j.Dissent {
		d := &j.Dissent[i]
		out += fmt.Sprintf(" But %s, which did not vouch, saw %s broken at %s, and between %s and %s in %s: look at both sensors.",
			d.Source, strings.Join(d.Limits, ", "), view.Moment(d.At), Degrees(d.Min), Degrees(d.Max), view.Span(d.Compared))
	}
	if j.Unheard > 0 {
		out += fmt.Sprintf(" %s more sensors in the same place were not compared.", view.Count(int64(j.Unheard)))
	}
	return out
}

func (j *Judgement) summary() string {
	v := &j.Verdict
	if v.Monitored == 0 {
		return fmt.Sprintf("Unknown: nothing was monitored in %s.", view.Span(v.Unmonitored))
	}
	extremes := ""
	if v.Min != nil && v.Max != nil {
		extremes = fmt.Sprintf(" between %s and %s", Degrees(*v.Min), Degrees(*v.Max))
	}
	switch v.Outcome {
	case thermal.InRange:
		if v.Severity == thermal.Warning {
			return fmt.Sprintf("In range: %s monitored,%s; no rule of %s was broken but one that warns.", view.Span(v.Monitored), extremes, j.Profile.Name)
		}
		return fmt.Sprintf("In range: %s monitored,%s, and no rule of %s was broken.", view.Span(v.Monitored), extremes, j.Profile.Name)
	case thermal.Excursion:
		return fmt.Sprintf("Excursion: a rule of %s was broken. %s out of range of %s monitored,%s.", j.Profile.Name, view.Span(v.OutOfRange), view.Span(v.Monitored), extremes)
	}
	return fmt.Sprintf("Unknown: %s of %s were not monitored. The rest lay%s.", view.Span(v.Unmonitored), view.Span(v.Monitored+v.Unmonitored), extremes)
}
