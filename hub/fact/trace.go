package fact

// EventsWereCaptured is the type of the event that names captured EPCIS events.
// Its stream is "epcis/captured".
const EventsWereCaptured = "trace.captured"

// EventsCaptured: EPCIS events were captured, in one transaction. It has what
// binds them, not what they say: who has an event can show by its digest that
// it is the one that was captured.
type EventsCaptured struct {
	Captures []Captured `json:"captures"`
}

// Captured is what one job captured.
type Captured struct {
	ID     string          `json:"id"` // of the job
	By     string          `json:"by"`
	Events []CapturedEvent `json:"events"`
}

// CapturedEvent names an EPCIS event.
type CapturedEvent struct {
	Seq int64  `json:"seq"` // place in the order of the repository
	ID  string `json:"id"`
	// Hash is the CBV 2.0 hash of its content in hex, absent where ID is that.
	Hash string `json:"hash,omitempty"`
	// Digest is the SHA-256 of its JSON as the repository keeps it, hex. The
	// CBV hash does not cover the error declaration; this does.
	Digest string `json:"digest"`
	// Declares is set where the event declares an earlier one to be wrong.
	Declares bool `json:"declares,omitempty"`
}

func init() { Register(EventsWereCaptured, EventsCaptured{}) }
