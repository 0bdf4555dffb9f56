// Package correlate tells what happened to each package: it joins the readings
// that intake commits with the facts of the event log, judges by thermal, and
// appends a verdict to the log whenever one changes in substance.
//
// # One truth
//
// What is true of a package now is worked out by package join, from facts and
// history alone. Verdicts that are asked for are made so, each time. The engine
// that follows readings as they arrive only finds out when that has to be done
// anew: it may look too often, and that costs time; it must never look too
// seldom.
//
// # Following
//
// A package that is open rides with a lead: the first source that is fresh. Each
// reading of the lead goes through the package's own evaluator as it arrives.
// Whatever is not the next reading of a lead (a late block, a reading after a
// silence, a better source, an anchor, a scan, a correction, a certificate)
// marks the packages that it reaches, with the span and the cause, and these
// are judged again from history.
//
// # Nothing is lost
//
// The engine keeps no evidence. How far it has come is in the store: up to there
// all that was marked has been judged and what changed has been appended. After
// a crash, and after an overrun of the queue, it goes on from there.
package correlate
