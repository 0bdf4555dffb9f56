// Package join tells what is known of a package's temperature, from facts and
// readings: who vouches for it at each instant, and where nobody does. It does
// no I/O of its own and knows no order of arrival: the same events in any order
// give the same Facts, and Facts and readings give the same history.
//
// The hub, the verifier of evidence and the tests use the same code. The rules
// are written down in docs/verify/JOIN.md, from which alone somebody has to be
// able to write them again; what is said there holds.
//
// Instants are UTC in Unix milliseconds, spans include their start and not
// their end. Nothing here is safe for concurrent use, reading included.
package join
