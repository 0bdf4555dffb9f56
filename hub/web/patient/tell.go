package patient

import (
	"slices"

	"frostline/hub/correlate"
	"frostline/proto/thermal"
)

const (
	minute = int64(60_000)
	grain  = 5 * minute  // arrivals are told to
	stale  = 10 * minute // of a position
)

// tell is the one function that facts become words, marks and numbers by.
func tell(f *facts, n *now) Telling {
	t := Telling{At: n.at, box: -1}
	t.Stage, t.StageAt = stageOf(f, n)
	conditions := make([]BoxTelling, 0, len(f.boxes))
	for i := range f.boxes {
		b := &f.boxes[i]
		if b.how == "voided" {
			continue
		}
		s := &n.states[i]
		c, since := conditionOf(f, b, s)
		one := BoxTelling{Number: len(conditions) + 1, Condition: c, Since: since}
		if b.closed == 0 {
			one.Temperature = s.Temperature
		}
		conditions = append(conditions, one)
		if t.box < 0 || graver(c, t.Condition) {
			t.box, t.Condition, t.Since = i, c, since
			t.Temperature, t.Taken, t.Until, t.Partly = nil, 0, 0, false
			if b.closed == 0 && s.Temperature != nil {
				t.Temperature, t.Taken, t.Until = s.Temperature, s.At, s.Until
			}
			t.Partly = c == InRange && s.Outcome == thermal.Unknown
		}
	}
	if t.box < 0 {
		t.Condition = None
	}
	// What the chart shows hatched is not told as known.
	t.Partly = t.Partly || f.gaps && t.Condition == InRange
	if f.gaps && t.Condition == Kept {
		t.Condition = Partly
	}
	if len(conditions) > 1 {
		t.Boxes = conditions
	}
	if f.profile != nil {
		t.Low, t.High = f.profile.low, f.profile.high
	}
	t.Arrival = arrivalOf(f, n, t.Stage)
	t.Journey = journeyOf(f, &t)
	t.Map = mapOf(f, n, t.Stage)
	return t
}

func graver(a, b Condition) bool { return slices.Index(Conditions, a) < slices.Index(Conditions, b) }

// stageOf says how far the delivery is. What the courier did at the stop counts
// before what somebody reported of the shipment, which follows from it.
func stageOf(f *facts, n *now) (Stage, int64) {
	switch f.status {
	case "delivered":
		return Delivered, f.since
	case "returned":
		return Returned, f.since
	case "cancelled":
		return Cancelled, f.since
	}
	if s := f.stop; s != nil {
		switch {
		case s.status == "completed":
			return Delivered, s.ended
		case s.status == "failed":
			return Failed, s.ended
		case s.recalled:
			return Recalled, 0
		case s.status == "arrived":
			return Here, s.arrived
		case s.underway && n.next == s.id:
			return Next, 0
		case s.underway:
			return Underway, 0
		}
	}
	switch f.status {
	case "failed":
		return Failed, f.since
	case "arrived":
		return Here, f.since
	case "dispatched", "in_transit":
		return Underway, 0
	}
	if len(f.boxes) > 0 {
		return Packed, 0
	}
	return Preparing, 0
}

// conditionOf says what may be said of a box. Whatever is not known to be well is
// not in range.
func conditionOf(f *facts, b *box, s *correlate.State) (Condition, int64) {
	broken := s.Outcome == thermal.Excursion && b.cleared == 0
	switch {
	case b.refused:
		return Refused, 0
	case b.checked, f.stop != nil && f.stop.held, broken: // a case follows where a rule is broken
		return Checking, 0
	case b.closed != 0:
		switch {
		case b.cleared != 0:
			return Cleared, b.cleared
		case s.Outcome == thermal.InRange:
			return Kept, 0
		}
		return Partly, 0
	}
	switch s.State {
	case correlate.InRange:
		return InRange, s.Since
	case correlate.OutOfRange:
		return Outside, s.Since
	}
	return NoData, s.Since
}

// arrivalOf gives the window, widened to five minutes so that it does not change
// each second.
func arrivalOf(f *facts, n *now, stage Stage) Arrival {
	if stage != Preparing && stage != Packed && stage != Underway && stage != Next || f.stop != nil && f.stop.held {
		return Arrival{}
	}
	low, high := f.eta, f.eta
	switch {
	case n.expects:
		low, high = n.arrival.Low, n.arrival.High
	case f.stop != nil && f.stop.hasPlan:
		low, high = f.stop.planned.Low, f.stop.planned.High
	}
	switch {
	case high == 0:
		return Arrival{}
	case high < n.at:
		return Arrival{Kind: "late", To: high / grain * grain}
	case low == high:
		return Arrival{Kind: "about", To: (high + grain/2) / grain * grain}
	}
	return Arrival{Kind: "window", From: max(low, n.at) / grain * grain, To: (high + grain - 1) / grain * grain}
}

func journeyOf(f *facts, t *Telling) []Step {
	packed, handed := int64(0), int64(0)
	for _, b := range f.boxes {
		if b.how != "voided" && (packed == 0 || b.packed < packed) {
			packed = b.packed
		}
	}
	reached := slices.Index([]Stage{Preparing, Packed, Underway, Next, Here, Delivered}, t.Stage)
	switch t.Stage {
	case Delivered:
		handed = t.StageAt
	case Cancelled, Returned, Failed, Recalled: // the sentence says it; what was done stays
		reached = 1
		if f.left != 0 {
			reached = 2
		}
	}
	steps := []Step{{Name: "packed", At: packed}, {Name: "left", At: f.left}, {Name: "next"}, {Name: "handed", At: handed}}
	for i := range steps {
		switch at := i + 1; {
		case t.Stage == Delivered || at < reached || at == reached && at < 3:
			steps[i].State = "done"
		case at == 3 && (t.Stage == Next || t.Stage == Here):
			steps[i].State = "now"
		default:
			steps[i].State, steps[i].At = "ahead", 0
		}
	}
	return steps
}
