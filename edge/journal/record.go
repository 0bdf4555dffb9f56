package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"google.golang.org/protobuf/encoding/protowire"

	"frostline/proto/chain"
)

// A record is what a segment holds of a block, under the block's number as 8
// bytes, big-endian:
//
//	head before the block (32) | CRC-32C (4, big-endian) | format 0 (1) | block
//
// The checksum covers epoch, number and all the rest, so that a record found
// anywhere on a damaged disk tells whether it is whole and where it belongs.
// Blocks are not compressed: at 60 readings zstd makes none smaller.
type record struct {
	number uint64
	prev   chain.Head // before the block
	raw    []byte     // the block's canonical bytes
}

const (
	recordHeader = len(chain.Head{}) + 4 + 1
	formatPlain  = 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errRecord = errors.New("damaged record")

// head is the chain head after the block.
func (r *record) head() chain.Head { return chain.Next(r.prev, r.raw) }

func recordKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func (r *record) encode(epoch uint32) []byte {
	b := make([]byte, recordHeader, recordHeader+len(r.raw))
	copy(b, r.prev[:])
	b[recordHeader-1] = formatPlain
	b = append(b, r.raw...)
	binary.BigEndian.PutUint32(b[len(r.prev):], recordSum(epoch, r.number, b))
	return b
}

func recordSum(epoch uint32, number uint64, value []byte) uint32 {
	var place [12]byte
	binary.BigEndian.PutUint32(place[:], epoch)
	binary.BigEndian.PutUint64(place[4:], number)
	sum := crc32.Checksum(place[:], castagnoli)
	sum = crc32.Update(sum, castagnoli, value[:len(chain.Head{})])
	return crc32.Update(sum, castagnoli, value[len(chain.Head{})+4:])
}

// parseRecord checks a record. The result aliases v.
func parseRecord(epoch uint32, k, v []byte) (record, error) {
	if len(k) != 8 || len(v) <= recordHeader {
		return record{}, fmt.Errorf("%w: key of %d bytes, value of %d", errRecord, len(k), len(v))
	}
	r := record{number: binary.BigEndian.Uint64(k), raw: v[recordHeader:]}
	copy(r.prev[:], v)
	if binary.BigEndian.Uint32(v[len(r.prev):]) != recordSum(epoch, r.number, v) {
		return r, fmt.Errorf("%w: checksum of block %d of epoch %d", errRecord, r.number, epoch)
	}
	if f := v[recordHeader-1]; f != formatPlain {
		return r, fmt.Errorf("%w: block %d of epoch %d has format %d, from a later version", errRecord, r.number, epoch, f)
	}
	return r, nil
}

// clone makes a record that does not alias a file's memory.
func (r record) clone() record {
	r.raw = bytes.Clone(r.raw)
	return r
}

// blockStart reads what stands first in a block: its number, the readings
// before it and its boot. It is all that counting pending readings needs.
func blockStart(raw []byte) (number, before uint64, boot uint32, err error) {
	for {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 || num > 3 || typ != protowire.VarintType {
			break
		}
		v, m := protowire.ConsumeVarint(raw[n:])
		if m < 0 {
			break
		}
		switch num {
		case 1:
			number = v
		case 2:
			before = v
		case 3:
			boot = uint32(v)
		}
		raw = raw[n+m:]
	}
	if number == 0 {
		return 0, 0, 0, fmt.Errorf("%w: a block without number", errRecord)
	}
	return number, before, boot, nil
}
