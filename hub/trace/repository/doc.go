// Package repository keeps EPCIS events for good and answers queries about
// them.
//
// An event is one row: its JSON, its id (the one it came with, or the CBV 2.0
// hash of its content) and that hash. What can be asked of it is in two
// indexes. Terms say which events have a value (an EPC as parent, a business
// step, a device), in the order of their times; numbers say what can be
// compared, in SI units, so that a query in kelvin finds a reading in degrees
// Celsius.
//
// # Capturing
//
// A capture is decided and written in one transaction, together with the row
// of its job and the domain event by which its events enter the evidence log.
// When Capture has returned without an error everything is synced to disk.
// Captures that come at once share a transaction, and so a sync: a caller that
// finds nobody writing writes for all who wait.
//
// An id that is known with the same content has no effect; with other content
// it is a problem, and nothing of it is captured. An error declaration has the
// id and content of the event that it declares to be wrong: it is captured
// beside it, whichever came first.
//
// # Queries
//
// Of the parameters of a query, the one that fewest events match is read from
// its index, in order, and the others are looked up for each event found. What
// would take too long is refused; see ErrTooComplex. Pages are bound to the
// state at the first page: an event captured since is in none of them.
package repository
