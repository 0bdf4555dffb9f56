package fact

// Kinds of things that the duties under the DSCSA are about.
const (
	Statement    Kind = "statement"     // a document of transaction information and statement
	TraceRequest Kind = "trace_request" // of an authority or trading partner
	Suspect      Kind = "suspect"       // product that may be illegitimate, or is
	Discrepancy  Kind = "discrepancy"   // product and data that do not agree: an exception of the PDG
	Verification Kind = "verification"  // of a product identifier
)

// Types of events about these duties. The stream of each is that of the thing.
const (
	StatementWasReceived = "trace.statement_received"
	StatementWasSent     = "trace.statement_sent"
	StatementWasLearned  = "trace.statement_learned"

	TraceWasRequested = "trace.requested"
	TraceWasAnswered  = "trace.answered"
	TraceWasReminded  = "trace.reminded"

	VerificationWasAnswered = "trace.verification_answered"
	VerificationWasAsked    = "trace.verification_asked"
)

// TradeParty is party information in a document, as it is told to trading partners: never of
// a patient.
type TradeParty struct {
	GLN     string `json:"gln"`
	URN     string `json:"urn,omitempty"` // EPC URN, where it is known
	Name    string `json:"name,omitempty"`
	Street  string `json:"street,omitempty"`
	Street2 string `json:"street2,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"state,omitempty"`
	Postal  string `json:"postal,omitempty"`
	Country string `json:"country,omitempty"` // ISO 3166-1 alpha-2
}

// TradeItem is a product as the transaction information describes it.
type TradeItem struct {
	GTIN         string `json:"gtin"`
	URN          string `json:"urn,omitempty"` // EPC pattern of all of its serials, where it is known
	Name         string `json:"name,omitempty"`
	NDC          string `json:"ndc,omitempty"` // with its hyphens
	Manufacturer string `json:"manufacturer,omitempty"`
	DosageForm   string `json:"dosageForm,omitempty"`
	Strength     string `json:"strength,omitempty"`
	Container    string `json:"container,omitempty"` // size: net content
}

// StatementDocument describes a document of transaction information and
// statement (TI and TS), whose bytes the hub keeps.
type StatementDocument struct {
	ID        string `json:"id"`
	SHA256    string `json:"sha256"` // of its bytes, hex
	Bytes     int64  `json:"bytes"`
	Sender    string `json:"sender,omitempty"`
	Receiver  string `json:"receiver,omitempty"`
	Instance  string `json:"instance,omitempty"` // number that the sender gave it
	Guideline string `json:"guideline,omitempty"`
	Affirmed  bool   `json:"affirmed"` // the transaction statement
	// Transaction is when the product changed hands: the first shipping event,
	// UTC, Unix ms. The document is kept for six years from it or from when it was
	// recorded, whichever is later.
	Transaction  int64        `json:"transaction,omitempty"`
	Seller       string       `json:"seller,omitempty"` // GLN
	Buyer        string       `json:"buyer,omitempty"`  // GLN
	Transactions []string     `json:"transactions,omitempty"`
	Events       int          `json:"events"`
	Units        int          `json:"units"` // serialised units that changed hands
	Items        []TradeItem  `json:"items,omitempty"`
	Parties      []TradeParty `json:"parties,omitempty"`
	// Problems are what the DSCSA wants and the document does not say, at most a
	// hundred; MoreProblems beyond them.
	Problems     []StatementProblem `json:"problems,omitempty"`
	MoreProblems int                `json:"moreProblems,omitempty"`
}

// StatementProblem is one thing that a document lacks.
type StatementProblem struct {
	Field   string `json:"field"` // such as "transactionStatement", "lot"
	About   string `json:"about,omitempty"`
	Message string `json:"message"`
}

// StatementReceived: a partner's document came in.
type StatementReceived struct {
	StatementDocument
	Capture string `json:"capture"` // job that captured its events
	Learned int    `json:"learned"` // units that became known by it
	Known   int    `json:"known"`   // units that were known
	// Aside are units that were not taken, by GTIN and reason.
	Aside []UnitsAside `json:"aside,omitempty"`
}

// UnitsAside are units of a document that did not become known.
type UnitsAside struct {
	GTIN    string   `json:"gtin"`
	Why     string   `json:"why"`
	Count   int      `json:"count"`
	Serials []string `json:"serials"` // the first of them, at most 20
}

