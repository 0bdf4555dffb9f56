package uplink

import (
	"frostline/edge/journal"
	"frostline/proto/pb"
)

// Journal is what the uplink needs of the gateway's journal. All methods are
// called from several goroutines at once. None may wait for the network.
// Package journal says what the types and ErrDiverged mean.
type Journal interface {
	// Tip is the end of the chain: of what is kept, synced to disk. Its Epoch
	// is 0 while that is not known.
	Tip() journal.Tip

	// Pending lists, by ascending epoch, what is kept and not acknowledged.
	// Blocks inside that the hub has acknowledged beyond a hole may be listed
	// or not. Epochs with nothing pending are left out.
	Pending() []journal.Pending

	// Read gives consecutive blocks: the first that is kept at or after from,
	// and those that follow without a hole, at most maxBlocks of together at
	// most maxBytes, but at least one. Run.First is greater than from where
	// blocks are missing, whose loss the chain declares. A Run without blocks
	// says that nothing is kept from there on. The blocks are not to be changed.
	Read(epoch uint32, from uint64, maxBlocks, maxBytes int) (journal.Run, error)

	// Acknowledge takes what the hub has synced to its disk; the journal may
	// forget it. It fails with journal.ErrDiverged, and forgets nothing, where that is
	// not its own chain. Repeating or going back has no effect.
	Acknowledge(journal.Commit) error

	// StartEpoch begins a new epoch because the hub cannot go on with the
	// present one. What is pending stays.
	StartEpoch(reason string) error

	// Numbers are the journal's counts for the gateway's State.
	Numbers() *pb.Journal

	// Kept receives a value after blocks were kept or an epoch began. It has
	// capacity 1 and is never closed; one value may stand for many blocks.
	Kept() <-chan struct{}
}
