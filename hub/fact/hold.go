package fact

// Types of events about quality holds: units and packages that nobody may give
// away. Their stream is Ref{Hold, ID}.
const (
	HoldWasPlaced = "hold.placed"
	HoldWasLifted = "hold.lifted"
)

func init() {
	Register(HoldWasPlaced, HoldPlaced{})
	Register(HoldWasLifted, HoldLifted{})
}

// HoldPlaced quarantines a package, units, or both.
type HoldPlaced struct {
	ID        string   `json:"id"`
	Package   string   `json:"package,omitempty"` // with whatever is in it
	Units     []string `json:"units,omitempty"`   // "GTIN.SERIAL"
	MoreUnits int      `json:"moreUnits,omitempty"`
	Excursion string   `json:"excursion,omitempty"` // that is the reason
	Suspect   string   `json:"suspect,omitempty"`   // case of suspect product that is the reason
	Cause     string   `json:"cause"`               // in words
}

// HoldLifted takes units out of a hold, or ends it.
type HoldLifted struct {
	ID    string   `json:"id"`
	Units []string `json:"units,omitempty"` // none: the whole hold
}
