// Package ledger is the hub's evidence log: an append-only Merkle log of every
// domain event, every verified seal of a gateway and every key that evidence
// is checked by. It is kept by Tessera as tlog-tiles on the hub's own disk, with
// checkpoints that the hub signs and witnesses cosign.
//
// # Once
//
// The log itself says what is in it; the table of entries is an index made from
// it. Before anything is appended, entries that the log has and the table has
// not are read from the log and written to the table: so a crash, or a failure
// that was none, between the two loses and doubles nothing. There is one
// appender, which the lock on the hub's store vouches for.
//
// # What is durable when
//
// Tessera answers an append after it has synced entry, tiles and tree state. A
// checkpoint is kept in the store after witnesses had their time to cosign it.
// A log that has become smaller than a checkpoint that was kept is refused:
// going on with it would sign two histories.
package ledger
