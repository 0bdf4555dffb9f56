package fact

import "fmt"

// Types of events about who carries what where. Their streams are
// "courier/ID", "job/ID" and "route/ID".
const (
	CourierWasDefined  = "dispatch.courier_defined"
	JobWasPlanned      = "dispatch.job_planned"
	JobWasCancelled    = "dispatch.job_cancelled"
	RouteWasPlanned    = "dispatch.route_planned"
	RouteWasReported   = "dispatch.route_reported"
	StopWasReported    = "dispatch.stop_reported"
	StopWasHeld        = "dispatch.stop_held"
	CourierWasMessaged = "dispatch.courier_messaged"
	MessageWasReceived = "dispatch.message_received"
	PlaceWasSet        = "dispatch.place_set"       // in the stream "place/ID"
	PlaceWasForgotten  = "dispatch.place_forgotten" // likewise
)

// Kinds of couriers.
var CourierKinds = []string{"van", "bike", "carrier", "drone", "robot"}

// CourierDefined is a means of delivery, whole after each change: an own van or
// bike, a partner carrier, a drone or a ground robot.
type CourierDefined struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`                   // see CourierKinds
	Vehicle      string `json:"vehicle,omitempty"`      // of the registry; whose gateway tells where it is
	Party        string `json:"party"`                  // who has custody of what it carries
	Speed        int64  `json:"speed,omitempty"`        // mm/s while it moves; 0: usual for the kind
	Range        int64  `json:"range,omitempty"`        // m without a stop for energy; 0: no limit
	Payload      int64  `json:"payload,omitempty"`      // g; 0: no limit
	TimeConstant int64  `json:"timeConstant,omitempty"` // s, of its compartment against the air outside; 0: not known
	Retired      bool   `json:"retired,omitempty"`
}

// JobPlanned is the delivery of a shipment from one place to another, whole
// after each change.
type JobPlanned struct {
	ID       string   `json:"id"`
	Shipment string   `json:"shipment"`
	From     Ref      `json:"from"`              // site or place
	To       Ref      `json:"to"`                // site or place
	Ready    int64    `json:"ready,omitempty"`   // can be picked up from then on, UTC, Unix ms
	Windows  []Window `json:"windows,omitempty"` // in which it may be delivered, ascending; none: at any time
	Service  int64    `json:"service,omitempty"` // s that the hand-over takes; 0: usual
	Load     int64    `json:"load,omitempty"`    // g
	Two      bool     `json:"two,omitempty"`     // hand-over needs two persons
	Identity bool     `json:"identity,omitempty"`
	// Replaces is the job whose delivery this one makes good.
	Replaces string `json:"replaces,omitempty"`
}

// Window is a stretch of time, both ends included, UTC, Unix ms.
type Window struct {
	From  int64 `json:"from"`
	Until int64 `json:"until"`
}

// JobCancelled ends a job before it is delivered.
type JobCancelled struct {
	ID string `json:"id"`
}

// RoutePlanned is one run of a courier, a leg: its stops in the order in which
// they are to be made; whole after each change.
type RoutePlanned struct {
	ID      string `json:"id"`
	Courier string `json:"courier"`
	Start   Ref    `json:"start"`         // site or place that it leaves
	End     Ref    `json:"end,omitempty"` // and comes back to; zero: it ends at its last stop
	Depart  int64  `json:"depart"`        // planned, UTC, Unix ms
	Stops   []Stop `json:"stops"`
}

// Stop is a planned stop of a route.
type Stop struct {
	ID     string `json:"id"` // unique in the route
	Job    string `json:"job"`
	Kind   string `json:"kind"`             // pickup, delivery, return
	Place  Ref    `json:"place"`            // site or place
	ETA    int64  `json:"eta,omitempty"`    // as planned, UTC, Unix ms
	Pinned bool   `json:"pinned,omitempty"` // is not moved by re-sequencing
}

// StopKinds are the kinds of stops.
var StopKinds = []string{"pickup", "delivery", "return"}

// RouteReported is what a courier came to with its route.
type RouteReported struct {
	ID     string `json:"id"` // of the report
	Route  string `json:"route"`
	Status string `json:"status"` // see RouteStatuses
	At     int64  `json:"at"`
	Source string `json:"source"`
	Made   int64  `json:"made"`
	Note   string `json:"note,omitempty"`
}

// RouteStatuses that can be reported: a route that was recalled brings back
// what it carries.
var RouteStatuses = []string{"started", "recalled", "ended", "cancelled"}

// StopReported is what happened at a stop. Reports are ordered by At, never by
// arrival.
type StopReported struct {
	ID          string    `json:"id"` // of the report
	Route       string    `json:"route"`
	Stop        string    `json:"stop"`
	Status      string    `json:"status"` // see StopStatuses
	At          int64     `json:"at"`
	Uncertainty int64     `json:"uncertainty,omitempty"` // ms
	Position    *Position `json:"position,omitempty"`
	Source      string    `json:"source"`             // geofence, driver, or a carrier's party id
	HandOver    string    `json:"handOver,omitempty"` // id of the HandedOver, of completed
	// Withdraws is the id of an earlier report of the same source about this
	// stop that does not hold, as what came late shows. This one then says
	// nothing else.
	Withdraws string `json:"withdraws,omitempty"`
	Made      int64  `json:"made"`
	Note      string `json:"note,omitempty"`
}

// StopStatuses that can be reported. The last two are ends.
var StopStatuses = []string{"arrived", "departed", "completed", "failed"}

// StopHeld keeps a stop from being delivered, or lets it go again.
type StopHeld struct {
	ID    string `json:"id"` // of the statement
	Route string `json:"route"`
	Stop  string `json:"stop"`
	Held  bool   `json:"held"`
	// Recalled: what is to be delivered there is called back, or with Held false
	// is not after all. That and other holds stand side by side: a stop is held
	// while one of them does.
	Recalled bool   `json:"recalled,omitempty"`
	Cause    string `json:"cause,omitempty"` // an excursion, a saga, or a person's word
	At       int64  `json:"at"`
	Made     int64  `json:"made"`
}

// CourierMessaged is a message to whoever drives, shown on the gateway's panel.
type CourierMessaged struct {
	ID    string `json:"id"`
	Route string `json:"route"`
	Text  string `json:"text"`
	At    int64  `json:"at"`
}

// MessageReceived is what became of a message at a gateway of the vehicle.
type MessageReceived struct {
	Message string `json:"message"` // id
	Route   string `json:"route"`
	Gateway string `json:"gateway"`
	Status  string `json:"status"`         // see MessageStatuses
	At      int64  `json:"at,omitempty"`   // by the gateway's clock, UTC, Unix ms; 0: it did not know the time
	Note    string `json:"note,omitempty"` // why it was refused
}

// MessageStatuses: the gateway shows it, whoever drives has confirmed it, or the
// gateway cannot show it.
var MessageStatuses = []string{"shown", "confirmed", "refused"}

// PlaceSet: the position of a place was entered or changed. It is not said
// here: an event is kept for good.
type PlaceSet struct {
	ID string `json:"id"`
}

// PlaceForgotten: the position of a place is kept no longer.
type PlaceForgotten struct {
	ID string `json:"id"`
}

func init() {
	for typ, example := range map[string]any{
		CourierWasDefined: CourierDefined{}, JobWasPlanned: JobPlanned{}, JobWasCancelled: JobCancelled{},
		RouteWasPlanned: RoutePlanned{}, RouteWasReported: RouteReported{}, StopWasReported: StopReported{},
		StopWasHeld: StopHeld{}, CourierWasMessaged: CourierMessaged{}, MessageWasReceived: MessageReceived{}, PlaceWasSet: PlaceSet{}, PlaceWasForgotten: PlaceForgotten{},
	} {
		Register(typ, example)
	}
}

// Ends reports whether the status of a stop is an end.
func (r StopReported) Ends() bool { return r.Status == "completed" || r.Status == "failed" }

// Check fails for bounds on measures that no courier has.
func (c CourierDefined) Check() error {
	if !oneOf(c.Kind, CourierKinds) {
		return fmt.Errorf("kind %q: want one of %v", c.Kind, CourierKinds)
	}
	for _, b := range []struct {
		field string
		v     int64
		most  int64
		unit  string
	}{
		{"speed", c.Speed, 150_000, "mm/s"}, {"range", c.Range, 10_000_000, "m"},
		{"payload", c.Payload, 50_000_000, "g"}, {"timeConstant", c.TimeConstant, 30 * 86400, "s"},
	} {
		if b.v < 0 || b.v > b.most {
			return fmt.Errorf("%s %d: want 0 to %d %s", b.field, b.v, b.most, b.unit)
		}
	}
	return nil
}

// Check fails for a window that ends before it begins.
func (w Window) Check() error {
	if err := CheckTime("from", w.From); err != nil {
		return err
	}
	if err := CheckTime("until", w.Until); err != nil {
		return err
	}
	if w.Until < w.From {
		return fmt.Errorf("until %d: is before from %d", w.Until, w.From)
	}
	return nil
}
