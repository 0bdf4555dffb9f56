// Package history answers what a sensor measured and when.
//
// # Device time is the key
//
// Readings are kept by the boot clock they were stamped with: gateway, epoch,
// series, boot, tick. UTC is worked out when somebody asks, from the anchors
// known by then, with its uncertainty. A better or later anchor therefore
// dates readings anew without rewriting any; readings of a boot without an
// anchor are undated: counted, and given no time.
//
// # Head and chunks
//
// The parcels that intake has committed are the durable batches: history adds
// no write to a commit. What they hold is kept in memory, in the head, until
// the merger moves it to the store in chunks of four hours of device time per
// series, together with how far it has come. At start the head is rebuilt by
// replaying the parcels that were not merged, through the same function that
// takes new ones.
//
// Each chunk says up to which parcel it was merged, so that a merge cut short
// after any step leaves nothing doubled and nothing out: replay passes over
// what a chunk has. A query reads the head before the chunks, so that what
// moves meanwhile is seen at least once, and takes each tick once.
//
// A series has one reading at a tick. Blocks are committed once, so a second
// one can only come from a gateway that has put the same tick into two blocks.
// One of them is kept, chosen by what they say and not by which came first, and
// the others are counted: the parcels still hold all of them.
package history
