// Package intake is where readings become safe: it takes what gateways send,
// commits it to the hub's store, and only then acknowledges it.
//
// # The path of a parcel
//
//	Handle → queue (fair, bounded) → open (verify by itself) → round:
//	place among the committed ranges → one transaction → acks → sinks
//
// A parcel carries the chain head before its first block, so it is verified by
// itself: form, numbers, counts of readings, and the heads after each of its
// blocks. A round then places many parcels of many gateways among the ranges
// already committed. What is known is cut off, what adjoins a range must join
// by head and count, and all that is new goes to the store in one transaction
// with the ranges: the raw blocks are the evidence and the durable batches of
// history, and there is no other copy to fall out of step. Acks are published
// after the transaction is synced, one for each gateway and epoch of a round.
//
// Live parcels and seals have rounds of their own, which go before backlog; a
// round takes only as much backlog as a few milliseconds allow.
//
// # What may be relied on
//
//   - Nothing is acknowledged that is not synced to disk.
//   - A block is committed once, whatever is repeated, reordered or cut
//     differently, and however late: ranges have no window after which they
//     forget. The store's keys and a version of each chain, compared and set in
//     the same transaction, hold this even when a commit is reported failed but
//     was done.
//   - What cannot be accepted is kept in quarantine with its reason, counted,
//     and answered as refused.
//   - Sinks see each committed batch once per start of the hub, in the order
//     of commits; Replay gives them those from before.
package intake
