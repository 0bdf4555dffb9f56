// Package verify checks a bundle of evidence, offline and from the bundle
// alone: the container, the hashes, the gateways' chains and signatures, the
// proofs that all of it is in the hub's log, and then works out anew, from the
// readings and facts, what the hub says it concluded.
//
// It names what does not hold, the first thing first: in the order of the
// evidence, so that what lies closest to the change comes before what follows
// from it. It never panics and never goes beyond its limits, whatever it is
// given.
//
// # What is trusted
//
// The key of the hub's log, which is to be pinned by whoever verifies, and the
// keys of witnesses, if any are given. All other keys are in the log. What the
// hub alone says, and no gateway or witness with it, is told in Report.
package verify
