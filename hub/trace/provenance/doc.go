// Package provenance tells what is known of one serialised unit, from its
// commissioning to the patient: every captured EPCIS event that speaks of it,
// whoever sent it, by its own serial or by a container that it was in at that
// time; who vouches for each, and where in the evidence log it is; and what is
// missing.
//
// An event of a container counts for a unit while the unit was in it by the
// aggregations that were told, through at most MaxDepth containers. A sensor's
// report that names units speaks of these alone. What was declared to be wrong
// is told as such and counts for nothing.
//
// Gaps are told outright: time that nobody monitored, a custodian that nobody
// named, a shipping that nobody received, a container that nobody told of.
package provenance
