// Package risk ranks deliveries by the time that is left: when a limit or the
// end of a stability budget will be reached, against when the courier will have
// handed over. Both are estimates with intervals. They rank and warn, and no
// verdict or disposition rests on them.
//
// # The list
//
//	out       a package is out of range now, or nothing is left of a budget
//	at risk   a limit comes before the hand-over, by the best estimate
//	watch     it may, at the ends of the two intervals
//	unknown   nobody vouches for a package, or nobody knows when it arrives
//	in time   every limit comes later, whatever end of the intervals holds
//	holds     the readings lead to no limit
//
// Within a class the smallest margin comes first. What is not known stands
// before what is known to be fine, and is never taken for it.
package risk
