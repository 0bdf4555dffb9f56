// Package batch is what the hub has committed, as its contexts tell one
// another: the readings and events of one parcel, in columns. Intake makes
// batches after the commit that made them safe; history, registry and the live
// pages take them. A batch is shared by all of them and never changed.
package batch

import (
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Batch is the content of one committed parcel.
type Batch struct {
	ID          int64 // of the stored parcel: rises in the order of commits
	Gateway     string
	Epoch       uint32
	First, Last uint64 // numbers of its blocks
	Live        bool   // it came on the live lane
	Received    int64  // hub's clock when it came in, Unix ms
	Readings    int    // in all columns together
	Boots       []Boot
	Events      []Event // in the order of the chain
}

// Boot is what one boot of the gateway contributed.
type Boot struct {
	Boot    uint32 // ordinal
	Columns []Column
}

// Column is the readings of one series, in the order of the chain: ticks
// nearly always rise, but nothing here has checked that.
type Column struct {
	Series uint32
	Ticks  []int64 // CLOCK_BOOTTIME of the boot, ms
	Values []int64 // as many; 0 where the quality carries no value
	Flaws  []Flaw  // the readings whose quality is not OK, At ascending
}

// Flaw is the quality of one reading of a column.
type Flaw struct {
	At      int // index into Ticks and Values
	Quality reading.Quality
}

// Event is an event of a block.
type Event struct {
	Block    uint64
	Position int    // within the block, from 0
	Boot     uint32 // of the block
	Raw      []byte // as it stands in the block
	// Event is the decoded Raw. Its Kind is nil where this version does not
	// know the kind; Event itself is nil where the bytes are no event at all.
	Event *pb.Event
}

// Each calls yield for every reading of the column.
func (c *Column) Each(yield func(tick, value int64, q reading.Quality)) {
	flaw := 0
	for i, tick := range c.Ticks {
		q := reading.OK
		if flaw < len(c.Flaws) && c.Flaws[flaw].At == i {
			q = c.Flaws[flaw].Quality
			flaw++
		}
		yield(tick, c.Values[i], q)
	}
}
