package thermal

// Outcome is a verdict in a word. Unknown is a state of its own: a history with
// an unmonitored span, or with nothing monitored, and no excursion is Unknown,
// never InRange.
type Outcome string

const (
	InRange   Outcome = "in_range"
	Excursion Outcome = "excursion" // an alarm rule, the MKT rule or a budget is broken
	Unknown   Outcome = "unknown"
)

// Verdict is what a profile says of a history. Its JSON is canonical: the same
// profile, history and engine give the same bytes on every machine. See Digest.
//
// Durations are milliseconds and end in Ms; instants are UTC in Unix
// milliseconds, where one may be absent 0 is. Lists are never nil.
type Verdict struct {
	Engine        string   `json:"engine"`
	Profile       string   `json:"profile"`
	Version       int      `json:"version"`
	ProfileDigest string   `json:"profileDigest"` // of Profile.Digest
	From          int64    `json:"from"`
	To            int64    `json:"to"`
	Outcome       Outcome  `json:"outcome"`
	Severity      Severity `json:"severity,omitempty"` // highest of what is broken, also of a Warning
	// Limits say what came of each rule, in the order of the profile.
	Limits []LimitState `json:"limits"`
	// Excursions are the events of all limits by From and then the order of
	// limits. At most MaxEvents are listed; of more, those that broke a rule
	// before others, then the longest, then the earliest.
	Excursions        []Event       `json:"excursions"`
	ExcursionsOmitted int64         `json:"excursionsOmitted,omitempty"`
	Monitored         int64         `json:"monitoredMs"`
	Unmonitored       int64         `json:"unmonitoredMs"`
	Gaps              []Unmonitored `json:"gaps"` // in order; at most MaxGaps, of more the longest, then the earliest
	GapsOmitted       int64         `json:"gapsOmitted,omitempty"`
	InRange           int64         `json:"inRangeMs"`     // within Profile.Low and High
	OutOfRange        int64         `json:"outOfRangeMs"`  // monitored, and not InRange
	Min               *Temp         `json:"min,omitempty"` // nil when nothing is known
	MinAt             int64         `json:"minAt,omitempty"`
	Max               *Temp         `json:"max,omitempty"`
	MaxAt             int64         `json:"maxAt,omitempty"`
	Mean              *Temp         `json:"mean,omitempty"` // weighted by time; nil when nothing has a duration
	MKT               *MKT          `json:"mkt,omitempty"`  // nil for frozen products, and when nothing has a duration
	Budgets           []BudgetState `json:"budgets"`
	Constants         Constants     `json:"constants"`
}

// Bounds of the lists in a verdict.
const (
	MaxEvents = 200
	MaxGaps   = 200
)

// LimitState is what came of one rule.
type LimitState struct {
	Limit    string   `json:"limit"`
	State    Outcome  `json:"state"` // Excursion when the rule is broken, of any severity
	Severity Severity `json:"severity"`
	Beyond   int64    `json:"beyondMs"`  // all monitored time beyond the limit
	Longest  int64    `json:"longestMs"` // time beyond it of the longest event
	Events   int64    `json:"events"`
	Alarms   int64    `json:"alarms"`            // events by which the rule was broken
	AlarmAt  int64    `json:"alarmAt,omitempty"` // when it was first broken
}

// Event is one span beyond a limit. It is an excursion when its rule does not
// allow it.
type Event struct {
	Limit    string   `json:"limit"`
	Op       Op       `json:"op"`
	At       Temp     `json:"at"`
	Severity Severity `json:"severity"`
	From     int64    `json:"from"`            // crossing, linear between readings
	To       int64    `json:"to"`              // crossing back by the deadband, or where knowledge ends
	Ended    string   `json:"ended"`           // Returned, Lost or Ongoing
	Broken   bool     `json:"broken"`          // the rule does not allow it
	Alarm    int64    `json:"alarm,omitempty"` // since when, if so
	Peak     Temp     `json:"peak"`
	PeakAt   int64    `json:"peakAt"`
	Duration int64    `json:"durationMs"`       // beyond the limit; less than To-From if some time was within the deadband
	Area     float64  `json:"areaKelvinHours"`  // between the curve and the limit, in millionths
	Source   string   `json:"source,omitempty"` // what vouched when it began
}

// Ends of an event.
const (
	Returned = "returned"    // the temperature came back
	Lost     = "unmonitored" // nothing vouches any more; whether it came back is not known
	Ongoing  = "end"         // it goes on at the end of what is judged
)

// MKT is the mean kinetic temperature of all that is monitored, and what the
// profile's rule says of the windows around excursions.
type MKT struct {
	Value     Temp   `json:"value"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Monitored int64  `json:"monitoredMs"`
	Method    string `json:"method"`

	// Of the rule, if there is one.
	Limit    *Temp      `json:"limit,omitempty"`
	Op       Op         `json:"op,omitempty"`
	Window   int64      `json:"windowMs,omitempty"`
	Anchor   string     `json:"anchor,omitempty"`
	Severity Severity   `json:"severity,omitempty"`
	Windows  int64      `json:"windows,omitempty"` // how many were looked at
	Worst    *MKTWindow `json:"worst,omitempty"`   // the warmest, then the earliest of them
	Broken   bool       `json:"broken"`
	BrokenAt int64      `json:"brokenAt,omitempty"` // end of the first window that broke the rule
}

// MKTWindow is the mean kinetic temperature of one window. A rule is judged by
// what of it is monitored.
type MKTWindow struct {
	Value     Temp  `json:"value"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
	Monitored int64 `json:"monitoredMs"`
}

// BudgetState is a stability budget before and after a history.
type BudgetState struct {
	Name     string     `json:"name"`
	Kind     BudgetKind `json:"kind"`
	Allowed  int64      `json:"allowedMs"`
	Before   int64      `json:"spentBeforeMs"`
	Spent    int64      `json:"spentMs"`
	Left     int64      `json:"leftMs"` // negative when overspent
	Broken   bool       `json:"broken"`
	BrokenAt int64      `json:"brokenAt,omitempty"` // when nothing was left; From if that was before
}

// Constants are all numbers that a verdict rests on, besides the profile.
type Constants struct {
	Activation    int64   `json:"activationJPerMol"`
	Gas           float64 `json:"gasConstantJPerMolK"`
	ActivationK   float64 `json:"activationOverGasK"` // K = ΔH/R
	Kelvin        float64 `json:"kelvinOffset"`
	LongestGap    int64   `json:"longestGapMs"`
	MKTGrid       int64   `json:"mktGridMs,omitempty"` // windows begin on multiples of it after From
	Boundary      string  `json:"boundary"`
	Interpolation string  `json:"interpolation"`
	Rounding      string  `json:"rounding"`
}
