package patient

import "frostline/proto/thermal"

// Telling is what the page says, in no language. Times are UTC, Unix ms, 0 for
// none. It can be compared by ==, as far as Box, Journey and the pointers go part
// by part.
type Telling struct {
	At        int64 // hub's clock
	Stage     Stage
	StageAt   int64 // when it was handed over or failed
	Condition Condition
	Since     int64 // of the condition, where it has one
	Partly    bool  // in range now, and for part of the way nobody knows

	// Of the box that the condition is of, while it is watched.
	Temperature *thermal.Temp
	Taken       int64 // when it was measured
	Until       int64 // when Condition becomes "no data", unless another reading comes
	Low, High   *thermal.Temp

	Boxes   []BoxTelling // where there is more than one
	Arrival Arrival
	Journey []Step
	Map     *Map
	box     int // whose chart is shown
}

// BoxTelling is one of several boxes.
type BoxTelling struct {
	Number      int // from 1
	Condition   Condition
	Since       int64
	Temperature *thermal.Temp
}

// Stage is how far a delivery is.
type Stage string

// The stages, in the order in which they are reached; the last four are ends.
const (
	Preparing Stage = "preparing"
	Packed    Stage = "packed"
	Underway  Stage = "underway"
	Next      Stage = "next" // the courier comes to the patient next
	Here      Stage = "here"
	Recalled  Stage = "recalled" // the courier was called back
	Delivered Stage = "delivered"
	Returned  Stage = "returned"
	Failed    Stage = "failed"
	Cancelled Stage = "cancelled"
)

// Stages are all stages.
var Stages = []Stage{Preparing, Packed, Underway, Next, Here, Recalled, Delivered, Returned, Failed, Cancelled}

// Ended reports whether nothing more comes.
func (s Stage) Ended() bool {
	return s == Delivered || s == Returned || s == Failed || s == Cancelled
}

// Condition is what may be said of the temperature.
type Condition string

// The conditions, the gravest first. Words and marks follow from them alone.
const (
	Checking Condition = "checking" // the pharmacy decides; not to be used until it says so
	Refused  Condition = "refused"  // the pharmacy has decided that it is not to be used
	Outside  Condition = "outside"  // beyond the labelled range just now, as the rules may allow for a time
	NoData   Condition = "no_data"  // nobody knows
	Partly   Condition = "partly"   // handed over, and for part of the way nobody knows
	Cleared  Condition = "cleared"  // handed over, and the pharmacy has decided that it may be used
	InRange  Condition = "in_range" // now
	Kept     Condition = "kept"     // from packing to hand-over
	None     Condition = "none"     // there is nothing to measure
)

// Conditions are all conditions, the gravest first.
var Conditions = []Condition{Checking, Refused, Outside, NoData, Partly, Cleared, InRange, Kept, None}

// Mark is the shape and colour that goes with a condition: live (teal, a tick in
// a ring), not-ok (amber triangle), wrong (crimson octagon), silent (grey, dashed).
func (c Condition) Mark() string {
	switch c {
	case Checking, Refused:
		return "wrong"
	case Outside:
		return "not-ok"
	case InRange, Kept, Cleared:
		return "live"
	}
	return "silent"
}

// Arrival is when it comes.
type Arrival struct {
	Kind     string // "" for nothing to tell, window, about, late
	From, To int64
}

// Step is a step of the journey.
type Step struct {
	Name  string // packed, left, next, handed
	State string // done, now, ahead
	At    int64
}

// Map is where the courier is, from the patient's home in metres, east and north.
type Map struct {
	East, North float64
	Radius      float64 // the courier is somewhere within
	At          int64   // of the position
	Stale       bool    // it is old
}
