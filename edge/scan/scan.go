// Package scan takes the codes that people scan or type at the gateway, with a
// network or without: a package goes into a compartment, comes out of it, or is
// handed over.
//
// # A scan is a statement
//
// It says what is so from its tick on. It goes onto disk and into the chain
// before Scan says yes, and reaches the hub with the chain, on the lane of alarms
// and with the boottime at which it was done; when that was in UTC the anchors of
// the chain say, also later. A mistake is corrected by another scan that names
// it, never by taking something away. A scan has an id: told twice, after a power
// cut or by a page that heard no answer, it is one.
//
// # What is aboard
//
// Statements that hold come to a list of what is in which compartment, which
// Aboard gives and a guard goes by. The list is a function of the scans and is on
// disk, so that it is there after a restart without a network.
package scan

import (
	"fmt"

	"frostline/proto/thermal"
)

// Action is what a scan says of a package. Its number is that of the wire.
type Action uint32

// Actions.
const (
	Attach   Action = 1 // it is in Request.Target from now on
	Detach   Action = 2 // it is in nothing that is known, from now on
	HandOver Action = 3 // Request.To has it from now on
)

var actionWords = map[Action]string{Attach: "attach", Detach: "detach", HandOver: "handover"}

// String gives "attach", "detach" or "handover".
func (a Action) String() string { return actionWords[a] }

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(actionWords[a]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Action) UnmarshalText(b []byte) error {
	for k, w := range actionWords {
		if w == string(b) {
			*a = k
			return nil
		}
	}
	return fmt.Errorf("action %.20q: want attach, detach or handover", b)
}

// Kind is what a code was taken for. Its number is that of the wire.
type Kind uint32

// Kinds of codes.
const (
	Label Kind = 1 // of no standard: the text itself names the package
	SSCC  Kind = 2 // of a package
	Unit  Kind = 3 // GTIN and serial number of one saleable unit
)

var kindWords = map[Kind]string{Label: "label", SSCC: "sscc", Unit: "unit"}

// String gives "label", "sscc" or "unit".
func (k Kind) String() string { return kindWords[k] }

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(kindWords[k]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Kind) UnmarshalText(b []byte) error {
	for x, w := range kindWords {
		if w == string(b) {
			*k = x
			return nil
		}
	}
	return fmt.Errorf("kind %.20q: want label, sscc or unit", b)
}

// Subject is what a code names.
type Subject struct {
	Kind  Kind   `json:"kind"`
	Value string `json:"value"` // the label, an SSCC's 18 digits, or GTIN14.SERIAL
}

// Seals are the states that a seal is found in; the index is the wire's number.
var Seals = []string{"not_checked", "intact", "broken", "absent"}

// Roles that who takes a package can have.
var Roles = []string{"pharmacy", "manufacturer", "wholesaler", "3pl", "courier", "patient", "clinic"}

// Request is a scan to be taken.
type Request struct {
	// ID makes the scan one however often it is sent: 8 to 40 letters, digits
	// and '-', drawn at random by who asks. Empty: Scan draws one.
	ID     string `json:"id,omitempty"`
	Code   string `json:"code"` // as it was scanned or typed, at most MaxCode bytes
	Action Action `json:"action,omitempty"`
	// Target is what a package is attached to: KIND/ID of a compartment, zone or
	// tote, or a compartment's id alone; of a unit, package/ID. A hand-over may
	// have one: it goes there as it is taken.
	Target string `json:"target,omitempty"`
	From   string `json:"from,omitempty"` // who gives, a party's id; empty of the first custodian
	To     string `json:"to,omitempty"`   // who takes, a party's id or a patient's token
	Role   string `json:"role,omitempty"` // of To, one of Roles
	// Leaves, of a hand-over: it comes out of what it is in. With a Target
	// instead it goes into that; else it stays where it is.
	Leaves bool   `json:"leaves,omitempty"`
	Seal   string `json:"seal,omitempty"` // one of Seals; empty: not_checked
	// By is an opaque token of who scanned; empty where nobody said.
	By string `json:"by,omitempty"`
	// Corrects is the id of an earlier scan of the same thing, which this one
	// replaces; with Withdrawn that one was a mistake and nothing replaces it. Of
	// a withdrawal Code and Action may be left out.
	Corrects  string `json:"corrects,omitempty"`
	Withdrawn bool   `json:"withdrawn,omitempty"`
}

