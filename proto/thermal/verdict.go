package thermal

// Outcome is a verdict in a word. Unknown is a state of its own: a history with
// an unmonitored span and no excursion is Unknown, never InRange.
type Outcome string

const (
	InRange   Outcome = "in_range"
	Excursion Outcome = "excursion" // an alarm rule, the MKT rule or a budget is broken
	Unknown   Outcome = "unknown"
)

// Verdict is what a profile says of a history. Its JSON is canonical: the same
// profile and history give the same bytes on every machine.
type Verdict struct {
	Engine      string        `json:"engine"`
	Profile     string        `json:"profile"`
	Version     int           `json:"version"`
	From        int64         `json:"from"`
	To          int64         `json:"to"`
	Outcome     Outcome       `json:"outcome"`
	Severity    Severity      `json:"severity,omitempty"` // highest of the excursions
	Excursions  []Event       `json:"excursions"`
	Monitored   int64         `json:"monitoredMs"`
	Unmonitored int64         `json:"unmonitoredMs"`
	Gaps        []Unmonitored `json:"gaps"`
	InRange     int64         `json:"inRangeMs"`
	OutOfRange  int64         `json:"outOfRangeMs"`
	Min         *Temp         `json:"min,omitempty"` // nil when nothing was monitored
	MinAt       int64         `json:"minAt,omitempty"`
	Max         *Temp         `json:"max,omitempty"`
	MaxAt       int64         `json:"maxAt,omitempty"`
	Mean        *Temp         `json:"mean,omitempty"` // weighted by time
	MKT         *MKT          `json:"mkt,omitempty"`
	Budgets     []BudgetState `json:"budgets"`
	Constants   Constants     `json:"constants"`
}

// Event is one excursion: a span beyond a limit that its rule does not allow.
// Spans beyond a limit that the rule does allow are Events with Alarm 0.
type Event struct {
	Limit    string   `json:"limit"`
	Op       Op       `json:"op"`
	At       Temp     `json:"at"`
	Severity Severity `json:"severity"`
	From     int64    `json:"from"`            // crossing, linear between readings
	To       int64    `json:"to"`              // crossing back, or where knowledge ends
	Ended    string   `json:"ended"`           // returned, unmonitored, end
	Alarm    int64    `json:"alarm,omitempty"` // when the rule was broken; 0: allowed
	Peak     Temp     `json:"peak"`
	PeakAt   int64    `json:"peakAt"`
	Duration int64    `json:"durationMs"`
	Area     float64  `json:"areaKelvinHours"` // between the curve and the limit
}

// MKT is a mean kinetic temperature with what it was worked out by.
type MKT struct {
	Value  Temp   `json:"value"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Limit  *Temp  `json:"limit,omitempty"`
	Broken bool   `json:"broken"`
	Method string `json:"method"`
}

// BudgetState is a stability budget before and after a history.
type BudgetState struct {
	Name     string `json:"name"`
	Allowed  int64  `json:"allowedMs"`
	Before   int64  `json:"spentBeforeMs"`
	Spent    int64  `json:"spentMs"`
	Left     int64  `json:"leftMs"` // negative when overspent
	Broken   bool   `json:"broken"`
	BrokenAt int64  `json:"brokenAt,omitempty"`
}

// Constants are all numbers that a verdict rests on.
type Constants struct {
	Activation    int64   `json:"activationJPerMol"`
	Gas           float64 `json:"gasConstantJPerMolK"`
	Kelvin        float64 `json:"kelvinOffset"`
	LongestGap    int64   `json:"longestGapMs"`
	Boundary      string  `json:"boundary"`
	Interpolation string  `json:"interpolation"`
}
