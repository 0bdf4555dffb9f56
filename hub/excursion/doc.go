// Package excursion follows each excursion from the verdict that shows it to
// the disposition that closes it.
//
// # What data say and what people decide
//
// The facts of a case (limit, span, peak, severity, affected units) are a
// function of the package's newest verdict and of where its units were. No
// person can change them, and the order in which blocks and scans came in
// does not: a verdict that is revised by late data revises the cases of its
// package, each once, whichever verdicts lay between. Findings of a verdict are
// matched to cases of the same package, profile and limit by overlap in time.
//
// The state of a case is what people have done about it: see State. It moves
// by steps in a fixed order, each with who, when and why. Revised facts move it
// back where they must: a severity that rises asks for a new acknowledgement,
// a proposal no longer stands, and what was signed or closed is reopened.
//
// # Signatures
//
// A signature is made with the password given anew, and bound to the SHA-256
// of the canonical JSON of what was signed: the facts, with the digest of the
// verdict that they were read from, and the disposition of each unit. Whoever
// reads a case sees for each signature whether it still matches. The second
// signature, of approval, is another person's with the role qa_approver.
// This supports 21 CFR Part 11; whether a site complies is for the site to say.
//
// # Durability and concurrency
//
// Everything is an event of hub/event, in the stream of its case; cases are a
// read model. Consuming a verdict twice, or again after a crash, changes
// nothing the second time. All methods are safe for concurrent use.
package excursion