// MaxCode bounds a code, in bytes.
const MaxCode = 512

// State is how far a scan has come.
type State string

// States of a scan.
const (
	Waiting   State = "waiting"   // on disk here, and not yet in the chain
	Kept      State = "kept"      // in the chain, on disk
	Committed State = "committed" // the hub has it
)

// Scan is a scan that was taken.
type Scan struct {
	Request
	Subject     Subject   `json:"subject"`
	Boottime    int64     `json:"boottime_ms"`           // when it was done, of the boot BootID
	BootID      string    `json:"boot_id"`               // the kernel's
	Temperature *Measured `json:"temperature,omitempty"` // beside the package
	Position    *Fix      `json:"position,omitempty"`
	NoPosition  string    `json:"no_position,omitempty"` // why there is none
}

// Measured is a temperature and what it was measured by.
type Measured struct {
	Value    thermal.Temp `json:"value"` // milli-degrees Celsius; in JSON, degrees
	Sensor   string       `json:"sensor"`
	Boottime int64        `json:"boottime_ms"` // of the reading
}

// Fix is where a receiver was.
type Fix struct {
	Latitude  int64  `json:"latitude_e7"`  // 1e-7 degrees, north positive
	Longitude int64  `json:"longitude_e7"` // 1e-7 degrees, east positive
	Accuracy  int64  `json:"accuracy_mm"`  // horizontal
	Sensor    string `json:"sensor"`
	Boottime  int64  `json:"boottime_ms"` // of the reading
}

// Entry is a Scan as it stands now.
type Entry struct {
	Scan
	State State `json:"state"`
	// UTC of the scan and its uncertainty, ms; UTC is nil until anchors date it.
	UTC         *int64 `json:"utc_ms"`
	Uncertainty int64  `json:"uncertainty_ms,omitempty"`
	// Replaced: another scan has corrected or withdrawn it.
	Replaced bool `json:"replaced,omitempty"`
}

// Aboard is a package that is in something.
type Aboard struct {
	Subject Subject `json:"subject"`
	Target  string  `json:"target"` // KIND/ID
	Scan    string  `json:"scan"`   // id of the scan that says so
	// UTC of that scan; nil until anchors date it.
	UTC *int64 `json:"utc_ms"`
}

// Result is what became of a request.
type Result struct {
	Entry
	Repeated bool // a scan of that id had been taken already: this is it
	// Watched says that the gateway now watches the package, by its own profile
	// or by its compartment's.
	Watched bool
}

// Codes of what can be wrong with a request, for a page that speaks other
// languages.
const (
	CodeEmpty      = "empty"       // there is no code
	CodeTooLong    = "too-long"    // it is longer than MaxCode
	CodeText       = "text"        // it has control or broken characters
	CodeCheckDigit = "check-digit" // its check digit is wrong: scan again
	CodeStandard   = "standard"    // it is of a standard and breaks it: scan again
	CodeUnit       = "unit"        // it names a unit, where a package is wanted
	CodeProduct    = "product"     // it names a product without a serial number
	BadAction      = "action"      //
	BadTarget      = "target"      //
	BadParty       = "party"       // From or To
	BadPatient     = "patient"     // To is no opaque token
	BadRole        = "role"        //
	BadSeal        = "seal"        //
	BadToken       = "token"       // By
	BadID          = "id"          //
	BadCorrection  = "corrects"    // no such scan, or of another thing
	ReusedID       = "reused"      // the id was given to another scan
	NotKept        = "not-kept"    // neither disk nor chain took it: scan again
)

// Problem is the error about a request that was not taken: nothing has changed.
type Problem struct {
	Code  string // one of the codes
	Field string // of Request, in the words of its JSON
	Why   string // with what to do
	Err   error  // cause; may be nil
}

// Error gives field and reason.
func (p *Problem) Error() string { return "scan: " + p.Field + ": " + p.Why }

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }
