package thermal

// Profile says how a product is to be kept. It is versioned and never edited.
type Profile struct {
	ID      string `json:"id"`
	Version int    `json:"version"` // from 1
	Name    string `json:"name"`
	Source  string `json:"source"` // where the figures were read
	// Low and High bound the labelled range; a temperature is in range when no
	// limit with this value is passed. They are for charts and words: Limits decide.
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
type Limit struct {
	Name     string   `json:"name"`
	Op       Op       `json:"op"`
	At       Temp     `json:"at"`
	Timer    Timer    `json:"timer"`
	Delay    int64    `json:"delay"`    // ms
	Deadband Temp     `json:"deadband"` // to clear, the temperature must come back this far
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

// Severity of a limit.
type Severity string

const (
	Warning  Severity = "warning"
	Alarm    Severity = "alarm"
	Critical Severity = "critical"
)

// MKTRule bounds the mean kinetic temperature over a window.
type MKTRule struct {
	Limit  Temp   `json:"limit"`
	Op     Op     `json:"op"`     // that breaks the rule; default ">"
	Window int64  `json:"window"` // ms
	Anchor string `json:"anchor"` // "last": the window ends with the excursion, "following": it begins with it
}

// Budget is time allowed in a band over a unit's whole life, from its
// manufacturer only. Heat and freeze are separate budgets.
type Budget struct {
	Name    string `json:"name"`
	Above   *Temp  `json:"above,omitempty"` // the band, open at the limits
	Below   *Temp  `json:"below,omitempty"`
	Allowed int64  `json:"allowed"` // ms
	Source  string `json:"source"`
}
