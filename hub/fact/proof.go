package fact

import (
	"fmt"
	"net/url"
	"regexp"

	"frostline/proto/thermal"
)

// Types of events about proofs of delivery, in the stream "shipment/ID".
const (
	ProofWasGiven   = "custody.proof_given"
	ProofWasRefused = "custody.proof_refused"
)

// ProofGiven proves that a shipment was handed over at its stop: what was
// scanned, by whose side it was taken, how it was found. It names nobody.
type ProofGiven struct {
	ID          string   `json:"id"`
	Route       string   `json:"route"`
	Stop        string   `json:"stop"`
	Job         string   `json:"job"`
	Shipment    string   `json:"shipment"`
	At          int64    `json:"at"`
	Uncertainty int64    `json:"uncertainty,omitempty"` // ms
	Packages    []string `json:"packages"`              // scanned, in order: all that are in the shipment
	From        string   `json:"from"`                  // party of the courier
	To          string   `json:"to"`                    // party id, or a patient's token
	Role        string   `json:"role"`                  // of To: see Roles
	Seal        string   `json:"seal"`                  // see Seals
	// Temperature is nil where none was read, and NoTemperature then says why.
	Temperature   *thermal.Temp `json:"temperature,omitempty"`
	NoTemperature string        `json:"noTemperature,omitempty"`
	// Position is told of a stop at a site. Of one at a place the distance from it
	// is told, as Distance ± Accuracy, in mm: where somebody lives is in no event.
	Position   *Position `json:"position,omitempty"`
	Distance   *int64    `json:"distance,omitempty"`
	Accuracy   int64     `json:"accuracy,omitempty"`
	NoPosition string    `json:"noPosition,omitempty"` // why neither is there
	Marks      []Mark    `json:"marks"`
	Second     string    `json:"second,omitempty"` // token of the second person
	Identity   *Identity `json:"identity,omitempty"`
	Flags      []string  `json:"flags,omitempty"` // what a person should look at, in words
}

// Mark refers to a signature or photo. What it shows is not kept here.
type Mark struct {
	Kind   string `json:"kind"`             // see Marks
	Where  string `json:"where,omitempty"`  // an address that says nothing of a person
	SHA256 string `json:"sha256,omitempty"` // of the file, hex
}

// Identity is the result of a check of who took it, never what a document says.
type Identity struct {
	Kind   string `json:"kind"`   // see IdentityKinds
	Result string `json:"result"` // matched or not_matched
}

// Kinds of marks, and of documents by which an identity was checked.
var (
	Marks         = []string{"signature", "photo"}
	IdentityKinds = []string{"passport", "id_card", "driving_licence", "wristband", "pin", "known_person", "other"}
)

// ProofRefused: what was scanned, or who was met, was not what the stop is for.
type ProofRefused struct {
	ID       string   `json:"id"`
	Route    string   `json:"route"`
	Stop     string   `json:"stop"`
	Job      string   `json:"job"`
	Shipment string   `json:"shipment"`
	At       int64    `json:"at"`
	Why      string   `json:"why"`                // see Refusals
	Packages []string `json:"packages,omitempty"` // that do not belong to the shipment, as far as they are known
}

// Refusals of a proof that are written down.
var Refusals = []string{"other_package", "other_recipient", "identity_not_matched", "held"}

var digest256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Check fails for a mark that refers to nothing, or whose address carries more
// than a reference.
func (m Mark) Check() error {
	if !oneOf(m.Kind, Marks) {
		return fmt.Errorf("kind %q: want one of %v", m.Kind, Marks)
	}
	if m.Where == "" && m.SHA256 == "" {
		return fmt.Errorf("where: give an address, or the file's sha256")
	}
	if m.SHA256 != "" && !digest256.MatchString(m.SHA256) {
		return fmt.Errorf("sha256 %q: want 64 hexadecimal digits, small", m.SHA256)
	}
	if m.Where != "" {
		u, err := url.Parse(m.Where)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(m.Where) > 300 {
			return fmt.Errorf("where: want an address as https://HOST/PATH of at most 300 bytes, without user, query and fragment")
		}
		if err := CheckNote("where", u.Path); err != nil {
			return err
		}
	}
	return nil
}

// Check fails for a check of no known kind or result.
func (i Identity) Check() error {
	if !oneOf(i.Kind, IdentityKinds) {
		return fmt.Errorf("kind %q: want one of %v", i.Kind, IdentityKinds)
	}
	if i.Result != "matched" && i.Result != "not_matched" {
		return fmt.Errorf("result %q: want matched or not_matched", i.Result)
	}
	return nil
}

func init() {
	Register(ProofWasGiven, ProofGiven{})
	Register(ProofWasRefused, ProofRefused{})
}
