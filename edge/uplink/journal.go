package uplink

import (
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// Journal is what the uplink needs of the gateway's journal. All methods are
// called from several goroutines at once. None may wait for the network.
type Journal interface {
	// Tip is the end of the chain: of what is kept, synced to disk.
	Tip() Tip

	// Pending lists, by ascending epoch, what is kept and not acknowledged.
	// Blocks inside that the hub has acknowledged beyond a hole may be listed
	// or not. Epochs with nothing pending are left out.
	Pending() []Pending

	// Read gives consecutive blocks: the first that is kept at or after from,
	// and those that follow without a hole, at most maxBlocks of together at
	// most maxBytes, but at least one. Run.First is greater than from where
	// blocks are missing, whose loss the chain declares. A Run without blocks
	// says that nothing is kept from there on. The blocks are the caller's.
	Read(epoch uint32, from uint64, maxBlocks, maxBytes int) (Run, error)

	// Acknowledge takes what the hub has synced to its disk; the journal may
	// forget it. It fails, and forgets nothing, where head is not that of its
	// own chain after block Committed. Repeating or going back has no effect.
	Acknowledge(Commit) error

	// StartEpoch begins a new epoch because the hub cannot go on with the
	// present one. What is pending stays.
	StartEpoch(reason string) error

	// Numbers are the journal's counts for the gateway's State.
	Numbers() *pb.Journal

	// Kept receives a value after blocks were kept or an epoch began. It has
	// capacity 1 and is never closed; one value may stand for many blocks.
	Kept() <-chan struct{}
}

// Tip is the end of a chain.
type Tip struct {
	Epoch    uint32
	Last     uint64     // number of the last block kept, 0 before the first
	Head     chain.Head // after it
	Readings uint64     // kept in the epoch, up to and with it
}

// Pending is what an epoch holds that is not acknowledged: all blocks from
// First to Last, where none is missing.
type Pending struct {
	Epoch       uint32
	First, Last uint64
}

// Run is consecutive blocks of an epoch.
type Run struct {
	Epoch    uint32
	First    uint64
	PrevHead chain.Head // before First
	Blocks   [][]byte   // canonical bytes
}

// Commit is what the hub has committed of an epoch.
type Commit struct {
	Epoch     uint32
	Committed uint64     // blocks 1 to Committed, 0 for none
	Head      chain.Head // after it, as the hub says
	Beyond    []Range    // committed beyond the first hole, ascending
}

// Range is the blocks First to Last.
type Range struct{ First, Last uint64 }
