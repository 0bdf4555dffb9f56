// Package carrier takes in partners that carry for us, each by a mapping file
// and none by code: what their webhooks mean, how a job is booked with them, and
// whom to tell what becomes of a task. See Example for a file.
//
// # In
//
// A message is kept as it came, synced, before it is answered with 202, and
// worked in afterwards: each event of it becomes a report about a stop, a route
// or a shipment, with an id that follows from the event, so that a message that
// comes twice is one. What cannot be understood (a status that the file does not
// have, a shipment that nobody knows, a time that is there twice a year) is set
// aside whole, counted and shown, and a person has it tried again or drops it.
// The text of a message may name a recipient. It is in no event, and is removed
// thirty days after the message was settled; its digest stays.
//
// A position is taken from what is said on the way only: where a delivery ends
// is where somebody lives.
//
// # Out
//
// What follows from an event is written down once, in the transaction that moves
// the cursor over the event, and then sent with growing pauses until the partner
// has accepted it, under the same id each time. What a partner refuses, or has
// not taken after Retry.For, is parked, shown, and can be sent again by a
// person. Calls to one partner go out one after the other, so that a booking
// comes before its cancelling.
package carrier
