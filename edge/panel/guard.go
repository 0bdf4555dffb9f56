package panel

import (
	"slices"
	"strings"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// Guard is what the gateway's own guard sees, and alarms of.
type Guard struct {
	Watches []Watched `json:"watches"`
	Alarms  []Alarm   `json:"alarms"` // not over, the most urgent first
}

// Watched is how one sensor of what is watched stands to its storage profile.
type Watched struct {
	ID        string        `json:"id"`              // of a compartment, or a package's token
	Label     string        `json:"label,omitempty"` // what people call it; empty: the id
	Sensor    string        `json:"sensor"`
	Profile   string        `json:"profile"`           // its name
	State     string        `json:"state"`             // in_range, passed, out or unknown
	Rule      string        `json:"rule,omitempty"`    // the limit that is passed, by its name in Limits
	LeftMs    *int64        `json:"left_ms,omitempty"` // until a passed limit is broken, if the temperature stays
	Value     *thermal.Temp `json:"value"`             // °C, the last usable one; nil when there was none
	AgeMs     int64         `json:"age_ms"`            // of it
	UnknownMs int64         `json:"unknown_ms"`        // how long nothing usable has come; 0 while it does
	// Low and High bound the labelled range of the profile, which includes them;
	// nil where it is open to that side.
	Low    *thermal.Temp `json:"low,omitempty"`
	High   *thermal.Temp `json:"high,omitempty"`
	Limits []Limit       `json:"limits,omitempty"`
	// Ahead is the limit that the temperature is on its way to; nil while it is
	// on its way to none.
	Ahead *Ahead `json:"ahead,omitempty"`
}

// Limit is a rule of a storage profile, as far as people are told of it.
type Limit struct {
	Name    string       `json:"name"`
	Upper   bool         `json:"upper"` // it is broken by what is too warm; else by what is too cold
	At      thermal.Temp `json:"at"`
	DelayMs int64        `json:"delay_ms,omitempty"` // how long the profile allows it
}

// Name is what people call it.
func (w Watched) Name() string { return choose(w.Label != "", w.Label, w.ID) }

// limit finds a limit by its name.
func (w Watched) limit(name string) (Limit, bool) {
	i := slices.IndexFunc(w.Limits, func(x Limit) bool { return x.Name == name })
	if i < 0 || name == "" {
		return Limit{}, false
	}
	return w.Limits[i], true
}

// of finds the watch that an alarm is of.
func (g Guard) of(a Alarm) Watched {
	for _, w := range g.Watches {
		if w.ID == a.Watch && w.Sensor == a.Sensor {
			return w
		}
	}
	return Watched{ID: a.Watch, Sensor: a.Sensor}
}

// States of a Watched, as the guard names them.
const (
	WatchInRange = "in_range"
	WatchPassed  = "passed"
	WatchOut     = "out"
	WatchUnknown = "unknown"
)

// Kinds of an Alarm, as the guard names them.
const (
	kindExcursion = "excursion"
	kindUnknown   = "unknown"
)

// Alarm is an alarm whose cause goes on, or that nobody has acknowledged.
type Alarm struct {
	ID           string           `json:"id"`
	Watch        string           `json:"watch"`
	Sensor       string           `json:"sensor"`
	Kind         string           `json:"kind"` // excursion or unknown
	Severity     thermal.Severity `json:"severity"`
	Limit        string           `json:"limit,omitempty"` // the rule that is broken
	Active       bool             `json:"active"`          // its cause goes on
	Acknowledged bool             `json:"acknowledged"`
	Reason       string           `json:"reason,omitempty"` // of the acknowledgement
	By           string           `json:"by,omitempty"`     // where it was given: page or console
	Times        int              `json:"times"`            // raised
	AgeMs        int64            `json:"age_ms"`           // since it was raised last
}

// Acknowledger takes acknowledgements of alarms; the guard is one.
type Acknowledger interface {
	// Acknowledge says that somebody has seen an alarm, and why it came or what
	// was done. id may be shortened, or be "all". It gives the ids acknowledged.
	Acknowledge(id, reason, by string) ([]string, error)
}

// state is how grave an alarm is.
func (a Alarm) state() State {
	switch {
	case !a.Active:
		return Watch
	case a.Kind == kindUnknown:
		return Silent
	case a.Severity == thermal.Warning:
		return Watch
	}
	return Bad
}

// rule is a limit of a watch in words. In English it is the profile's own.
func (l *locale) rule(w Watched, name string) string {
	x, ok := w.limit(name)
	if l == english || !ok {
		return plain(name)
	}
	if x.DelayMs > 0 {
		return l.say(choose(x.Upper, "rule.above-for", "rule.below-for"), x.At.String(), FormatAge(x.DelayMs))
	}
	return l.say(choose(x.Upper, "rule.above", "rule.below"), x.At.String())
}

// alarm is an alarm in a sentence without its end.
func (l *locale) alarm(g Guard, a Alarm) string {
	w := g.of(a)
	name, rule, age := plain(w.Name()), l.rule(w, a.Limit), FormatAge(a.AgeMs)
	switch {
	case a.Kind == kindUnknown && a.Active:
		return l.say("alarm.unknown", name, a.Sensor, age)
	case a.Kind == kindUnknown:
		return l.say("alarm.was-unknown", name, a.Sensor)
	case !a.Active:
		return l.say("alarm.was-out", name, a.Sensor, rule)
	case a.Severity == thermal.Warning:
		return l.say("alarm.passed", name, a.Sensor, rule, age)
	}
	return l.say("alarm.out", name, a.Sensor, rule, age)
}

// finding is an alarm as the verdict has it.
func (l *locale) finding(g Guard, a Alarm) Finding {
	f := Finding{State: a.state(), Part: "alarm " + a.ID, Says: l.alarm(g, a) + "."}
	switch {
	case a.Acknowledged:
		f.Says = l.say("alarm.acknowledged", strings.TrimSuffix(f.Says, "."), strings.TrimSuffix(l.reason(plain(a.Reason)), "."))
	case !a.Active:
		f.Do = l.say("do.alarm-over", a.ID)
	case a.Kind == kindUnknown:
		f.Do = l.say("do.alarm-unknown")
	default:
		f.Do = l.say("do.alarm-out")
	}
	return f
}

// judgeGuard tells of alarms, and of what may become one.
func (l *locale) judgeGuard(g Guard) []Finding {
	var f []Finding
	for _, a := range g.Alarms {
		f = append(f, l.finding(g, a))
	}
	for _, w := range g.Watches {
		if slices.ContainsFunc(g.Alarms, func(a Alarm) bool { return a.Active && a.Watch == w.ID && a.Sensor == w.Sensor }) {
			continue
		}
		if state, words := l.judgeWatch(w); state != Fine {
			f = append(f, Finding{State: state, Part: "watch " + w.ID, Says: l.say("judge.watch", plain(w.Name()), w.Sensor, words)})
		}
	}
	return f
}

// judgeWatch gives the state of a watch, and its words.
func (l *locale) judgeWatch(w Watched) (State, string) {
	switch w.State {
	case WatchInRange:
		return Fine, l.say("watch.in-range")
	case WatchPassed:
		if w.LeftMs != nil && *w.LeftMs > 0 {
			return Watch, l.say("watch.passed-left", l.rule(w, w.Rule), FormatAge(*w.LeftMs))
		}
		return Watch, l.rule(w, w.Rule)
	case WatchOut:
		return Bad, l.say("watch.out", l.rule(w, w.Rule))
	}
	if w.Value == nil {
		return Silent, l.say("watch.none-yet")
	}
	return Silent, l.say("watch.unknown", FormatAge(w.UnknownMs))
}

// guardRows lists what is watched.
func (l *locale) guardRows(g Guard) []row {
	var rows []row
	for _, w := range g.Watches {
		state, words := l.judgeWatch(w)
		if w.Value != nil {
			value := FormatValue(int64(*w.Value), reading.Temperature)
			words += ", " + choose(w.State == WatchUnknown, l.say("watch.last", value), value)
		}
		r := row{Name: l.say("watch.by", plain(w.Name()), w.Sensor), Text: words + " (" + plain(w.Profile) + ")"}
		if state != Fine {
			r.State = state
		}
		rows = append(rows, r)
	}
	return rows
}
