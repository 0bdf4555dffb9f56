package fact

import "frostline/proto/thermal"

// VerdictRevised is a verdict about a package, with what made it differ from
// the one before. Earlier ones stay readable in the package's stream.
type VerdictRevised struct {
	Package  string          `json:"package"`
	Profile  string          `json:"profile"`
	Version  int             `json:"version"`  // of the profile
	Revision int             `json:"revision"` // of the verdict by this profile, from 1
	Digest   string          `json:"digest"`   // SHA-256 of the verdict's JSON, hex
	Was      string          `json:"was,omitempty"`
	Cause    Cause           `json:"cause"`
	Verdict  thermal.Verdict `json:"verdict"`
}

// Cause is why a verdict was made anew.
type Cause struct {
	Kind   string `json:"kind"`   // see Causes
	Detail string `json:"detail"` // in words, naming gateway and blocks, scan, or certificate
	// From and To bound the reading times that are touched, Unix ms.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
}

// Causes of a new verdict.
var Causes = []string{"reading", "late reading", "attachment", "anchor", "calibration", "packed", "closed", "profile", "rebuild"}
