// Package journal is the gateway's journal: the only place where a reading
// becomes kept. Kept means that the block it is in is synced to this device's
// disk; it stays there until the hub has acknowledged it, or until its loss is
// declared in the chain. The journal builds the blocks too, because it alone
// knows the next number and the chain head.
//
// # Files
//
//	00000003-000000004711.db   the active segment: epoch and number of its first block
//	00000003-000000000001-000000004710.db
//	                           a sealed one: and the number of its last
//	*.db.damaged-TIME          set aside, kept for examination, never deleted here
//	*.db.new, *.db.repaired    being made; finished or removed at the next start
//	state                      second copy of what the segments say about the whole
//	ballast                    space in reserve, for what is to be said when the disk is full
//
// A segment is a bbolt file, written through bbolt and never changed but by
// appending. Only the newest, the active one, is open. All others are read by
// package boltfile, which does not map them into memory. A block's record holds
// the chain head before it and a checksum, so each can be sent, checked and
// found again on its own. The records of a segment count up to the last number
// in its name, or, in the moment before it has one, to where the next begins.
//
// # What is safe when
//
// Append returns nil after bbolt has synced pages and meta page. Any error
// means that nothing of it is kept: a block that a failed commit left in a file
// does not count, because no more is written to that file and the next segment
// begins with the same number. (Full disks that left no trace are excepted: the
// file is used again.) A crash loses what was not reported as kept, and nothing
// else. An acknowledgement is on disk before a file is deleted because of it.
//
// # Recovery
//
// Open reads the newest segment whole: the tree, the records' checksums and the
// chain. Older ones are checked as they are read. Number, head, epoch, boot and
// series are taken from
//
//  1. the tail in the newest commit of the newest segment, if the tree leads to
//     it; where bbolt falls back to the commit before, because the last meta
//     page was torn, blocks that are whole on the disk and follow on are taken
//     in again;
//  2. the state file, for older epochs, series and boot where 1 is not to be
//     had; acknowledgements and losses are the union of both;
//  3. a scan over all pages of the last segment.
//
// With 1 the epoch goes on, whatever else is damaged: the segment is set aside,
// what is whole of it is put in its place, and the rest is declared lost by
// block numbers. Without 1 the last number is not known, and a new epoch
// begins, which says so and what is known of the one before; what is whole of
// that stays pending. Epoch numbers come from file names, set aside or not, and
// the state file, so they never repeat unless the directory is emptied.
//
// A Gap event names blocks of the epoch it stands in or, where they are lost
// later, of an earlier one by its number.
//
// # When it is full
//
// At 70, 85 and 95 % of MaxBytes, counting what the hub has not acknowledged,
// the chain and the log say so once, with the hours left. Beyond MaxBytes, in
// this order: files go that are kept though acknowledged; stretches of blocks
// are thinned, oldest files first; the oldest file goes.
//
// Blocks are what is hashed, so a block is thinned whole or not at all: one that
// has no events and whose readings are all of quality OK and in range, nor a
// neighbour of one that is not. A temperature is in range where Options.Within
// says so, a door or enclosure when it is closed; other quantities go along.
// The stretch becomes a Gap like any loss, and for each boot, hour and series a
// Thinned event. These are kept before the file is made anew without the blocks.
// Lost ranges are in every commit, so there are at most 64: a journal with many
// short stretches is thinned in part.
//
// # What declared a loss is lost
//
// A file that goes takes with it what its blocks said. So each segment begins
// with what its blocks cannot be understood without: series, and the boot's
// latest anchors. And the commit that gives a file up says again what that
// declared lost, as one with the losses beside it and marked so, the start of
// the epoch, and the last anchor of each boot and source. Where the blocks cannot
// be read it is all that the journal knows. Epochs with losses are remembered
// until the hub has what declares them.
//
// # Boots
//
// The boot ordinal goes up by one unless the boot id is that of the last one
// and boottime has not gone back: an agent that is restarted on a running
// gateway keeps its ordinal, because anchors of that boot hold on. Each start
// is a Boot event all the same.
//
// # Limits
//
// The disk must keep what it reported as synced. bbolt maps the active segment
// into memory: should a page of it become unreadable while a failed commit is
// rolled back, the process dies, and the next start takes the road above.
// A meta page that is destroyed after the fact, together with the pages of its
// commit, cannot be told from a torn commit; the hub notices by the chain head,
// Acknowledge returns ErrDiverged, and a new epoch begins.
package journal
