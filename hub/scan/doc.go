// Package scan turns what was scanned at gateways into statements of custody.
//
// # From the chain to a fact
//
//	committed block → scan (once for its id) → dated by anchors → statement → custody
//
// A scan is told in the chain with the boottime at which it was done. Without an
// anchor it waits: it is shown as undated and states nothing. With one it becomes
// a statement whose ID is derived from gateway and scan, so that repeating any
// step changes nothing. Custody sets aside what speaks of unknown things.
//
// # Lines
//
// A scan, those that correct it, and later anchors that date it otherwise come to
// one line of statements, each correcting the one before. The last of a line is a
// function of the scans and anchors that are known, whatever order they came in:
// the last scan of the gateway's own order counts, at the time from which on it
// is so. Where it is withdrawn, or the gateway's clocks contradict one another,
// the line ends in a withdrawal, or says nothing yet.
//
// An anchor that moves a scan by less than Tolerance is followed after a while,
// once for all that came meanwhile.
//
// # Nothing lost
//
// A cursor in the store says up to which parcel scans and anchors were worked in;
// what comes after it is read again after a start. A statement is written down
// before it is given to custody and marked after, so that a hub that dies in
// between gives the same one again.
package scan
