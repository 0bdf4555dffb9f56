// Package block is the codec of blocks, the unit that a gateway keeps, sends
// and is acknowledged for, and of bundles, many blocks packed for the wire.
//
// A block's bytes are the protobuf message Block of proto/pb, written
// canonically: one content has one encoding, because the hash chain is made of
// those bytes. A bundle carries the columns of many blocks together, which
// takes about a byte a reading, and gives back each block byte for byte.
package block

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Limits on what is encoded and on what a decoder accepts.
const (
	MaxBytes  = 64 << 10 // of one encoded block
	MaxCells  = 16 << 10 // ticks × series of one block
	MaxEvents = 1024     // of one block
)

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed block")

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, a...))
}

// Block is a decoded block.
type Block struct {
	Number   uint64            // from 1, without holes within an epoch
	Before   uint64            // readings in the epoch before this block
	Boot     uint32            // ordinal of the boot that took the readings
	Readings []reading.Reading // by series, then tick; no pair twice
	Events   [][]byte          // encoded pb.Event, in order
}

// After is the count of readings in the epoch up to and with this block.
func (b *Block) After() uint64 { return b.Before + uint64(len(b.Readings)) }

// Sort brings readings into the order that a block wants: by series, then tick.
func Sort(r []reading.Reading) {
	slices.SortFunc(r, func(a, b reading.Reading) int {
		if a.Series != b.Series {
			if a.Series < b.Series {
				return -1
			}
			return 1
		}
		return int(min(max(a.Tick-b.Tick, -1), 1))
	})
}

// EncodeEvent makes an event's bytes, as they stand in a block.
func EncodeEvent(e *pb.Event) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return b, nil
}

// DecodeEvent is the inverse of EncodeEvent. An event of a kind that this
// version does not know decodes with a nil Kind.
func DecodeEvent(b []byte) (*pb.Event, error) {
	var e pb.Event
	if err := proto.Unmarshal(b, &e); err != nil {
		return nil, malformed("event: %v", err)
	}
	return &e, nil
}
