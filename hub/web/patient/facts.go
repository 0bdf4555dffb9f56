package patient

import (
	"frostline/hub/correlate"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/road"
	"frostline/proto/thermal"
)

// facts are what a Telling is made of. Times are UTC, Unix ms, 0 for none.
type facts struct {
	shipment string
	status   string // of the shipment, see fact.Statuses
	since    int64  // of status
	left     int64  // when it set out
	eta      int64  // of the shipment, as somebody told
	boxes    []box  // its packages, in the order of their ids
	stop     *stop  // where it is to be handed over; nil while no courier is to go there
	profile  *band  // that the box shown is judged by
	gaps     bool   // of that box, for part of the way nobody knows
}

// box is a package, without what is measured in it now.
type box struct {
	id      string
	packed  int64
	closed  int64 // 0 while it is watched
	how     string
	checked bool  // somebody has to decide about it: a case is open, or it is held
	refused bool  // the decision was not to use it
	cleared int64 // when it was decided that it may be used, after a case
}

// stop is where a delivery goes.
type stop struct {
	route, id string
	underway  bool // the courier has set out, and was not called back
	recalled  bool
	status    string // see dispatch.Visit
	held      bool
	left      int64 // the courier, when that was told
	arrived   int64
	ended     int64 // completed or failed
	planned   dispatch.Arrival
	hasPlan   bool
	home      *road.Point
}

// band is a labelled range; an end that is nil is not there.
type band struct{ low, high *thermal.Temp }

// now is what changes from second to second.
type now struct {
	at      int64             // hub's clock
	states  []correlate.State // of the boxes, in their order
	arrival dispatch.Arrival
	expects bool // arrival is known
	next    string
	fix     *fix
}

// fix is where the courier was.
type fix struct {
	at    int64
	where road.Point
}
