// Package propose suggests another order for the open stops of a route: it asks
// the planner, compares what it finds with the order that is planned, and says
// what would be gained and what it would break, as data and in words made of it
// by fixed rules. It never acts: a dispatcher applies an order, or does not.
//
// # What goes in
//
// The way between stops, from the road engine or estimated. Windows, the time of
// the hand-over and what is carried, from jobs. Speed, range and payload of the
// courier. For each package the earliest instant at which a limit, or the end of
// a stability budget, may come (package risk): the careful end of the interval.
// A package of which that is not known has no deadline, and a note says so.
//
// # What stays where it is
//
// Stops that have ended. The stop that the courier is at, or has left without
// anybody telling what came of it, goes first. A pinned stop keeps its place
// among those that have not ended; the stops before it and after it are ordered
// each among themselves, so that none of them harms what comes at or after it.
//
// # The same again
//
// What comes out is a function of what goes in, the instant included: the search
// is bounded by iterations, not by time. Where it was cut short all the same, on
// a machine that has no time for it, a note says so.
package propose
