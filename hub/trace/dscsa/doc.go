// Package dscsa keeps the duties of a trading partner under the Drug Supply
// Chain Security Act: documents of transaction information and statements in and
// out, their retention, answers to trace requests within their deadline,
// verification of product identifiers both ways, product that is suspect or
// illegitimate, and exceptions between product and data.
//
// # Documents
//
// A document that came in is kept byte for byte, its events are captured in the
// repository of EPCIS events, and its units become known where the catalog has
// their product; those that do not are set aside, with the reason. What the law
// wants and the document does not say is named, and the document is kept all the
// same: to refuse it would lose what it does say. The same document again has no
// effect.
//
// A document for a partner is made of the shipment and of what partners said of
// its units before. It is given out only when nothing is missing. A shipment to
// a patient's home gets none: dispensing to one patient is no transaction
// (section 581(24)(B)(ix)), yet its units keep their documents.
//
// # Deciding
//
// The hub proposes, persons decide: that product is suspect, that it is
// illegitimate, that FDA was told. It watches the clocks of what was decided, and
// reminds when half and nine tenths of the time are gone, and when all of it is.
//
// # Durability
//
// What a command did is synced to disk when it returns nil. Everything is an
// event; the bytes of documents are in a table beside them from which nothing is
// deleted, and events have their SHA-256.
package dscsa
