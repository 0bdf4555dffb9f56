// Package sensing states in EPCIS 2.0 what the hub knows of its own: that units
// were received, packed, unpacked and handed over, what sensors reported of
// each package, its excursions, and what was decided about them.
//
// # What is stated
//
// Statements are a function of facts and readings alone, in whatever order
// these came. For each unit: that it was received, at the time when the hub was
// first told of it. For each package: what was put into it and taken out, when
// it went into a tote and out, each hand-over, and reports of its sensors: one
// for each span between its packing, midnights (UTC), hand-overs, and its
// closing, cut again where units came or went (changes within ten minutes of
// another cut make none of their own). A report names the units and totes that
// belonged to the package at some instant of its span. A stretch that nobody
// vouched for is reported as ERROR_CONDITION, never left out. When the watch
// over the package has ended, each verdict is stated too. For each excursion:
// the alarm with the units it affects, their holding, and what QA decided.
//
// No event names a patient: a hand-over to one is stated as dispensing, without
// destination, and positions are stated of no hand-over in which one took part.
//
// # Corrections
//
// When facts change, what was stated and does not follow any more is declared
// to be wrong, and what follows instead is stated by a new event. Events are
// never edited. The id of an event is the CBV 2.0 hash of its content; only
// where the same content was declared wrong before, a UUID is derived from it.
//
// # Durability
//
// A consumer of the event log marks what has to be looked at, in the store.
// What is to be stated is decided in one transaction with the rows of an
// outbox, and captured from there; capturing twice has no effect.
package sensing
