package panel

import (
	"fmt"
	"strings"

	"frostline/proto/reading"
)

// view is a snapshot in the words and order of the page.
type view struct {
	Gateway string
	Title   string
	Word    string // of the verdict's state
	Verdict Verdict
	Do      string    // of the worst finding
	Also    []Finding // the others
	Pills   []pill
	Sensors []card
	Cards   []factCard
	Past    []string
	// Identify says that somebody elsewhere wants this gateway to be found.
	Identify bool
	Alarms   []alarmView
	// CanAcknowledge: there is a page for each alarm.
	CanAcknowledge bool
}

// alarmView is an alarm that waits to be acknowledged.
type alarmView struct {
	ID    string
	State State
	Says  string
}

type pill struct {
	State State
	Text  string
}

// card is one sensor.
type card struct {
	ID, Words, Where string
	Why              string // of a sensor that is not fine, as its driver says
	State            State
	Watched          []watchedView
	Main             *value
	Rest             []value
}

// watchedView is what is watched by a sensor, and how it stands.
type watchedView struct {
	State     State
	ID, Words string
}

// value is one quantity as it is shown.
type value struct {
	Name, Number, Unit string
	Old                bool // what a silent sensor last said
	Long               bool
}

type factCard struct {
	Name  string
	State State
	Rows  []row
}

type row struct {
	Name, Text string
	State      State // empty where it calls for no mark
}

var stateWords = map[State]string{
	Fine: "Fine", Watch: "See to this", Bad: "Act now", Silent: "Silent", Undated: "Undated",
}

func newView(s Snapshot) view {
	v := view{Gateway: s.Gateway, Verdict: Judge(s), Identify: s.IdentifyMs > 0}
	v.Word = stateWords[v.Verdict.State]
	v.Title = v.Word + " · " + s.Gateway
	if f := v.Verdict.Findings; len(f) > 0 {
		v.Do, v.Also = f[0].Do, f[1:]
	}
	v.Pills = []pill{linkPill(s), clockPill(s.Clock)}
	for _, x := range s.Sensors {
		v.Sensors = append(v.Sensors, newCard(x, s.Guard.Watches))
	}
	v.Cards = factCards(s, v.Verdict)
	for _, a := range s.Guard.Alarms {
		if !a.Acknowledged {
			v.Alarms = append(v.Alarms, alarmView{a.ID, a.state(), plain(a.says()) + "."})
		}
	}
	for _, f := range s.Faults {
		if f.passed() {
			v.Past = append(v.Past, faultWords(f))
		}
	}
	return v
}

// brokenView is shown when no snapshot can be had: nothing is known, so all
// that was shown before is gone.
func brokenView(gateway string, err error) view {
	return view{Gateway: gateway, Title: "Silent", Word: stateWords[Silent], Do: "Look at the agent's log, and run frostline-edge doctor.",
		Verdict: Verdict{State: Silent, Says: "The agent cannot say how it is: " + plain(err.Error()) + "."}}
}

func linkPill(s Snapshot) pill {
	u := s.Uplink
	switch u.State {
	case LinkConnected:
		for _, f := range s.Uplink.findings(s.Journal) {
			if f.State == Watch {
				return pill{Watch, "Connected, " + group(s.Journal.PendingReadings) + " to send"}
			}
		}
		return pill{Fine, "Connected"}
	case LinkCut:
		return pill{Watch, "Link pulled"}
	case LinkOff:
		return pill{Watch, "No hub"}
	}
	return pill{Watch, "Offline, " + count(s.Journal.PendingReadings, "reading") + " to send"}
}

func clockPill(c Clock) pill {
	if c.UTCMs == nil {
		return pill{Undated, "Undated"}
	}
	state := Fine
	for _, f := range judgeClock(c) {
		state = f.State
	}
	return pill{state, utc(*c.UTCMs)[11:] + " UTC"}
}

// newCard shows a temperature first, and a position as one value.
func newCard(s Sensor, watches []Watched) card {
	c := card{ID: s.ID, Where: s.Driver + " on " + BusName(s.Bus)}
	c.State, c.Words = JudgeSensor(s)
	if c.State == Fine {
		var newest *int64
		for _, l := range s.Last {
			if newest == nil || l.AgeMs != nil && *l.AgeMs < *newest {
				newest = l.AgeMs
			}
		}
		c.Words = "answers, " + FormatAge(deref(newest)) + " ago"
	}
	if r := s.Calibration.remark(); r != "" {
		c.Words += ", " + r
		if Watch.Worse(c.State) < 0 && s.Calibration.State != CalibrationUndated {
			c.State = Watch
		}
	}
	c.Why = sensorError(s)
	for _, w := range watches {
		if w.Sensor != s.ID {
			continue
		}
		state, words := judgeWatch(w)
		c.Watched = append(c.Watched, watchedView{state, w.ID, words})
		if state.Worse(c.State) < 0 {
			c.State = state
		}
	}
	var values []value
	by := map[reading.Quantity]Last{}
	for _, l := range s.Last {
		by[l.Quantity] = l
	}
	lat, okLat := by[reading.Latitude]
	lon, okLon := by[reading.Longitude]
	position := okLat && okLon
	if position {
		a, old, known := latest(s, lat)
		b, _, both := latest(s, lon)
		if known && both {
			values = append(values, value{Name: "position", Old: old, Long: true, Number: degrees(a, "N", "S") + ", " + degrees(b, "E", "W")})
		}
	}
	for _, l := range s.Last {
		if position && (l.Quantity == reading.Latitude || l.Quantity == reading.Longitude) {
			continue
		}
		n, old, known := latest(s, l)
		if !known {
			continue
		}
		x := value{Name: strings.ReplaceAll(l.Quantity.String(), "-", " "), Old: old}
		x.Number, x.Unit = display(n, l.Quantity)
		x.Number = strings.Replace(x.Number, "-", "−", 1)
		if l.Quantity == reading.Temperature && len(values) > 0 {
			values = append([]value{x}, values...)
			continue
		}
		values = append(values, x)
	}
	if len(values) > 0 {
		c.Main, c.Rest = &values[0], values[1:]
	}
	return c
}

// sensorError is what a driver said of a sensor that is not fine.
func sensorError(s Sensor) string {
	for _, l := range s.Last {
		if state, _ := JudgeLast(s, l); state != Fine && l.Error != "" {
			return plain(l.Error)
		}
	}
	return ""
}

// latest is the value to show: the last reading's where it is fresh and sound,
// else, as old, the last sound one, else a dubious value as it came.
func latest(s Sensor, l Last) (v int64, old, known bool) {
	state, _ := JudgeLast(s, l)
	switch {
	case state == Fine:
		return l.Value, false, true
	case l.Sound != nil:
		return l.Sound.Value, true, true
	case l.AgeMs != nil && l.Quality.HasValue():
		return l.Value, true, true
	}
	return 0, false, false
}

func degrees(v int64, positive, negative string) string {
	s, _ := display(v, reading.Latitude)
	return strings.TrimPrefix(s, "-") + "°\u00a0" + choose(v < 0, negative, positive)
}

func faultWords(f Fault) string {
	s := fmt.Sprintf("%s: %s, %s ago", f.Part, plain(f.Detail), FormatAge(f.AgeMs))
	if f.Count > 1 {
		s += ", " + group(f.Count) + " times"
	}
	return s
}
