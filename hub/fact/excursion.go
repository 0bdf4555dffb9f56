package fact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"

	"frostline/proto/thermal"
)

// Events of an excursion's life. The stream of a case is Ref{Excursion, ID}.
const (
	ExcursionWasOpened       = "excursion.opened"
	ExcursionWasRevised      = "excursion.revised"
	ExcursionWasEscalated    = "excursion.escalated"
	ExcursionWasAcknowledged = "excursion.acknowledged"
	ExcursionIsInvestigated  = "excursion.investigated"
	ExcursionWasAssessed     = "excursion.assessed"
	ExcursionWasProposed     = "excursion.proposed"
	ExcursionWasSigned       = "excursion.signed"
	ExcursionWasApproved     = "excursion.approved"
	ExcursionWasClosed       = "excursion.closed"
	ExcursionWasCommented    = "excursion.commented"
	SignatureWasRefused      = "excursion.signature_refused"
)

func init() {
	for typ, example := range map[string]any{
		ExcursionWasOpened: ExcursionOpened{}, ExcursionWasRevised: ExcursionRevised{}, ExcursionWasEscalated: ExcursionEscalated{},
		ExcursionWasAcknowledged: ExcursionStep{}, ExcursionIsInvestigated: ExcursionStep{}, ExcursionWasAssessed: ExcursionAssessed{}, ExcursionWasProposed: ExcursionProposed{},
		ExcursionWasSigned: ExcursionSigned{}, ExcursionWasApproved: ExcursionSigned{}, ExcursionWasClosed: ExcursionStep{},
		ExcursionWasCommented: ExcursionCommented{}, SignatureWasRefused: SignatureRefused{},
	} {
		Register(typ, example)
	}
}

// Kinds of cases, by what was broken.
const (
	BrokenLimit  = "limit"       // an alarm rule of the profile
	BrokenMKT    = "mkt"         // its rule of mean kinetic temperature
	BrokenBudget = "budget"      // a stability budget
	Unmonitored  = "unmonitored" // nothing vouched for longer than the profile allows
)

// ExcursionFacts is what the data say of a case: a function of one verdict and
// of the attachments of units, with nothing in it that a person decides. Its
// canonical JSON is what signatures bind to.
type ExcursionFacts struct {
	Package  string           `json:"package"`
	Profile  string           `json:"profile"`
	Version  int              `json:"version"`           // of the profile
	Product  string           `json:"product,omitempty"` // whose own figures are added to the profile's
	Kind     string           `json:"kind"`
	Limit    string           `json:"limit"` // name of the limit or budget; "mkt", "unmonitored"
	Op       thermal.Op       `json:"op,omitempty"`
	Bound    *thermal.Temp    `json:"bound,omitempty"` // of the limit or MKT rule
	Severity thermal.Severity `json:"severity"`
	// From and To are UTC, Unix ms, of crossing and return; for a budget, when
	// it was spent and the end of what is judged.
	From     int64         `json:"from"`
	To       int64         `json:"to"`
	Ended    string        `json:"ended"`           // returned, unmonitored, end (goes on, or nothing later is known)
	Alarm    int64         `json:"alarm,omitempty"` // when the rule was broken
	Peak     *thermal.Temp `json:"peak,omitempty"`  // worst temperature; for MKT its value
	PeakAt   int64         `json:"peakAt,omitempty"`
	Duration int64         `json:"durationMs"`
	Area     float64       `json:"areaKelvinHours,omitempty"`
	Allowed  int64         `json:"allowedMs,omitempty"` // of a budget
	Spent    int64         `json:"spentMs,omitempty"`   // of it, over the life of the unit that has spent most
	Why      string        `json:"why,omitempty"`       // nothing vouched
	Source   string        `json:"source,omitempty"`    // what vouched when it began
	// Retracted: the verdict named below holds no such excursion. The other
	// fields then say what was believed last.
	Retracted bool `json:"retracted,omitempty"`
	// Units were in the package at some instant of the span; of a budget, those
	// that have spent it. By id, at most MaxAffected.
	Units []Affected `json:"units"`
	// MoreUnits were in it beyond those listed; a disposition of the package
	// stands for them.
	MoreUnits int `json:"moreUnits,omitempty"`
	// Verdict that these facts were first read from, and its revision. Later
	// verdicts that say the same of this case are not named.
	Verdict  string `json:"verdict"`
	Revision int    `json:"revision"`
}

// Affected is a unit that was in the package during the excursion.
type Affected struct {
	Unit string `json:"unit"`          // "GTIN.SERIAL"
	Lot  string `json:"lot,omitempty"` // "" until the unit's record is known
}

// MaxAffected bounds the units that a case lists one by one.
const MaxAffected = 700

// ExcursionOpened begins a case.
type ExcursionOpened struct {
	ID     string         `json:"id"`
	Facts  ExcursionFacts `json:"facts"`
	Digest string         `json:"digest"` // of Facts
	Place  string         `json:"place"`  // where the package was at From: "compartment/…", or "" when nobody has told
	Cause  Cause          `json:"cause"`
	State  string         `json:"state"`
}

