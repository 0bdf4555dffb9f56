// Package timeline turns statements of where things are into intervals. It is
// algebra: no store, no clock, no order of arrival. Whatever order statements
// come in, and however often, the intervals are the same.
//
// # Which statements hold
//
// A statement that another one corrects is replaced by the correction with the
// greatest (Made, ID); a correction may itself be corrected. A correction that
// withdraws leaves nothing in place of its target. A correction whose target
// is not known yet waits, and so does one that, through others, corrects
// itself.
//
// # Intervals
//
// The statements that hold, sorted by (At, Made, ID), each last until the next;
// the last is open. Of several at one instant the last in that order holds.
//
// Nothing here is safe for concurrent use, reading included: intervals are
// worked out when they are first asked for.
package timeline
