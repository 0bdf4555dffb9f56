package thermal

// Profile says how a product is to be kept. It is versioned and never edited.
// Its zero value is not valid; see Validate, Named and ParseProfile.
type Profile struct {
	ID      string `json:"id"`
	Version int    `json:"version"` // from 1
	Name    string `json:"name"`
	Source  string `json:"source"` // where the figures were read
	// Low and High bound the labelled range, which includes them. They decide
	// what time counts as out of range; whether that is allowed, Limits decide.
	// Where one is nil, the innermost limit on that side takes its place.
	Low  *Temp `json:"low,omitempty"`
	High *Temp `json:"high,omitempty"`

	Limits     []Limit  `json:"limits"`
	MKT        *MKTRule `json:"mkt,omitempty"`    // nil: not applicable
	Frozen     bool     `json:"frozen,omitempty"` // refuses MKT
	Activation int64    `json:"activation"`       // ΔH, J/mol; 0 means DefaultActivation
	Budgets    []Budget `json:"budgets,omitempty"`

	LongestGap  int64 `json:"longestGap"`            // ms between readings that still count as monitored
	Accuracy    Temp  `json:"accuracy,omitempty"`    // of a sensor, at worst ±; 0: any
	Calibration bool  `json:"calibration,omitempty"` // a valid certificate is required
}

// DefaultActivation is ΔH of USP <1160>, 83.144 kJ/mol.
const DefaultActivation = 83_144

// Limit is an alarm rule: a comparison, and how long it may hold.
//
// The rule is broken at the instant when the time beyond the limit reaches
// Delay: a rule that allows "less than 24 h" has a Delay of 24 h. With a Delay
// of 0 the first instant beyond breaks it, even if it has no length.
//
// An event begins when the limit is crossed. It ends when the temperature has
// come back by Deadband; time spent between is not beyond the limit and is not
// counted, but does not start a Single timer anew either. Where knowledge ends,
// so does the event: what was not seen is never counted, and never taken as a
// return.
type Limit struct {
	Name     string   `json:"name"`
	Op       Op       `json:"op"`
	At       Temp     `json:"at"`
	Timer    Timer    `json:"timer"`
	Delay    int64    `json:"delay"`    // ms beyond the limit that break the rule
	Deadband Temp     `json:"deadband"` // to end an event, the temperature must come back this far
	Severity Severity `json:"severity"`
}

// Op compares a temperature with a limit.
type Op string

const (
	Above     Op = ">"
	AtOrAbove Op = ">="
	Below     Op = "<"
	AtOrBelow Op = "<="
)

// Timer says what a delay counts.
type Timer string

const (
	Single     Timer = "single"     // one event; starts anew on return
	Cumulative Timer = "cumulative" // all time beyond the limit; return does not reset it
)

// Severity of a limit. A broken limit of severity Warning is told and does not
// make a history an Excursion.
type Severity string

const (
	Warning  Severity = "warning"
	Alarm    Severity = "alarm"
	Critical Severity = "critical"
)

// MKTRule bounds the mean kinetic temperature over windows around excursions,
// that is, around spans in which the temperature itself passes Limit. Without
// one the mean kinetic temperature cannot pass it either. It never excuses a
// low temperature or a broken Limit.
type MKTRule struct {
	Limit    Temp     `json:"limit"`
	Op       Op       `json:"op"`                 // that breaks the rule; ">" or ">="
	Window   int64    `json:"window"`             // ms, a multiple of 12 minutes
	Anchor   string   `json:"anchor"`             // AnchorLast or AnchorFollowing
	Severity Severity `json:"severity,omitempty"` // "" is Alarm
}

// Anchors of an MKT window. A window that would begin before the history
// begins with it, and is then as long as the rule says if the history is.
const (
	AnchorLast      = "last"      // it ends with the excursion
	AnchorFollowing = "following" // it begins with the excursion
)

// Budget is time allowed in a band over a unit's whole life, from its
// manufacturer only. Heat and freeze are separate budgets and never netted.
type Budget struct {
	Name    string `json:"name"`
	Above   *Temp  `json:"above,omitempty"`
	Below   *Temp  `json:"below,omitempty"`
	Allowed int64  `json:"allowed"` // ms; more than this breaks it
	Source  string `json:"source"`  // document of the manufacturer
	// Kind is Heat or Freeze; "" is Heat where Above is given and Freeze
	// otherwise. Bands of heat are above Above and at or below Below, those of
	// freeze below Below and at or above Above, so that adjacent bands share no
	// instant and leave none out. A side that is alone is always exclusive.
	Kind BudgetKind `json:"kind,omitempty"`
}

// BudgetKind says what a budget is spent by.
type BudgetKind string

const (
	Heat   BudgetKind = "heat"
	Freeze BudgetKind = "freeze"
)

// Spent is time that was used of a budget before a history begins.
type Spent struct {
	Budget   string `json:"budget"` // its name
	Duration int64  `json:"ms"`
}

// upper reports whether a comparison guards against warmth.
func (o Op) upper() bool { return o == Above || o == AtOrAbove }

// inclusive reports whether the limit itself is beyond.
func (o Op) inclusive() bool { return o == AtOrAbove || o == AtOrBelow }
