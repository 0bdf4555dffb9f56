package panel

import (
	"strings"

	"frostline/proto/reading"
)

// details is a snapshot in the words and order of the page of details: all that
// there is to know.
type details struct {
	Gateway string
	Verdict Verdict
	Word    string // of the verdict's state
	Do      string // of the worst finding
	Also    []Finding
	Pills   []pill
	Sensors []card
	Cards   []factCard
	Past    []string
	// Identify says that somebody elsewhere wants this gateway to be found.
	Identify bool
	Alarms   []alarmView
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
	State       State
	Name, Words string
}

// value is one quantity as it is shown.
type value struct {
	Name, Number, Unit string
	Old                bool // what a silent sensor last said
	Long               bool
}

type factCard struct {
	ID, Name string
	State    State
	Rows     []row
}

type row struct {
	Name, Text string
	State      State // empty where it calls for no mark
}

func (l *locale) details(s Snapshot, canAcknowledge bool) details {
	v := details{Gateway: s.Gateway, Verdict: l.judge(s), Identify: s.IdentifyMs > 0}
	v.Word = l.state(v.Verdict.State)
	if f := v.Verdict.Findings; len(f) > 0 {
		v.Do, v.Also = f[0].Do, f[1:]
	}
	v.Pills = []pill{l.linkPill(s), l.clockPill(s.Clock)}
	for _, x := range s.Sensors {
		v.Sensors = append(v.Sensors, l.card(x, s.Guard))
	}
	v.Cards = l.factCards(s, v.Verdict)
	for _, a := range s.Guard.Alarms {
		if canAcknowledge && !a.Acknowledged {
			v.Alarms = append(v.Alarms, alarmView{a.ID, a.state(), l.alarm(s.Guard, a) + "."})
		}
	}
	for _, f := range s.Faults {
		if f.passed() {
			v.Past = append(v.Past, l.fault(f))
		}
	}
	return v
}

// detailsView is the page of details. When no snapshot can be had nothing is
// known, so all that was shown before is gone.
func (p *Page) detailsView(l *locale, s Snapshot, err error) details {
	if err == nil {
		return l.details(s, p.alarms != nil)
	}
	return details{Gateway: p.gateway, Word: l.state(Silent), Do: l.say("do.broken"),
		Verdict: Verdict{State: Silent, Says: l.say("judge.broken", plain(err.Error()))}}
}

func (l *locale) linkPill(s Snapshot) pill {
	pending := group(s.Journal.PendingReadings)
	switch s.Uplink.State {
	case LinkConnected:
		for _, f := range l.judgeUplink(s.Uplink, s.Journal) {
			if f.State == Watch {
				return pill{Watch, l.say("pill.behind", pending)}
			}
		}
		return pill{Fine, l.say("pill.connected")}
	case LinkCut:
		return pill{Watch, l.say("pill.cut")}
	case LinkOff:
		return pill{Watch, l.say("pill.no-hub")}
	}
	return pill{Watch, l.say("pill.offline", l.count(s.Journal.PendingReadings, "reading"))}
}

func (l *locale) clockPill(c Clock) pill {
	if c.UTCMs == nil {
		return pill{Undated, l.state(Undated)}
	}
	state := Fine
	for _, f := range l.judgeClock(c) {
		state = f.State
	}
	return pill{state, utc(*c.UTCMs)[11:] + " UTC"}
}

// longAgo is the age from which a sensor that is fine has it told, ms: below, the
// next reading is about to come.
const longAgo = 10_000

// card shows a temperature first, and a position as one value.
func (l *locale) card(s Sensor, g Guard) card {
	c := card{ID: s.ID, Where: l.say("sensor.on", s.Driver, l.bus(s.Bus))}
	c.State, c.Words = l.judgeSensor(s)
	if c.State == Fine {
		var newest *int64
		for _, x := range s.Last {
			if newest == nil || x.AgeMs != nil && *x.AgeMs < *newest {
				newest = x.AgeMs
			}
		}
		if age := deref(newest); age >= longAgo {
			c.Words = l.say("sensor.answers-ago", FormatAge(age))
		}
	}
	if r := l.remark(s.Calibration); r != "" {
		c.Words += ", " + r
		if Watch.Worse(c.State) < 0 && s.Calibration.State != CalibrationUndated {
			c.State = Watch
		}
	}
	c.Why = l.sensorError(s)
	for _, w := range g.Watches {
		if w.Sensor != s.ID {
			continue
		}
		_, words := l.judgeWatch(w)
		state := g.standing(w)
		c.Watched = append(c.Watched, watchedView{state, plain(w.Name()), words})
		if state.Worse(c.State) < 0 {
			c.State = state
		}
	}
	var values []value
	by := map[reading.Quantity]Last{}
	for _, x := range s.Last {
		by[x.Quantity] = x
	}
	lat, okLat := by[reading.Latitude]
	lon, okLon := by[reading.Longitude]
	position := okLat && okLon
	if position {
		a, old, known := latest(s, lat)
		b, _, both := latest(s, lon)
		if known && both {
			values = append(values, value{Name: l.say("quantity.position"), Old: old, Long: true, Number: degrees(a, "N", "S") + ", " + degrees(b, "E", l.say("west"))})
		}
	}
	for _, x := range s.Last {
		if position && (x.Quantity == reading.Latitude || x.Quantity == reading.Longitude) {
			continue
		}
		n, old, known := latest(s, x)
		if !known {
			continue
		}
		v := value{Name: l.quantity(x.Quantity), Old: old}
		v.Number, v.Unit = l.value(n, x.Quantity)
		v.Number = minus(v.Number)
		if x.Quantity == reading.Temperature && len(values) > 0 {
			values = append([]value{v}, values...)
			continue
		}
		values = append(values, v)
	}
	if len(values) > 0 {
		c.Main, c.Rest = &values[0], values[1:]
	}
	return c
}

// minus puts the sign that people write before a negative number.
func minus(number string) string { return strings.Replace(number, "-", "−", 1) }

// sensorError is what a driver said of a sensor that is not fine.
func (l *locale) sensorError(s Sensor) string {
	for _, x := range s.Last {
		if state, _ := l.judgeLast(s, x); state != Fine && x.Error != "" {
			return plain(x.Error)
		}
	}
	return ""
}

func sensorError(s Sensor) string { return english.sensorError(s) }

// latest is the value to show: the last reading's where it is fresh and sound,
// else, as old, the last sound one, else a dubious value as it came.
func latest(s Sensor, x Last) (v int64, old, known bool) {
	state, _ := JudgeLast(s, x)
	switch {
	case state == Fine:
		return x.Value, false, true
	case x.Sound != nil:
		return x.Sound.Value, true, true
	case x.AgeMs != nil && x.Quality.HasValue():
		return x.Value, true, true
	}
	return 0, false, false
}

func degrees(v int64, positive, negative string) string {
	s, _ := display(v, reading.Latitude)
	return strings.TrimPrefix(s, "-") + "°\u00a0" + choose(v < 0, negative, positive)
}

func (l *locale) fault(f Fault) string {
	s := l.say("fault.said", f.Part, plain(f.Detail), FormatAge(f.AgeMs))
	if f.Count > 1 {
		s += ", " + l.count(f.Count, "time")
	}
	return s
}
