package panel

import (
	"fmt"
	"slices"
	"strings"

	"frostline/proto/reading"
)

// State is how something is. Unknown is its own state: a silent sensor and an
// undated clock are never fine, and never out of order either.
type State string

// States, the worst first.
const (
	Bad     State = "bad"     // evidence is being lost or refused, or soon will be
	Silent  State = "silent"  // nothing is known: no reading arrives
	Watch   State = "watch"   // works, and somebody should see to it
	Undated State = "undated" // readings are kept, at a time not yet known
	Fine    State = "fine"
)

var order = []State{Bad, Silent, Watch, Undated, Fine}

// Worse compares states: negative when s is worse than other.
func (s State) Worse(other State) int {
	return slices.Index(order, s) - slices.Index(order, other)
}

// Finding is one thing that is not fine.
type Finding struct {
	State State  `json:"state"`
	Part  string `json:"part"`         // "sensor box-a", "journal", "uplink", "clock", "certificate"
	Says  string `json:"says"`         // a sentence
	Do    string `json:"do,omitempty"` // what to do about it, a sentence; empty when nothing helps but waiting
}

// Verdict is one judgement over the gateway.
type Verdict struct {
	State    State     `json:"state"`
	Says     string    `json:"says"` // what is not fine, or that all is
	Fine     string    `json:"fine"` // what is
	Findings []Finding `json:"findings"`
}

// Thresholds of the verdict, in milliseconds or hours.
const (
	quietMs        = 2 * 60_000  // pending and no acknowledgement for so long: the hub is quiet
	backlogMs      = 2 * 60_000  // an oldest pending reading older than this is a backlog
	renewalPart    = 6           // of a certificate's life left: it should long have been renewed
	hoursWatch     = 24.0        // room left in the journal, while nothing drains it
	hoursBad       = 4.0         //
	uncertainMs    = 60_000      // a time less sure than this is worth a word
	unknownCadence = 60_000      // interval assumed of a sensor that gives none
	startingMs     = 20_000      // of uptime during which no reading at all is only a start
	passedMs       = 15 * 60_000 // a fault not seen for so long has passed
	graceMs        = 5_000       // what a reading may be late beyond twice its interval
)

// Judge says what is fine, what is not and what to do about it, in English. It is
// a pure function of the snapshot.
func Judge(s Snapshot) Verdict { return english.judge(s) }

// judge is Judge in a language: the words differ, and nothing else.
func (l *locale) judge(s Snapshot) Verdict {
	f := l.judgeGuard(s.Guard)
	f = append(f, l.judgeJournal(s.Journal, s.Uplink)...)
	f = append(f, l.judgeSensors(s.Sensors, s.UptimeMs)...)
	f = append(f, l.judgeCertificate(s.Certificate)...)
	f = append(f, l.judgeUplink(s.Uplink, s.Journal)...)
	f = append(f, l.judgeClock(s.Clock)...)
	for _, x := range s.Faults {
		known := slices.ContainsFunc(f, func(y Finding) bool { return y.Part == x.Part && y.State == Bad })
		if !x.passed() && !known {
			f = append(f, Finding{State: Watch, Part: x.Part, Says: fmt.Sprintf("%s: %s.", x.Part, strings.TrimSuffix(plain(x.Detail), "."))})
		}
	}
	slices.SortStableFunc(f, func(a, b Finding) int { return a.State.Worse(b.State) })
	if len(f) == 0 {
		return Verdict{State: Fine, Says: l.say(choose(len(s.Guard.Watches) > 0, "judge.in-range", "judge.works")), Fine: l.fineWords(s, ""), Findings: []Finding{}}
	}
	return Verdict{State: f[0].State, Says: f[0].Says, Fine: l.fineWords(s, f[0].Part), Findings: f}
}

// fineWords says what works apart from what the headline is about, and never
// more than is known.
func (l *locale) fineWords(s Snapshot, headline string) string {
	var parts []string
	answer := 0
	for _, x := range s.Sensors {
		if state, _ := JudgeSensor(x); state == Fine {
			answer++
		}
	}
	switch all := len(s.Sensors); {
	case all == 0:
	case answer == all && all == 1:
		parts = append(parts, l.say("fine.sensor"))
	case answer == all:
		parts = append(parts, l.say("fine.sensors", group(uint64(all))))
	case answer > 0:
		parts = append(parts, l.say("fine.some-sensors", group(uint64(answer)), group(uint64(all))))
	}
	j := s.Journal
	sound := j.Error == "" && j.MemoryBlocks == 0
	switch up := s.Uplink.State == LinkConnected; {
	case up && sound && j.PendingReadings == 0 && s.Uplink.AckAgeMs != nil && j.Readings > 0:
		parts = append(parts, l.say("fine.hub-has-all"))
	case up && sound && s.Uplink.AckAgeMs != nil && j.OldestAgeMs != nil && *j.OldestAgeMs <= backlogMs:
		parts = append(parts, l.say("fine.hub-has-until", FormatAge(*j.OldestAgeMs)))
	case sound && j.PendingReadings > 0 && headline != "uplink":
		parts = append(parts, l.say(choose(j.PendingReadings == 1, "fine.safe.one", "fine.safe.many"), l.count(j.PendingReadings, "reading")))
	}
	return sentence(strings.Join(parts, l.say("fine.and")))
}

// JudgeSensor gives a sensor's state by its worst quantity, and the English words
// for it, as they stand beside its name.
func JudgeSensor(s Sensor) (State, string) { return english.judgeSensor(s) }

func (l *locale) judgeSensor(s Sensor) (State, string) {
	state, words := Fine, l.say("sensor.answers")
	if len(s.Last) == 0 {
		return Silent, l.say("sensor.none-yet")
	}
	for _, x := range s.Last {
		if st, w := l.judgeLast(s, x); st.Worse(state) < 0 {
			state, words = st, w
		}
	}
	return state, words
}

// JudgeLast gives the state of one quantity's last reading, and its English words.
func JudgeLast(s Sensor, l Last) (State, string) { return english.judgeLast(s, l) }

// late says whether the last reading is older than a sensor's interval allows.
func late(ageMs, intervalMs int64) bool {
	return ageMs > 2*choose(intervalMs > 0, intervalMs, unknownCadence)+graceMs
}

func (l *locale) judgeLast(s Sensor, x Last) (State, string) {
	switch {
	case x.AgeMs == nil:
		return Silent, l.say("sensor.none-yet")
	case late(*x.AgeMs, s.IntervalMs):
		return Silent, l.say("sensor.silent", FormatAge(*x.AgeMs))
	}
	switch x.Quality {
	case reading.OK:
		return Fine, l.say("sensor.answers")
	case reading.NoAnswer:
		if x.Sound != nil {
			return Silent, l.say("sensor.no-answer-for", FormatAge(x.Sound.AgeMs))
		}
		return Silent, l.say("sensor.no-answer")
	case reading.NoFix:
		return Silent, l.say("sensor.no-fix")
	case reading.Checksum:
		return Silent, l.say("sensor.checksum")
	case reading.NotReady:
		return Silent, l.say("sensor.not-ready")
	case reading.PowerOn:
		return Watch, l.say("sensor.power-on")
	case reading.OutOfRange:
		return Watch, l.say("sensor.out-of-range")
	case reading.ImpossibleStep:
		return Watch, l.say("sensor.impossible-step")
	case reading.Stuck:
		return Watch, l.say("sensor.stuck")
	}
	return Watch, l.say("sensor.says", x.Quality.String())
}
