// Package fact is the vocabulary of domain events: what has happened to
// orders, packages and the things that watch over them, as the hub's contexts
// tell one another. A context publishes facts and folds those of others; it
// never reads another's tables.
//
// Facts are stored for good and are evidence. Their JSON is appended to and
// never changed in meaning: a new meaning is a new type or a higher schema
// version. They carry no patient data; a patient is an opaque token.
//
// # Times
//
// At is when something happened, UTC in Unix milliseconds, and may lie hours
// before the hub heard of it: facts are ordered by At, never by arrival. Made
// is when a person or device stated it. Of two statements about the same
// instant the one made later holds; of two made at once, the one with the
// greater ID: the order of arrival decides nothing.
//
// # Corrections
//
// Nothing is edited. A statement that names another in Corrects takes its
// place, wholly, whatever came first; with Withdrawn it only takes it away.
package fact
