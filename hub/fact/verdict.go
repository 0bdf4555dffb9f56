package fact

import "frostline/proto/thermal"

// VerdictRevised is a verdict about a package, with what made it differ from
// the one before. Earlier ones stay readable in the package's stream. A package
// has a verdict by each profile of its units' products, and one of its own for
// each product that has budgets or an activation energy of its own.
type VerdictRevised struct {
	Package  string          `json:"package"`
	Profile  string          `json:"profile"`
	Version  int             `json:"version"`           // of the profile
	Product  string          `json:"product,omitempty"` // whose own figures are added to the profile's
	Revision int             `json:"revision"`          // of the verdict by this profile and product, from 1
	Digest   string          `json:"digest"`            // SHA-256 of the verdict's canonical JSON, hex
	Was      string          `json:"was,omitempty"`     // digest of the revision before
	Closed   bool            `json:"closed,omitempty"`  // the watch over the package has ended
	Cause    Cause           `json:"cause"`
	Verdict  thermal.Verdict `json:"verdict"`
	Units    []UnitBudget    `json:"units,omitempty"` // of this profile and product, by id; those that have budgets
	// Dropped: the package is not judged by this profile any more. Verdict is
	// the last that was.
	Dropped bool `json:"dropped,omitempty"`
}

// UnitBudget is what a unit has spent of its stability budgets over its life
// until the end of a verdict.
type UnitBudget struct {
	Unit        string                `json:"unit"`
	From        int64                 `json:"from"` // first instant that is judged, Unix ms
	To          int64                 `json:"to"`
	Unmonitored int64                 `json:"unmonitoredMs"` // also while it was in no package
	Budgets     []thermal.BudgetState `json:"budgets"`
	// Ignored names what earlier custodians say was spent of budgets that the
	// profile and product do not have.
	Ignored []string `json:"ignored,omitempty"`
}

// Cause is why a verdict was made anew.
type Cause struct {
	Kind   string `json:"kind"`   // see Causes
	Detail string `json:"detail"` // in words, naming gateway and blocks, scan, or certificate
	// From and To bound the reading times that are touched, Unix ms.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
}

// Causes of a new verdict. Evidence is none of something that happened: what
// had changed too little to be worth telling is told, so that the verdict is
// exactly what follows from the evidence that is about to be handed out.
var Causes = []string{"reading", "late reading", "silence", "attachment", "anchor", "calibration", "packed", "closed", "profile", "rebuild", "evidence"}
