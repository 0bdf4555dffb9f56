// Package fence tells from a track of positions when something came to a place
// and when it left it.
//
// # Rules
//
//   - Something is at a place from the first position within the radius, if it
//     stays for Dwell. It may wander between the radius and the larger one of
//     leaving meanwhile (hysteresis), so that noise at the edge is one visit.
//   - It has left at the first position beyond the larger radius, if it is still
//     beyond it Gone later. One position that jumps out is no departure.
//   - A fence takes no notice of positions that are less accurate than its
//     radius: they cannot tell inside from outside.
//   - The time between the last position before a change and the first after it
//     is how uncertain the change is. A receiver that was silent for an hour says
//     so, and nothing is made up in between.
//
// What comes out is a function of the positions in the order of their times.
// Whoever gets some late begins again with all of them.
package fence
