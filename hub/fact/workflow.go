package fact

// Types of events about sagas: what has to follow from an excursion, step by
// step. The stream of a saga is Ref{Saga, ID}.
const (
	SagaWasStarted = "workflow.started"
	SagaStepEnded  = "workflow.step_ended"
	SagaWaits      = "workflow.waiting"
	SagaWasParked  = "workflow.parked"
	SagaWasDecided = "workflow.decided"
	SagaEnded      = "workflow.ended"
	NoticeWasGiven = "workflow.told"
)

func init() {
	for typ, example := range map[string]any{
		SagaWasStarted: SagaStarted{}, SagaStepEnded: SagaStep{}, SagaWaits: SagaWaiting{}, SagaWasParked: SagaParked{},
		SagaWasDecided: SagaDecided{}, SagaEnded: SagaOver{}, NoticeWasGiven: Notice{},
	} {
		Register(typ, example)
	}
}

// SagaStarted begins a saga.
type SagaStarted struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"` // excursion
	Excursion string `json:"excursion"`
	Package   string `json:"package"`
	Severity  string `json:"severity"`
	// Units that are affected when it begins, "GTIN.SERIAL", and how many there
	// are beyond those the excursion lists.
	Units     []string `json:"units,omitempty"`
	MoreUnits int      `json:"moreUnits,omitempty"`
	// Stop is what it does with a delivery that is under way, as it was configured
	// when it began: hold, recall, ask. "" of sagas that did not remember it.
	Stop string `json:"stop,omitempty"`
}

// SagaStep says that a step has taken effect, or was found to have nothing to
// do, or was skipped by a person. A step of a round ends once.
type SagaStep struct {
	ID      string `json:"id"` // of the saga
	Step    string `json:"step"`
	Round   int    `json:"round"`          // from 1; a replacement that was taken back is tried again in the next
	Undo    bool   `json:"undo,omitempty"` // it was undone
	Outcome string `json:"outcome"`        // done, nothing, skipped
	Note    string `json:"note,omitempty"`
	Refs    []Ref  `json:"refs,omitempty"` // what it made or changed
	// Delivery that was found, and Disposition (released, rejected) that was
	// signed, with the units that are released.
	Delivery    *SagaDelivery `json:"delivery,omitempty"`
	Disposition string        `json:"disposition,omitempty"`
	Released    []string      `json:"released,omitempty"`
}

// SagaDelivery is what a package is a part of.
type SagaDelivery struct {
	Shipment string     `json:"shipment,omitempty"`
	Order    string     `json:"order,omitempty"`
	Job      string     `json:"job,omitempty"`
	Stops    []SagaStop `json:"stops,omitempty"` // that have not ended, of routes that have not
}

// SagaStop is a stop that a saga can hold.
type SagaStop struct {
	Route string `json:"route"`
	Stop  string `json:"stop"`
}

// SagaWaiting says that a saga waits for people, who need not hurry.
type SagaWaiting struct {
	ID    string `json:"id"`
	Step  string `json:"step"`
	Pause string `json:"pause"` // names this wait; see SagaDecided
	For   string `json:"for"`   // disposition
}

// SagaParked says that a saga cannot go on by itself.
type SagaParked struct {
	ID    string `json:"id"`
	Step  string `json:"step"`
	Pause string `json:"pause"`
	Undo  bool   `json:"undo,omitempty"` // what failed is undoing the step
	Error string `json:"error"`
	// Choices are what a person can decide: retry, skip, compensate.
	Choices []string `json:"choices"`
}

// SagaDecided is what a person decides about a saga that has paused. Who and
// why are the event's.
type SagaDecided struct {
	ID       string `json:"id"`
	Pause    string `json:"pause"`
	Step     string `json:"step"`
	Decision string `json:"decision"` // retry, skip, compensate
}

// SagaOver ends a saga.
type SagaOver struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"` // released, replaced, settled (rejected, and nothing was to be replaced), compensated
}

// Notice tells somebody something, once. It carries no patient data: Patient is
// the opaque token of the order.
type Notice struct {
	ID        string `json:"id"`
	Saga      string `json:"saga"`
	Excursion string `json:"excursion"`
	Audience  string `json:"audience"` // see Audiences
	What      string `json:"what"`     // held, reminder, released, rejected, replaced, parked, compensated
	Patient   string `json:"patient,omitempty"`
	Order     string `json:"order,omitempty"`
	Shipment  string `json:"shipment,omitempty"`
	Package   string `json:"package,omitempty"`
	// Replacement is the order that makes good what is not delivered.
	Replacement string `json:"replacement,omitempty"`
}

// Audiences of notices.
var Audiences = []string{"qa", "dispatch", "patient", "prescriber"}
