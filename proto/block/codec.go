package block

import (
	"bytes"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"frostline/proto/reading"
)

// Field numbers of message Block.
const (
	fieldNumber   = 1
	fieldBefore   = 2
	fieldBoot     = 3
	fieldBase     = 4
	fieldTickGap  = 5
	fieldSeries   = 6
	fieldPresence = 7
	fieldValue    = 8
	fieldQuality  = 9
	fieldEvent    = 10
)

const maxTickGap = 1 << 40 // ms, 34 years

// AppendTo appends the block's canonical bytes to dst. It fails on readings
// out of order and on more than the limits allow.
func (b *Block) AppendTo(dst []byte) ([]byte, error) {
	var array [128]byte
	shape, base, err := appendShape(array[:0], b.Readings)
	if err != nil {
		return dst, err
	}
	return b.appendWith(dst, shape, base)
}

// appendWith is AppendTo with the shape known.
func (b *Block) appendWith(dst, shape []byte, base int64) ([]byte, error) {
	start := len(dst)
	if b.Number == 0 {
		return dst, malformed("block number 0")
	}
	if len(b.Events) > MaxEvents {
		return dst, malformed("%d events: the limit is %d", len(b.Events), MaxEvents)
	}
	dst = appendUint(dst, fieldNumber, b.Number)
	dst = appendUint(dst, fieldBefore, b.Before)
	dst = appendUint(dst, fieldBoot, uint64(b.Boot))
	dst = appendUint(dst, fieldBase, protowire.EncodeZigZag(base))
	dst = append(dst, shape...)
	dst = appendPacked(dst, fieldValue, func(p []byte) []byte {
		last := int64(0)
		for i := range b.Readings {
			r := &b.Readings[i]
			if i == 0 || r.Series != b.Readings[i-1].Series {
				last = 0
			}
			if r.Quality.HasValue() {
				p = protowire.AppendVarint(p, protowire.EncodeZigZag(r.Value-last))
				last = r.Value
			}
		}
		return p
	})
	dst = appendPacked(dst, fieldQuality, func(p []byte) []byte { return appendQuality(p, b.Readings) })
	for _, e := range b.Events {
		dst = protowire.AppendTag(dst, fieldEvent, protowire.BytesType)
		dst = protowire.AppendBytes(dst, e)
	}
	if len(dst)-start > MaxBytes {
		return dst[:start], malformed("%d bytes: the limit is %d", len(dst)-start, MaxBytes)
	}
	return dst, nil
}

// appendQuality writes the qualities other than OK as (skip, quality) pairs.
func appendQuality(p []byte, r []reading.Reading) []byte {
	skip := uint64(0)
	for i := range r {
		if r[i].Quality == reading.OK {
			skip++
			continue
		}
		p = protowire.AppendVarint(p, skip)
		p = append(p, byte(r[i].Quality)) // below 128: a varint of one byte
		skip = 0
	}
	return p
}

// parseQuality sets the qualities of r from pairs.
func parseQuality(p []byte, r []reading.Reading) error {
	for at := 0; len(p) > 0; at++ {
		skip, n := protowire.ConsumeVarint(p)
		if n < 0 || skip > uint64(len(r)) || at+int(skip) >= len(r) || len(p) == n || p[n] == 0 || p[n] > 127 {
			return malformed("quality")
		}
		at += int(skip)
		r[at].Quality = reading.Quality(p[n])
		p = p[n+1:]
	}
	return nil
}

// Decode reads one block. It accepts canonical bytes only, so that decoding
// and encoding are inverse to each other. The result does not alias data.
func Decode(data []byte) (*Block, error) {
	b, _, err := decode(data)
	return b, err
}

func decode(data []byte) (*Block, *shape, error) {
	if len(data) > MaxBytes {
		return nil, nil, malformed("%d bytes: the limit is %d", len(data), MaxBytes)
	}
	b := &Block{}
	var base int64
	var values, qualities []byte
	shapeFrom, shapeTo := 0, 0
	for at := 0; at < len(data); {
		num, typ, n := protowire.ConsumeTag(data[at:])
		if n < 0 {
			return nil, nil, malformed("tag at byte %d", at)
		}
		from := at
		at += n
		if num <= fieldBase {
			v, m := protowire.ConsumeVarint(data[at:])
			if m < 0 || typ != protowire.VarintType {
				return nil, nil, malformed("field %d at byte %d", num, from)
			}
			at += m
			switch num {
			case fieldNumber:
				b.Number = v
			case fieldBefore:
				b.Before = v
			case fieldBoot:
				if v > math.MaxUint32 {
					return nil, nil, malformed("boot %d", v)
				}
				b.Boot = uint32(v)
			case fieldBase:
				base = protowire.DecodeZigZag(v)
			}
			continue
		}
		v, m := protowire.ConsumeBytes(data[at:])
		if m < 0 || typ != protowire.BytesType {
			return nil, nil, malformed("field %d at byte %d", num, from)
		}
		at += m
		switch num {
		case fieldTickGap, fieldSeries, fieldPresence:
			if shapeTo == 0 {
				shapeFrom = from
			}
			shapeTo = at
		case fieldValue:
			values = v
		case fieldQuality:
			qualities = v
		case fieldEvent:
			b.Events = append(b.Events, bytes.Clone(v))
		default:
			return nil, nil, malformed("field %d at byte %d", num, from)
		}
	}
	s, err := parseShape(data[shapeFrom:shapeTo])
	if err != nil {
		return nil, nil, err
	}
	if base != 0 && len(s.cells) == 0 {
		return nil, nil, malformed("a first tick without readings")
	}
	b.Readings = make([]reading.Reading, len(s.cells))
	for i, c := range s.cells {
		b.Readings[i].Series, b.Readings[i].Tick = c.series, base+c.offset
	}
	if err := parseQuality(qualities, b.Readings); err != nil {
		return nil, nil, err
	}
	last := int64(0)
	for i := range b.Readings {
		r := &b.Readings[i]
		if i > 0 && r.Series != b.Readings[i-1].Series {
			last = 0
		}
		if !r.Quality.HasValue() {
			continue
		}
		v, n := protowire.ConsumeVarint(values)
		if n < 0 {
			return nil, nil, malformed("values end at reading %d of %d", i, len(b.Readings))
		}
		values = values[n:]
		last += protowire.DecodeZigZag(v)
		r.Value = last
	}
	again, err := b.appendWith(nil, s.bytes, base)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, nil, malformed("not canonical")
	}
	return b, s, nil
}

func appendUint(dst []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}

// appendPacked writes a length-delimited field, or nothing where fill adds
// nothing. The length is moved in afterwards, so that fill runs once.
func appendPacked(dst []byte, field protowire.Number, fill func([]byte) []byte) []byte {
	start := len(dst)
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	body := len(dst)
	dst = fill(dst)
	n := len(dst) - body
	if n == 0 {
		return dst[:start]
	}
	size := protowire.SizeVarint(uint64(n))
	dst = append(dst, make([]byte, size)...)
	copy(dst[body+size:], dst[body:body+n])
	protowire.AppendVarint(dst[:body], uint64(n))
	return dst
}
