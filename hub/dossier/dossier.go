package dossier

import (
	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Shipment is a delivery and its packages. Instants are UTC in Unix
// milliseconds, 0 for none.
type Shipment struct {
	ID       string    `json:"id"`
	Order    string    `json:"order,omitempty"`
	From     string    `json:"from,omitempty"` // site
	To       string    `json:"to,omitempty"`   // site; empty for a patient's home
	Carrier  string    `json:"carrier,omitempty"`
	Status   string    `json:"status"`
	ETA      int64     `json:"eta,omitempty"`
	Packages []Package `json:"packages"` // by id
	AsOf     AsOf      `json:"asOf"`
}

// AsOf is the event up to which a dossier knows everything.
type AsOf struct {
	Position int64 `json:"position"`
	At       int64 `json:"at"` // when it was recorded
}

// Package is what happened to one package.
type Package struct {
	ID          string       `json:"id"`
	Shipment    string       `json:"shipment,omitempty"`
	Order       string       `json:"order,omitempty"` // of the shipment
	Packed      int64        `json:"packed"`
	Closed      int64        `json:"closed,omitempty"` // 0 while it is watched
	How         string       `json:"how,omitempty"`    // it was closed
	Units       []Unit       `json:"units"`            // by id
	Judgements  []Judgement  `json:"judgements"`
	Revisions   []Revision   `json:"revisions"`   // of verdicts, oldest first
	Attachments []Attachment `json:"attachments"` // where it was, in order
	Custody     []Custody    `json:"custody"`     // who had it, in order
	Cases       []Case       `json:"cases"`       // by beginning
}

// Unit is a saleable unit that was in the package.
type Unit struct {
	ID      string `json:"id"`
	Product string `json:"product"`
	Lot     string `json:"lot"`
	Expiry  string `json:"expiry"`
	// Budgets over the unit's life, all packages together.
	Budgets []thermal.BudgetState `json:"budgets,omitempty"`
	// Unmonitored is time of that life in which nobody knows what was spent, ms.
	Unmonitored int64 `json:"unmonitoredMs,omitempty"`
}

// Judgement is what one profile says of the package.
type Judgement struct {
	Profile thermal.Profile `json:"profile"`
	Product string          `json:"product,omitempty"` // whose own figures were added
	Verdict thermal.Verdict `json:"verdict"`
	Digest  string          `json:"digest"`
	Chart   Chart           `json:"chart"`
	// Dissent names sensors beside those that vouched who saw other limits broken.
	Dissent []join.Dissent `json:"dissent,omitempty"`
	// Unheard is how many more sensors beside those were not looked at, of all
	// judgements of the package together.
	Unheard int `json:"unheard,omitempty"`
}

// Chart is the temperature in columns.
type Chart struct {
	From        int64                 `json:"from"`
	To          int64                 `json:"to"`
	Columns     []Column              `json:"columns"` // those with readings, in order
	Width       int64                 `json:"width"`   // of a column, ms
	Unmonitored []thermal.Unmonitored `json:"unmonitored"`
}

// Column is what was measured in one span of a chart.
type Column struct {
	At   int64        `json:"at"` // its beginning
	Min  thermal.Temp `json:"min"`
	Max  thermal.Temp `json:"max"`
	Mean thermal.Temp `json:"mean"`
}

// Revision is one verdict in the order in which they were made.
type Revision struct {
	At       int64           `json:"at"`
	Profile  string          `json:"profile"`
	Version  int             `json:"version"`
	Revision int             `json:"revision"`
	Outcome  thermal.Outcome `json:"outcome"`
	Digest   string          `json:"digest"`
	Cause    fact.Cause      `json:"cause"`
}

// Attachment is a span in which the package was somewhere.
type Attachment struct {
	From      int64  `json:"from"`
	To        int64  `json:"to,omitempty"` // 0 for open
	In        string `json:"in"`           // "" for nowhere known
	Via       string `json:"via,omitempty"`
	Statement string `json:"statement,omitempty"`
	Corrected bool   `json:"corrected,omitempty"` // it took the place of an earlier statement
}

// Custody is a hand-over that holds.
type Custody struct {
	At          int64          `json:"at"`
	From        string         `json:"from,omitempty"`
	To          string         `json:"to"`
	Role        string         `json:"role"`
	Seal        string         `json:"seal"`
	Temperature *thermal.Temp  `json:"temperature,omitempty"`
	Position    *fact.Position `json:"position,omitempty"`
	NoPosition  string         `json:"noPosition,omitempty"`
	Flags       []string       `json:"flags,omitempty"` // what does not fit, in words
}

// Case is an excursion or an unmonitored span that people deal with.
type Case struct {
	ID    string              `json:"id"`
	State string              `json:"state"`
	Facts fact.ExcursionFacts `json:"facts"`
	// Live is how an excursion that goes on stands by all that is known now; the
	// facts are of when it was last recorded. nil where that is not looked up.
	Live   *thermal.Event `json:"live,omitempty"`
	Digest string         `json:"digest"`
	Place  string         `json:"place,omitempty"`
	Steps  []Step         `json:"steps"` // in order
	// Assessment is the span that somebody has assessed; nil for none in force.
	Assessment   *fact.Assessment   `json:"assessment,omitempty"`
	Dispositions []fact.Disposition `json:"dispositions"`
	Signatures   []Signature        `json:"signatures"`
}

// Step is one thing that was done about a case.
type Step struct {
	At    int64  `json:"at"`
	Actor string `json:"actor"`
	What  string `json:"what"`
	Why   string `json:"why,omitempty"`
	// Documents that came with a comment, or that it refers to.
	Documents []fact.Attachment `json:"documents,omitempty"`
}

// Signature is an electronic signature, and whether it still binds.
type Signature struct {
	fact.Signature
	Valid  bool   `json:"valid"`
	Detail string `json:"detail,omitempty"` // why not
}

// Worst is the outcome of the package in a word: an excursion by any profile,
// else unknown by any, else in range; unknown where nothing was judged.
func (p *Package) Worst() thermal.Outcome {
	worst := thermal.Outcome("")
	for _, j := range p.Judgements {
		switch {
		case j.Verdict.Outcome == thermal.Excursion:
			return thermal.Excursion
		case j.Verdict.Outcome == thermal.Unknown || worst == "":
			worst = j.Verdict.Outcome
		}
	}
	if worst == "" {
		return thermal.Unknown
	}
	return worst
}

// Line is a package in a list.
type Line struct {
	ID       string `json:"id"`
	Shipment string `json:"shipment,omitempty"`
	Status   string `json:"status,omitempty"` // of the shipment
	Place    string `json:"place,omitempty"`  // where it is, "" for nowhere known
	Closed   int64  `json:"closed,omitempty"`
	// Now is its state at this moment, and Since when; after it was closed, at
	// the end. OutOfRange is not a verdict: the rules may allow it for a time.
	Now         State         `json:"now"`
	Since       int64         `json:"since,omitempty"`
	Temperature *thermal.Temp `json:"temperature,omitempty"` // the newest that vouches
	At          int64         `json:"at,omitempty"`          // when it was taken
	Source      string        `json:"source,omitempty"`      // by which sensor
	Until       int64         `json:"until,omitempty"`       // when Now becomes unknown, unless there is another reading
	Why         string        `json:"why,omitempty"`         // Now is unknown
	// Ahead is an estimate of the time to a limit, in words, or why there is
	// none; of a line by itself only. It holds until AheadUntil, unless there is
	// another reading.
	Ahead      string `json:"ahead,omitempty"`
	AheadUntil int64  `json:"aheadUntil,omitempty"`
	// Outcome of the verdicts so far: the worst of all profiles.
	Outcome thermal.Outcome `json:"outcome"`
	Open    int             `json:"open"` // cases that are not closed
}

// State is a live state.
type State string

const (
	NowInRange    State = "in_range"
	NowOutOfRange State = "out_of_range"
	NowUnknown    State = "unknown"
)

// Word is a state as people read it.
func (s State) Word() string {
	switch s {
	case NowInRange:
		return "in range"
	case NowOutOfRange:
		return "out of range"
	}
	return "unknown"
}

// CaseLine is a case in a list.
type CaseLine struct {
	Case
	Package string `json:"package"`
	// Due is until when somebody has to acknowledge it, 0 where nobody is waited
	// for, and Overdue that it has passed.
	Due       int64 `json:"due,omitempty"`
	Overdue   bool  `json:"overdue,omitempty"`
	Changed   int64 `json:"changed"` // when the last event of it was recorded
	Comments  int   `json:"comments"`
	Documents int   `json:"documents"`
}
