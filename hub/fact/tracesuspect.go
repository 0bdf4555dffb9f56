package fact

// Types of events about product that may be illegitimate. The stream is
// Ref{Suspect, ID}.
const (
	SuspectWasProposed     = "trace.suspect_proposed"
	SuspectWasOpened       = "trace.suspect_opened"
	SuspectWasDismissed    = "trace.suspect_dismissed"
	SuspectWasCleared      = "trace.suspect_cleared"
	SuspectIsIllegitimate  = "trace.suspect_illegitimate"
	SuspectWasDescribed    = "trace.suspect_described"
	SuspectWasNotified     = "trace.suspect_notified"
	SuspectWasTerminated   = "trace.suspect_terminated"
	SuspectHasBeenReminded = "trace.suspect_reminded"
)

// Types of events about product and data that do not agree. The stream is
// Ref{Discrepancy, ID}.
const (
	DiscrepancyWasReported  = "trace.discrepancy_reported"
	DiscrepancyWasResponded = "trace.discrepancy_responded"
)

// SuspectProposed: something suggests that units are suspect; a person decides.
type SuspectProposed struct {
	ID        string   `json:"id"`
	Units     []string `json:"units"` // "GTIN.SERIAL", at most MaxAffected
	Package   string   `json:"package,omitempty"`
	Excursion string   `json:"excursion,omitempty"`
	Cause     string   `json:"cause"`
}

// SuspectOpened: a person has decided that product is suspect. Without a
// proposal it names the product itself.
type SuspectOpened struct {
	ID      string   `json:"id"`
	Units   []string `json:"units"`
	Package string   `json:"package,omitempty"`
	Cause   string   `json:"cause"`
}

// SuspectStep is a decision of a person; the event's reason is why.
type SuspectStep struct {
	ID string `json:"id"`
}

// SuspectIllegitimate is the determination that product is illegitimate, from
// which FDA and trading partners have to be told within 24 hours.
type SuspectIllegitimate struct {
	ID             string `json:"id"`
	At             int64  `json:"at"`             // of the determination, UTC, Unix ms
	Classification string `json:"classification"` // item 5 of Form FDA 3911
	Due            int64  `json:"due"`
	// Partners that have to be told, by GLN: those from whom it came and to whom
	// it went.
	Partners []string `json:"partners,omitempty"`
}

// SuspectDescribed sets items of Form FDA 3911 that the hub cannot know, by
// their numbers.
type SuspectDescribed struct {
	ID    string            `json:"id"`
	Items map[string]string `json:"items"`
}

// SuspectNotified: FDA ("fda") or a partner (its GLN) was told, by a person
// outside the hub.
type SuspectNotified struct {
	ID       string `json:"id"`
	To       string `json:"to"`
	At       int64  `json:"at"`
	How      string `json:"how"`                // portal, e-mail
	Incident string `json:"incident,omitempty"` // number that FDA gave
}

// SuspectReminded: a share of the time for telling is gone.
type SuspectReminded struct {
	ID    string `json:"id"`
	Stage string `json:"stage"`
	Due   int64  `json:"due"`
}

// DiscrepancyReported: product and data do not agree. Report is a PDG exception
// report, of ours or of a partner.
type DiscrepancyReported struct {
	ID       string `json:"id"` // exception_case_uuid
	Message  string `json:"message"`
	Inbound  bool   `json:"inbound,omitempty"` // a partner reported it to us
	Document string `json:"document,omitempty"`
	Items    int    `json:"items"`
	Resolved bool   `json:"resolved"`
	Report   []byte `json:"report"` // JSON, base64 in JSON
}

// DiscrepancyResponded: a response of a partner, or ours to one.
type DiscrepancyResponded struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	Outbound bool   `json:"outbound,omitempty"`
	Accepted int    `json:"accepted"`
	Rejected int    `json:"rejected"`
	Response []byte `json:"response"`
}

func init() {
	for typ, example := range map[string]any{
		SuspectWasProposed: SuspectProposed{}, SuspectWasOpened: SuspectOpened{}, SuspectWasDismissed: SuspectStep{}, SuspectWasCleared: SuspectStep{},
		SuspectIsIllegitimate: SuspectIllegitimate{}, SuspectWasDescribed: SuspectDescribed{}, SuspectWasNotified: SuspectNotified{},
		SuspectWasTerminated: SuspectStep{}, SuspectHasBeenReminded: SuspectReminded{},
		DiscrepancyWasReported: DiscrepancyReported{}, DiscrepancyWasResponded: DiscrepancyResponded{},
	} {
		Register(typ, example)
	}
}