// StatementLearned: units of a document that had been set aside were looked at
// again, since the catalog has their product now.
type StatementLearned struct {
	ID      string `json:"id"`
	Learned int    `json:"learned"` // units that are known now and had been set aside
	// Aside are all units of the document that are set aside yet, instead of
	// those before.
	Aside []UnitsAside `json:"aside,omitempty"`
}

// StatementSent: a document was made for a trading partner.
type StatementSent struct {
	StatementDocument
	Shipment string `json:"shipment"`
}

// TraceRequested: somebody who may wants to know where product came from and
// went.
type TraceRequested struct {
	ID        string       `json:"id"`
	Requester string       `json:"requester"` // organisation, not a person
	Contact   string       `json:"contact,omitempty"`
	Number    string       `json:"number,omitempty"` // that the requester gave it
	Why       string       `json:"why"`              // recall, suspect, investigation, audit
	About     []TraceAbout `json:"about"`
	Received  int64        `json:"received"` // UTC, Unix ms
	Rule      DeadlineRule `json:"rule"`
	Due       int64        `json:"due"` // UTC, Unix ms; by the rule
}

// TraceAbout is product that a request is about: of a GTIN all, one lot, or one
// serial.
type TraceAbout struct {
	GTIN   string `json:"gtin"`
	Lot    string `json:"lot,omitempty"`
	Serial string `json:"serial,omitempty"`
}

// DeadlineRule is how a deadline follows from when a request was received.
type DeadlineRule string

// TraceAnswered: a package was made and given out.
type TraceAnswered struct {
	ID         string `json:"id"`
	SHA256     string `json:"sha256"` // of the package
	Bytes      int64  `json:"bytes"`
	Statements int    `json:"statements"` // documents in it
	Events     int    `json:"events"`     // EPCIS events in it
	Units      int    `json:"units"`
	Late       bool   `json:"late,omitempty"`
}

// TraceReminded: nobody had answered a request when a share of its time was
// gone.
type TraceReminded struct {
	ID    string `json:"id"`
	Stage string `json:"stage"` // see package dscsa
	Due   int64  `json:"due"`
}

// ProductIdentifier is what is printed on a unit.
type ProductIdentifier struct {
	GTIN   string `json:"gtin"`
	Serial string `json:"serial"`
	Lot    string `json:"lot"`
	Expiry string `json:"expiry"` // YYMMDD
}

// VerificationAnswered: a partner asked whether a product identifier is genuine.
type VerificationAnswered struct {
	ID          string            `json:"id"` // corrUUID, or the hub's own
	Product     ProductIdentifier `json:"product"`
	Requester   string            `json:"requester,omitempty"` // GLN
	Context     string            `json:"context,omitempty"`
	Verified    bool              `json:"verified"`
	Reason      string            `json:"reason,omitempty"`
	Information string            `json:"information,omitempty"`
}

// VerificationAsked: the hub asked another's service. Outcome is "verified",
// "not verified" or "unknown"; that nobody answered is no answer.
type VerificationAsked struct {
	ID          string            `json:"id"` // corrUUID
	Product     ProductIdentifier `json:"product"`
	Resolver    string            `json:"resolver"` // its name in the configuration
	Outcome     string            `json:"outcome"`
	Status      int               `json:"status,omitempty"` // of HTTP
	Responder   string            `json:"responder,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Information string            `json:"information,omitempty"`
	Timestamp   string            `json:"timestamp,omitempty"` // as the responder gave it
	Why         string            `json:"why,omitempty"`       // no answer
}

func init() {
	for _, k := range []Kind{Statement, TraceRequest, Suspect, Discrepancy, Verification} {
		shapes[k] = plainID
	}
	for typ, example := range map[string]any{
		StatementWasReceived: StatementReceived{}, StatementWasSent: StatementSent{}, StatementWasLearned: StatementLearned{},
		TraceWasRequested: TraceRequested{}, TraceWasAnswered: TraceAnswered{}, TraceWasReminded: TraceReminded{},
		VerificationWasAnswered: VerificationAnswered{}, VerificationWasAsked: VerificationAsked{},
	} {
		Register(typ, example)
	}
}
