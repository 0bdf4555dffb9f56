// Package plan proposes in which order couriers should serve their stops: under
// time windows, capacity, range, precedence and the instants at which loads
// get too warm. It only computes: it reads no clock and no table, keeps
// nothing, and never acts. What it proposes is compared with the present
// order, with what would be gained and what it would break, for a dispatcher
// to apply or not.
//
// The objective is ranked (see Cost): stops served and physical limits first,
// then loads kept within their limits, then promises of time, and only then
// the way driven. No saving of distance buys a spoiled load.
//
// # Methods
//
// One vehicle with up to twelve stops to order is solved exactly, by dynamic
// programming over subsets (M. Held and R. Karp, "A dynamic programming
// approach to sequencing problems", 1962) with labels that none dominates in
// cost and time. All else is searched by ruin and recreate: strings of
// neighbouring stops are taken out and put back one by one at the cheapest
// place, with blinks, under simulated annealing (J. Christiaens and G. Vanden
// Berghe, "Slack induction by string removals for vehicle routing problems",
// Transportation Science 54(2), 2020). Whether a stop fits is told in constant
// time from the latest arrival at the next that harms nobody after it (M.
// Savelsbergh's push forward, 1992, with soft windows). Segments are reversed
// and moved too (2-opt and Or-opt), which strings alone do badly on the long
// routes of a single courier.
package plan

import "time"

// Limits of a problem. They bound memory and keep sums within 64 bits.
const (
	MaxStops    = 1000                // of a problem
	MaxVehicles = 500                 // of a problem
	MaxPlaces   = 2000                // of a matrix
	MaxWindows  = 8                   // of a stop
	MaxLoads    = 64                  // of a stop
	MaxWeight   = 10                  // of a stop or load
	MaxHorizon  = 90 * 24 * time.Hour // from Now to any instant that matters
	maxService  = 7 * 24 * time.Hour
	maxQuantity = 1 << 40 // of a drop, a pick or a capacity
	maxLeg      = 1 << 29 // seconds or metres between two places
)

// Problem is what to plan. Places, stops and vehicles are named by their index.
// A Problem is not changed by this package and may be used by several
// goroutines at once.
type Problem struct {
	Now      time.Time // no vehicle leaves before
	Matrix   Matrix    // between places
	Vehicles []Vehicle
	Stops    []Stop
	Pairs    []Pair  // goods picked up on the way
	Given    [][]int // present order: the stops of each vehicle; nil where there is none. A stop in no list is unassigned
	Rates    Rates   // what the way driven costs; zero: DefaultRates
	// Strict leaves a stop unserved rather than serve it late or too warm, as
	// the literature's problems with hard windows want it. Otherwise every stop
	// is served, as well as can be.
	Strict bool
}

// Matrix holds the way from each place to each other, row by row; it need not
// be symmetric. Entries are in [0, 2^29).
type Matrix struct {
	Seconds [][]int32 // driving time at speed 1
	Metres  [][]int32
}

// Window is a span of time, both ends included. A zero From is open to the
// past, a zero To to the future.
type Window struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// Open is an End of a Vehicle that ends its route at its last stop.
const Open = -1

// Vehicle is a van, a bike, a drone, a robot or a partner's carrier.
type Vehicle struct {
	ID       string
	Start    int           // place where it is, or sets out
	End      int           // place where it ends, or Open
	Shift    Window        // in which it leaves Start and reaches End
	Speed    float64       // factor on the matrix's speed, in [0.05, 20]; 0 means 1
	Range    int64         // metres it can drive; 0: no limit
	Capacity int64         // in the unit of Drop and Pick; 0: no limit
	Tau      time.Duration // thermal time constant of its compartment; 0: unknown or actively cooled
	Fixed    int           // how many of its first stops in Given stay first: it is on its way to them
}

// Stop is one place to serve once.
type Stop struct {
	ID       string
	Place    int
	Windows  []Window      // ascending, not overlapping, in one of which service begins; none: any time
	Weight   int           // of a second late, in [1, MaxWeight]; 0 means 1
	Service  time.Duration // at the stop, hand-over included
	Drop     int64         // units left here
	Pick     int64         // units taken along to the end, such as empty boxes
	Loads    []Load        // what is handed over here
	Vehicles []int         // that may serve it; none: any. Goods already aboard bind a stop to their vehicle
}

// Load is a thing that gets too warm (or too cold) at a known instant, unless
// it was handed over.
type Load struct {
	ID      string
	Limit   time.Time     // when it reaches its limit, on the careful side
	Reserve time.Duration // margin wished for at the end of the hand-over
	Weight  int           // how bad its loss is, in [1, MaxWeight]; 0 means 1
	// Tau is the time constant for which Limit was reckoned. By Newton's law of
	// cooling the time to a limit grows in proportion to it, so in a vehicle of
	// another Tau the limit is Now + (Limit − Now)·vehicle/load. 0: Limit holds
	// in any vehicle.
	Tau time.Duration
}

// Pair says that what Delivery drops comes aboard at Pickup: the same vehicle
// serves both, Pickup before.
type Pair struct{ Pickup, Delivery int }

// Rates make one figure of the way driven, in units of the caller's choice, such
// as thousandths of a cent. Each is in [0, 1e6].
type Rates struct {
	Metre   int64 // for each metre
	Second  int64 // for each second of driving
	Vehicle int64 // for each vehicle used
	Thin    int64 // for each second of a load's Reserve used up, times its weight
}

// DefaultRates weigh a kilometre as two minutes of driving, a vehicle as five
// kilometres, and a minute of a load's reserve as three hundred metres.
func DefaultRates() Rates { return Rates{Metre: 1, Second: 8, Vehicle: 5000, Thin: 5} }
