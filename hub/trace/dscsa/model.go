package dscsa

import (
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// TradeStatement is a document that came in or went out.
type TradeStatement struct {
	fact.StatementDocument
	Sent     bool              `json:"sent,omitempty"`
	Shipment string            `json:"shipment,omitempty"` // of one that was sent
	Capture  string            `json:"capture,omitempty"`  // of one that was received
	Learned  int               `json:"learned,omitempty"`
	Known    int               `json:"known,omitempty"`
	Aside    []fact.UnitsAside `json:"aside,omitempty"`
	Keep     int64             `json:"keep"` // until when at least, UTC, Unix ms
	record.Changed
}

// TraceRequest is a trace request.
type TraceRequest struct {
	fact.TraceRequested
	Answer   *fact.TraceAnswered `json:"answer,omitempty"`
	Answered int64               `json:"answered,omitempty"` // hub's clock, Unix ms
	Stage    string              `json:"stage,omitempty"`    // that somebody was reminded at last
	State    string              `json:"state"`              // open, answered; overdue is shown by the clock
	record.Changed
}

// States of suspect product.
const (
	Proposed     = "proposed"
	Dismissed    = "dismissed"
	Suspected    = "suspect"
	Cleared      = "cleared"
	Illegitimate = "illegitimate"
	Terminated   = "terminated"
)

// Suspicion is product that may be illegitimate, or is.
type Suspicion struct {
	ID             string            `json:"id"`
	State          string            `json:"state"`
	Units          []string          `json:"units"`
	Package        string            `json:"package,omitempty"`
	Excursion      string            `json:"excursion,omitempty"`
	Cause          string            `json:"cause"`
	Determined     int64             `json:"determined,omitempty"` // illegitimate, Unix ms
	Due            int64             `json:"due,omitempty"`
	Classification string            `json:"classification,omitempty"`
	Partners       []string          `json:"partners,omitempty"`
	Told           []PartnerTold     `json:"told,omitempty"`
	Incident       string            `json:"incident,omitempty"`
	Items          map[string]string `json:"items,omitempty"` // of the form, by number
	Stage          string            `json:"stage,omitempty"`
	record.Changed
}

// PartnerTold says that FDA or a partner was told of illegitimate product.
type PartnerTold struct {
	To  string `json:"to"`
	At  int64  `json:"at"`
	How string `json:"how"`
}

// Discrepancy is a case of product and data that do not agree.
type Discrepancy struct {
	ID       string             `json:"id"`
	Inbound  bool               `json:"inbound,omitempty"`
	Document string             `json:"document,omitempty"`
	Resolved bool               `json:"resolved"`
	Items    int                `json:"items"`
	Messages []ExceptionMessage `json:"messages"`
	record.Changed
}

// ExceptionMessage is a report or response, as it was sent.
type ExceptionMessage struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"` // report, response
	Inbound  bool   `json:"inbound,omitempty"`
	At       int64  `json:"at"` // hub's clock
	Accepted int    `json:"accepted,omitempty"`
	Rejected int    `json:"rejected,omitempty"`
	Text     []byte `json:"text"`
}

// VerificationRecord is a verification, asked or answered.
type VerificationRecord struct {
	Answered *fact.VerificationAnswered `json:"answered,omitempty"`
	Asked    *fact.VerificationAsked    `json:"asked,omitempty"`
	At       int64                      `json:"at"`
	By       string                     `json:"by"`
}

// Model is the read model behind a Desk.
type Model struct {
	statements    *event.Table[TradeStatement]
	items         *event.Table[fact.TradeItem]
	parties       *event.Table[fact.TradeParty]
	requests      *event.Table[TraceRequest]
	suspicions    *event.Table[Suspicion]
	discrepancies *event.Table[Discrepancy]
	verifications *event.Table[VerificationRecord]
}

// NewModel makes the read model, to be given to the event log before the Desk is
// made of both.
func NewModel() *Model {
	return &Model{
		statements:    event.NewTable("dscsa.statement", event.Schema[TradeStatement]{Version: 2, Fold: foldStatement, Keys: statementKeys}),
		items:         event.NewTable("dscsa.item", event.Schema[fact.TradeItem]{Fold: foldItem}),
		parties:       event.NewTable("dscsa.party", event.Schema[fact.TradeParty]{Fold: foldParty}),
		requests:      event.NewTable("dscsa.request", event.Schema[TraceRequest]{Fold: foldRequest, Keys: requestKeys}),
		suspicions:    event.NewTable("dscsa.suspicion", event.Schema[Suspicion]{Fold: foldSuspicion, Keys: suspicionKeys}),
		discrepancies: event.NewTable("dscsa.discrepancy", event.Schema[Discrepancy]{Fold: foldDiscrepancy, Keys: discrepancyKeys}),
		verifications: event.NewTable("dscsa.verification", event.Schema[VerificationRecord]{Fold: foldVerification}),
	}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model {
	return []event.Model{m.statements, m.items, m.parties, m.requests, m.suspicions, m.discrepancies, m.verifications}
}
