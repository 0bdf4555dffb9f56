package dossier

import (
	"fmt"
	"strings"

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

// beyond says on which side of a limit: "above 8 °C", "at or below −0.5 °C".
func beyond(op thermal.Op, at thermal.Temp) string {
	words := map[thermal.Op]string{thermal.Above: "above", thermal.AtOrAbove: "at or above", thermal.Below: "below", thermal.AtOrBelow: "at or below"}
	return words[op] + " " + Degrees(at)
}

// Story tells a case in sentences. Every number in it is from the facts of the
// case.
func (c *Case) Story() []string {
	f := &c.Facts
	where := ""
	if c.Place != "" {
		where = ", when it was in " + strings.Replace(c.Place, "/", " ", 1)
	}
	var s []string
	say := func(format string, a ...any) { s = append(s, fmt.Sprintf(format, a...)) }
	switch f.Kind {
	case fact.Unmonitored:
		say("Nothing vouched for package %s from %s to %s%s: %s.", f.Package, view.Moment(f.From), ending(f), where, f.Why)
		say("Its temperature in these %s is not known.", view.Span(f.Duration))
	case fact.BrokenBudget:
		say("The stability budget %s of %s was spent at %s%s.", f.Limit, view.Span(f.Allowed), view.Moment(f.From), where)
		say("%s of it were used in all.", view.Span(f.Spent))
	case fact.BrokenMKT:
		if f.Peak != nil && f.Bound != nil {
			say("The mean kinetic temperature of package %s reached %s, %s, at %s%s.", f.Package, Degrees(*f.Peak), beyond(f.Op, *f.Bound), view.Moment(f.From), where)
		}
	default:
		limit := f.Limit
		if f.Bound != nil {
			limit = beyond(f.Op, *f.Bound)
		}
		say("Package %s was %s for %s, from %s to %s%s.", f.Package, limit, view.Span(f.Duration), view.Moment(f.From), ending(f), where)
		if f.Peak != nil {
			say("Its worst was %s at %s.", Degrees(*f.Peak), view.Moment(f.PeakAt))
		}
		if f.Alarm > 0 {
			say("The rule %q of profile %s was broken at %s.", f.Limit, f.Profile, view.Moment(f.Alarm))
		}
	}
	if f.Retracted {
		say("Later data say otherwise: verdict revision %d holds no such excursion.", f.Revision)
	}
	if n := len(f.Units) + f.MoreUnits; n > 0 {
		say("%s in the package then, of %s.", units(n), lots(f.Units))
	}
	return s
}

func ending(f *fact.ExcursionFacts) string {
	switch f.Ended {
	case thermal.Lost:
		return view.Moment(f.To) + ", when the readings end"
	case thermal.Ongoing:
		return view.Moment(f.To) + ", and goes on"
	}
	return view.Moment(f.To)
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
