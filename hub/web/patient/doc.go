// Package patient is the page that a patient follows a delivery by: one sentence,
// the temperature, when it comes, how far it is. Whoever has the link and knows
// what it asks for sees it, without an account.
//
// # One verdict
//
// Facts of the contexts become a Telling by one function, tell, which knows no
// language and no HTML. Sentence, mark, numbers, map and chart are all drawn from
// the Telling, for the first page as for what follows by server-sent events, by
// the same templates. So they cannot contradict each other.
//
// # What is told, and what is not
//
// Never a name, a product, a mean kinetic temperature, nor anything of another
// delivery. Until the patient is the courier's next stop, where the courier is is
// told to a few kilometres only, and after the hand-over not at all. The map has
// distances and no coordinates. What is not known is said to be not known: the
// page never bridges a gap, and a page that has lost the hub says so.
//
// # Strangers
//
// The page has a guard of its own, since it is the only one that strangers reach:
// see guard.go. A link that there is not, one that is over, and a wrong answer
// look alike in content, status and time.
//
// # Many at once
//
// A delivery is told once a second for all who watch it (board.go), from what the
// engine has in memory; the store is read again when an event touches the delivery
// and every half minute. A part of the page that says the same as before is
// neither rendered nor sent.
package patient
