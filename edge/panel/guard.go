package panel

import (
	"fmt"
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
	ID        string        `json:"id"` // of a compartment, or a package's token
	Sensor    string        `json:"sensor"`
	Profile   string        `json:"profile"`           // its name
	State     string        `json:"state"`             // in_range, passed, out or unknown
	Rule      string        `json:"rule,omitempty"`    // the limit that is passed
	LeftMs    *int64        `json:"left_ms,omitempty"` // until a passed limit is broken, if the temperature stays
	Value     *thermal.Temp `json:"value"`             // °C, the last usable one; nil when there was none
	AgeMs     int64         `json:"age_ms"`            // of it
	UnknownMs int64         `json:"unknown_ms"`        // how long nothing usable has come; 0 while it does
}

// States of a Watched, as the guard names them.
const (
	WatchInRange = "in_range"
	WatchPassed  = "passed"
	WatchOut     = "out"
	WatchUnknown = "unknown"
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
	case a.Kind == "unknown":
		return Silent
	case a.Severity == thermal.Warning:
		return Watch
	}
	return Bad
}

// says is the alarm in a sentence without its end.
func (a Alarm) says() string {
	what := a.Watch + " is out of range by " + a.Sensor + ", " + a.Limit
	switch {
	case a.Kind == "unknown" && a.Active:
		return "Whether " + a.Watch + " is in range is unknown: " + a.Sensor + " has given nothing usable for " + FormatAge(a.AgeMs)
	case a.Kind == "unknown":
		return a.Sensor + " gave nothing usable for a while, and nobody has acknowledged that: whether " + a.Watch + " was in range then is unknown"
	case !a.Active:
		return a.Watch + " was out of range by " + a.Sensor + ", " + a.Limit + ", and nobody has acknowledged that"
	case a.Severity == thermal.Warning:
		what = a.Watch + " has passed a limit by " + a.Sensor + ", " + a.Limit
	}
	return what + ", for " + FormatAge(a.AgeMs)
}

// finding is the alarm as the verdict has it.
func (a Alarm) finding() Finding {
	f := Finding{State: a.state(), Part: "alarm " + a.ID, Says: plain(a.says()) + "."}
	switch {
	case a.Acknowledged:
		f.Says = strings.TrimSuffix(f.Says, ".") + "; acknowledged: " + strings.TrimSuffix(plain(a.Reason), ".") + "."
	case !a.Active:
		f.Do = "Acknowledge it with the reason, on this page or by frostline-edge alarms ack " + a.ID + "."
	case a.Kind == "unknown":
		f.Do = "Check the sensor, its cable and its power; acknowledge the alarm with what you found."
	default:
		f.Do = "Bring what is there back into its range; acknowledge the alarm with what you did."
	}
	return f
}

// judgeGuard tells of alarms, and of what may become one.
func judgeGuard(g Guard) []Finding {
	var f []Finding
	for _, a := range g.Alarms {
		f = append(f, a.finding())
	}
	for _, w := range g.Watches {
		if slices.ContainsFunc(g.Alarms, func(a Alarm) bool { return a.Active && a.Watch == w.ID && a.Sensor == w.Sensor }) {
			continue
		}
		if state, words := judgeWatch(w); state != Fine {
			f = append(f, Finding{State: state, Part: "watch " + w.ID, Says: w.ID + " by " + w.Sensor + ": " + words + "."})
		}
	}
	return f
}

// judgeWatch gives the state of a watch, and its words.
func judgeWatch(w Watched) (State, string) {
	switch w.State {
	case WatchInRange:
		return Fine, "in range"
	case WatchPassed:
		left := ""
		if w.LeftMs != nil && *w.LeftMs > 0 {
			left = ", out of range in " + FormatAge(*w.LeftMs) + " if it stays so"
		}
		return Watch, plain(w.Rule) + left
	case WatchOut:
		return Bad, "out of range, " + plain(w.Rule)
	}
	if w.Value == nil {
		return Silent, "unknown, there is no usable reading yet"
	}
	return Silent, "unknown for " + FormatAge(w.UnknownMs)
}

// guardRows lists what is watched.
func guardRows(g Guard) []row {
	var rows []row
	for _, w := range g.Watches {
		state, words := judgeWatch(w)
		if w.Value != nil {
			words += fmt.Sprintf(", %s%s", choose(w.State == WatchUnknown, "last ", ""), FormatValue(int64(*w.Value), reading.Temperature))
		}
		r := row{Name: w.ID + " by " + w.Sensor, Text: words + " (" + plain(w.Profile) + ")"}
		if state != Fine {
			r.State = state
		}
		rows = append(rows, r)
	}
	return rows
}