// ExcursionRevised says that the data say something else of a case than before.
type ExcursionRevised struct {
	ID        string         `json:"id"`
	Old       ExcursionFacts `json:"old"` // its units are null where they are those of New
	New       ExcursionFacts `json:"new"`
	OldDigest string         `json:"oldDigest"`
	NewDigest string         `json:"newDigest"`
	Changed   []string       `json:"changed"` // names of fields of the facts, in order
	Place     string         `json:"place"`
	Cause     Cause          `json:"cause"`
	// Effects: raised (severity), lowered, retracted, reinstated, reopened,
	// withdrawn (a proposal no longer stands), unsigned (signatures no longer match).
	Effects  []string `json:"effects"`
	OldState string   `json:"oldState"`
	State    string   `json:"state"`
}

// ExcursionEscalated says that nobody acknowledged a case in time.
type ExcursionEscalated struct {
	ID       string         `json:"id"`
	OldLevel int            `json:"oldLevel"`
	Level    int            `json:"level"`            // that is told now, from 1
	Repeat   int            `json:"repeat,omitempty"` // how often the last level has been told again
	Due      int64          `json:"due"`              // when it should have been acknowledged, Unix ms
	Facts    ExcursionFacts `json:"facts"`
	Place    string         `json:"place"`
}

// ExcursionStep is a step of a person. Why is the event's reason.
type ExcursionStep struct {
	ID       string `json:"id"`
	OldState string `json:"oldState"`
	State    string `json:"state"`
	Outcome  string `json:"outcome,omitempty"` // of closing: disposed, retracted
}

// Assessment is the span of a package's watch that somebody has looked at, and
// what the engine said of it then. It becomes part of what is signed.
type Assessment struct {
	From    int64           `json:"from"` // UTC, Unix ms
	To      int64           `json:"to"`
	Engine  string          `json:"engine"`  // version, as in a verdict
	Verdict string          `json:"verdict"` // digest of the verdict on the span alone
	Outcome thermal.Outcome `json:"outcome"`
	// Monitored, Unmonitored and OutOfRange are durations within the span.
	Monitored   int64         `json:"monitoredMs"`
	Unmonitored int64         `json:"unmonitoredMs"`
	OutOfRange  int64         `json:"outOfRangeMs"`
	Min         *thermal.Temp `json:"min,omitempty"` // nil when nothing is known
	Max         *thermal.Temp `json:"max,omitempty"`
	Mean        *thermal.Temp `json:"mean,omitempty"`
	MKT         *thermal.Temp `json:"mkt,omitempty"`
}

// ExcursionAssessed sets the span that a case is assessed by. Why is the event's
// reason.
type ExcursionAssessed struct {
	ID  string      `json:"id"`
	Old *Assessment `json:"old,omitempty"` // that this replaces
	New Assessment  `json:"new"`
}

// Decisions that can be taken about a unit.
var Decisions = []string{"release", "quarantine", "reject", "return"}

// Disposition is what is decided about one unit, or about the package where no
// unit is known to have been in it.
type Disposition struct {
	Unit     string `json:"unit,omitempty"`
	Lot      string `json:"lot,omitempty"`
	Package  string `json:"package,omitempty"`
	Decision string `json:"decision"`
}

// ExcursionProposed proposes a disposition for each affected unit.
type ExcursionProposed struct {
	ID           string        `json:"id"`
	OldState     string        `json:"oldState"`
	State        string        `json:"state"`
	Old          []Disposition `json:"old"` // that this replaces
	Dispositions []Disposition `json:"dispositions"`
	Digest       string        `json:"digest"` // of the facts it rests on
}

// Signature is an electronic signature. Content is the SHA-256 of the canonical
// JSON of what was signed (facts, with the verdict's digest, and dispositions);
// Record that of this signature without Record itself, so that neither can be
// moved to another record unnoticed.
type Signature struct {
	Case    string `json:"case"`
	Person  string `json:"person"`
	Name    string `json:"name"` // printed
	Meaning string `json:"meaning"`
	At      int64  `json:"at"` // hub's clock, UTC, Unix ms
	Comment string `json:"comment,omitempty"`
	Content string `json:"content"`
	Record  string `json:"record,omitempty"`
}

// ExcursionSigned adds a signature.
type ExcursionSigned struct {
	ID        string    `json:"id"`
	OldState  string    `json:"oldState"`
	State     string    `json:"state"`
	Signature Signature `json:"signature"`
}

// ExcursionCommented adds words and references to documents.
type ExcursionCommented struct {
	ID          string       `json:"id"`
	Text        string       `json:"text"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Attachment is a reference to a document.
type Attachment struct {
	Name   string `json:"name"`
	Where  string `json:"where"`          // it is kept; DocumentKept for the hub itself
	SHA256 string `json:"sha256"`         // hex
	Size   int64  `json:"size,omitempty"` // bytes, of what the hub keeps
}

// DocumentKept is where a document is that the hub keeps itself, by its SHA-256.
const DocumentKept = "hub"

// SignatureRefused says that somebody tried to sign and could not.
type SignatureRefused struct {
	ID   string `json:"id"`
	Step string `json:"step"`
	Why  string `json:"why"` // reauthentication, role, same person
}

// Digest is the SHA-256, hex, of the canonical JSON (RFC 8785) of v.
func Digest(v any) (string, error) {
	b, err := json.Marshal(v)
	if err == nil {
		b, err = jcs.Transform(b)
	}
	if err != nil {
		return "", fmt.Errorf("digest of %T: %w", v, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
