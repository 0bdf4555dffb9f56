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

// Judge says what is fine, what is not and what to do about it. It is a pure
// function of the snapshot.
func Judge(s Snapshot) Verdict {
	f := judgeGuard(s.Guard)
	f = append(f, judgeJournal(s.Journal, s.Uplink)...)
	f = append(f, judgeSensors(s.Sensors, s.UptimeMs)...)
	f = append(f, judgeCertificate(s.Certificate)...)
	f = append(f, judgeUplink(s.Uplink, s.Journal)...)
	f = append(f, judgeClock(s.Clock)...)
	for _, x := range s.Faults {
		known := slices.ContainsFunc(f, func(y Finding) bool { return y.Part == x.Part && y.State == Bad })
		if !x.passed() && !known {
			f = append(f, Finding{State: Watch, Part: x.Part, Says: fmt.Sprintf("%s: %s.", x.Part, strings.TrimSuffix(plain(x.Detail), "."))})
		}
	}
	slices.SortStableFunc(f, func(a, b Finding) int { return a.State.Worse(b.State) })
	if len(f) == 0 {
		return Verdict{State: Fine, Says: choose(len(s.Guard.Watches) > 0, "What is watched here is in range.", "This gateway works as it should."), Fine: fineWords(s, ""), Findings: []Finding{}}
	}
	return Verdict{State: f[0].State, Says: f[0].Says, Fine: fineWords(s, f[0].Part), Findings: f}
}

// fineWords says what works apart from what the headline is about, and never
// more than is known.
func fineWords(s Snapshot, headline string) string {
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
		parts = append(parts, "the sensor answers")
	case answer == all:
		parts = append(parts, fmt.Sprintf("all %d sensors answer", all))
	case answer > 0:
		parts = append(parts, fmt.Sprintf("%d of %d sensors answer", answer, all))
	}
	j := s.Journal
	sound := j.Error == "" && j.MemoryBlocks == 0
	switch up := s.Uplink.State == LinkConnected; {
	case up && sound && j.PendingReadings == 0 && s.Uplink.AckAgeMs != nil && j.Readings > 0:
		parts = append(parts, "the hub has every reading")
	case up && sound && s.Uplink.AckAgeMs != nil && j.OldestAgeMs != nil && *j.OldestAgeMs <= backlogMs:
		parts = append(parts, fmt.Sprintf("the hub has every reading up to %s ago", FormatAge(*j.OldestAgeMs)))
	case sound && j.PendingReadings > 0 && headline != "uplink":
		parts = append(parts, fmt.Sprintf("%s not yet at the hub %s safe on this gateway's disk",
			count(j.PendingReadings, "reading"), choose(j.PendingReadings == 1, "is", "are")))
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, ", and ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// JudgeSensor gives a sensor's state by its worst quantity, and the words for
// it, as they stand beside its name.
func JudgeSensor(s Sensor) (State, string) {
	state, words := Fine, "answers"
	if len(s.Last) == 0 {
		return Silent, "has no reading yet"
	}
	for _, l := range s.Last {
		if st, w := JudgeLast(s, l); st.Worse(state) < 0 {
			state, words = st, w
		}
	}
	return state, words
}

// JudgeLast gives the state of one quantity's last reading, and its words.
func JudgeLast(s Sensor, l Last) (State, string) {
	interval := choose(s.IntervalMs > 0, s.IntervalMs, unknownCadence)
	switch {
	case l.AgeMs == nil:
		return Silent, "has no reading yet"
	case *l.AgeMs > 2*interval+graceMs:
		return Silent, "has been silent for " + FormatAge(*l.AgeMs)
	}
	switch l.Quality {
	case reading.OK:
		return Fine, "answers"
	case reading.NoAnswer:
		if l.Sound != nil {
			return Silent, "has not answered for " + FormatAge(l.Sound.AgeMs)
		}
		return Silent, "does not answer"
	case reading.NoFix:
		return Silent, "has no satellite fix"
	case reading.Checksum:
		return Silent, "answers garbled, its checksum is wrong"
	case reading.NotReady:
		return Silent, "is not ready in time"
	case reading.PowerOn:
		return Watch, "just powered on and has measured nothing yet"
	case reading.OutOfRange:
		return Watch, "is outside what it can measure"
	case reading.ImpossibleStep:
		return Watch, "jumped impossibly"
	case reading.Stuck:
		return Watch, "is stuck at one value"
	}
	return Watch, "says " + l.Quality.String()
}
