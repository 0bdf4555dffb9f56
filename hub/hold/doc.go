// Package hold keeps quality holds: packages and units in quarantine, which
// nobody may give away, each with its cause.
//
// A thing is held as long as any hold stands that names it. Placing a hold whose
// id is known has no effect when it says the same, and so has lifting what was
// lifted: whoever asks twice is served once.
//
// Product that a person has found suspect is held by itself, from the event that
// says so until the one that clears its case; see Follow. Everything is an event; the holds
// that stand are a read model. All methods are safe for concurrent use, and what
// a command did is synced to disk when it returns nil.
package hold
