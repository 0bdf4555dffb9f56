package view

import "frostline/proto/reading"

// Account is the reckoning of one epoch of one gateway, in readings:
//
//	Produced = Committed + Pending + Gaps
//
// Produced is what the gateway itself says it kept (by its signed seals and
// its state), Committed what the hub has counted in its own store, Pending
// what the gateway last said it still holds, and Gaps what it has declared
// lost. They come from different places, which is why they can disagree.
type Account struct {
	Gateway   string
	Epoch     uint32
	Produced  uint64
	Committed uint64
	Pending   uint64
	Gaps      uint64

	Through     uint64 // blocks 1..Through are committed
	Last        uint64 // highest block number known of
	Holes       int    // stretches of blocks missing below the highest committed
	Quarantined uint64 // parcels refused and kept with their reasons

	AddsUp bool
	Note   string // why it does not add up, or what it rests on
	AsOf   int64  // hub's clock when the gateway last told what it had
}

// Difference is what is missing (negative) or too much (positive) for the
// account to add up.
func (a Account) Difference() int64 {
	return int64(a.Committed + a.Pending + a.Gaps - a.Produced)
}

// Batch is what the feed tells of one commit: readings of one gateway that are
// safe at the hub from now on.
type Batch struct {
	Gateway  string
	Received int64 // hub's clock at the commit
	Readings []Taken
}

// Taken is a reading of a batch with the series it belongs to.
type Taken struct {
	Sensor   string
	Quantity reading.Quantity
	Reading
}
