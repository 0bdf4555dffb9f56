package block

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"

	"frostline/proto/reading"
)

// Limits of one bundle.
const (
	MaxBundleBlocks = 1 << 14
	MaxBundleBytes  = 8 << 20 // before compression
)

// A bundle is a zstd frame of this, all numbers varints, "zig" zigzag varints:
//
//	version 1 | first number | first before | blocks
//	seven streams, each as length and bytes:
//	shapes     the distinct shapes, each as length and bytes
//	layout     for each block: index of its shape, zig boot difference,
//	           zig second difference of the first tick
//	qualities  for each block: length and (skip, quality) pairs
//	orders     for each series, ascending: order of its differences, 1 or 2
//	values     for each series, ascending: zig differences through all blocks
//	events     for each block: count, then each as length and bytes
//	(end)
const bundleVersion = 1

// Codecs are made once: a zstd encoder holds megabytes. EncodeAll and
// DecodeAll may be called concurrently.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(512<<10), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // the options are constant
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(MaxBundleBytes))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// track is the run of one series through the blocks of a bundle.
type track struct {
	values []int64
	order  int // of the differences
	last   int64
	slope  int64
	rest   []byte // when decoding: what follows in the stream
}

// Pack bundles consecutive encoded blocks. It fails where they are malformed,
// not consecutive, their counts do not chain, or they exceed the limits; such
// blocks can still be sent one by one.
func Pack(blocks [][]byte) ([]byte, error) {
	if len(blocks) == 0 || len(blocks) > MaxBundleBlocks {
		return nil, fmt.Errorf("pack %d blocks: want 1 to %d", len(blocks), MaxBundleBlocks)
	}
	var shapes, layout, qualities, events []byte
	known := map[string]int{}
	tracks := map[uint32]*track{}
	var first, prev *Block
	var lastBase, lastStep int64
	for _, raw := range blocks {
		b, s, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("pack: %w", err)
		}
		if first == nil {
			first, prev = b, &Block{Number: b.Number - 1, Before: b.Before, Boot: 0}
		}
		if b.Number != prev.Number+1 || b.Before != prev.After() {
			return nil, fmt.Errorf("pack: block %d with %d readings before it does not follow block %d with %d",
				b.Number, b.Before, prev.Number, prev.After())
		}
		index, ok := known[string(s.bytes)]
		if !ok {
			index = len(known)
			known[string(s.bytes)] = index
			shapes = protowire.AppendBytes(shapes, s.bytes)
		}
		base := lastBase
		if len(b.Readings) > 0 {
			base = b.Readings[0].Tick - s.cells[0].offset
		}
		layout = protowire.AppendVarint(layout, uint64(index))
		layout = protowire.AppendVarint(layout, protowire.EncodeZigZag(int64(b.Boot)-int64(prev.Boot)))
		layout = protowire.AppendVarint(layout, protowire.EncodeZigZag(base-lastBase-lastStep))
		lastBase, lastStep = base, base-lastBase
		qualities = protowire.AppendBytes(qualities, appendQuality(nil, b.Readings))
		for i := range b.Readings {
			r := &b.Readings[i]
			t := tracks[r.Series]
			if t == nil {
				t = &track{}
				tracks[r.Series] = t
			}
			if r.Quality.HasValue() {
				t.values = append(t.values, r.Value)
			}
		}
		events = protowire.AppendVarint(events, uint64(len(b.Events)))
		for _, e := range b.Events {
			events = protowire.AppendBytes(events, e)
		}
		prev = b
	}
	var orders, values []byte
	for _, id := range slices.Sorted(maps.Keys(tracks)) {
		order, diffs := tracks[id].differences()
		orders = append(orders, byte(order))
		values = protowire.AppendBytes(values, diffs)
	}
	out := []byte{bundleVersion}
	out = protowire.AppendVarint(out, first.Number)
	out = protowire.AppendVarint(out, first.Before)
	out = protowire.AppendVarint(out, uint64(len(blocks)))
	for _, stream := range [][]byte{shapes, layout, qualities, orders, values, events} {
		out = protowire.AppendBytes(out, stream)
	}
	if len(out) > MaxBundleBytes {
		return nil, fmt.Errorf("pack: %d bytes: the limit is %d", len(out), MaxBundleBytes)
	}
	return encoder().EncodeAll(out, nil), nil
}

// differences encodes the values by whichever order of differences is smaller.
// A temperature wants the first, a vehicle on a straight road the second.
func (t *track) differences() (order int, diffs []byte) {
	var one, two []byte
	var last, slope int64
	for _, v := range t.values {
		d := v - last
		one = protowire.AppendVarint(one, protowire.EncodeZigZag(d))
		two = protowire.AppendVarint(two, protowire.EncodeZigZag(d-slope))
		last, slope = v, d
	}
	if len(two) < len(one) {
		return 2, two
	}
	return 1, one
}

// next takes the following value of the series from its stream.
func (t *track) next() (int64, bool) {
	v, n := binary.Uvarint(t.rest)
	if n <= 0 {
		return 0, false
	}
	t.rest = t.rest[n:]
	d := protowire.DecodeZigZag(v)
	if t.order == 2 {
		d += t.slope
		t.slope = d
	}
	t.last += d
	return t.last, true
}

// stream reads from one stream of a bundle; the first failure sticks.
type stream struct {
	rest   []byte
	failed bool
}

func (s *stream) varint() uint64 {
	v, n := binary.Uvarint(s.rest)
	if n <= 0 {
		s.failed, s.rest = true, nil
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

func (s *stream) zig() int64 { return protowire.DecodeZigZag(s.varint()) }

func (s *stream) bytes() []byte {
	n := s.varint()
	if n > uint64(len(s.rest)) {
		s.failed, s.rest = true, nil
		return nil
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

// Unpack gives each block of a bundle, decoded and as its canonical bytes, in
// order. Both are valid only until yield returns; an error of yield ends it.
// Nothing that was yielded counts unless Unpack returns nil.
func Unpack(bundle []byte, yield func(b *Block, raw []byte) error) error {
	data, err := decoder().DecodeAll(bundle, nil)
	if err != nil {
		return malformed("bundle: %v", err)
	}
	head := &stream{rest: data}
	if v := head.varint(); v != bundleVersion {
		return malformed("bundle version %d", v)
	}
	b := &Block{Number: head.varint(), Before: head.varint()}
	count := head.varint()
	var streams [6]stream
	for i := range streams {
		streams[i].rest = head.bytes()
	}
	if head.failed || len(head.rest) > 0 || count == 0 || count > MaxBundleBlocks || b.Number+count < count {
		return malformed("bundle header")
	}
	shapes, err := unpackShapes(streams[0].rest, int(count))
	if err != nil {
		return err
	}
	layout, qualities, events := &streams[1], &streams[2], &streams[5]
	tracks, err := unpackTracks(shapes, streams[3].rest, &streams[4])
	if err != nil {
		return err
	}
	var raw []byte
	var boot, lastBase, lastStep int64
	for i := range count {
		index := layout.varint()
		boot += layout.zig()
		base := lastBase + lastStep + layout.zig()
		lastBase, lastStep = base, base-lastBase
		if index >= uint64(len(shapes)) || boot < 0 || boot >= 1<<32 {
			return malformed("bundle layout of block %d", b.Number)
		}
		s := shapes[index]
		b.Boot = uint32(boot)
		b.Readings = b.Readings[:0]
		for _, c := range s.cells {
			b.Readings = append(b.Readings, reading.Reading{Series: c.series, Tick: base + c.offset})
		}
		if err := parseQuality(qualities.bytes(), b.Readings); err != nil {
			return err
		}
		var t *track
		for k := range b.Readings {
			r := &b.Readings[k]
			if k == 0 || r.Series != b.Readings[k-1].Series {
				t = tracks[r.Series]
			}
			if !r.Quality.HasValue() {
				continue
			}
			v, ok := t.next()
			if !ok {
				return malformed("bundle values of series %d end at block %d", r.Series, b.Number)
			}
			r.Value = v
		}
		b.Events = b.Events[:0]
		for range min(events.varint(), MaxEvents+1) {
			b.Events = append(b.Events, events.bytes())
		}
		if len(s.cells) == 0 {
			base = 0
		}
		if raw, err = b.appendWith(raw[:0], s.bytes, base); err != nil {
			return err
		}
		if layout.failed || qualities.failed || events.failed {
			return malformed("bundle cut short at block %d", b.Number)
		}
		if err := yield(b, raw); err != nil {
			return err
		}
		if i+1 < count {
			b.Before = b.After()
			b.Number++
		}
	}
	for _, t := range tracks {
		if len(t.rest) > 0 {
			return malformed("bundle has values left over")
		}
	}
	if len(layout.rest)+len(qualities.rest)+len(events.rest) > 0 {
		return malformed("bundle has bytes left over")
	}
	return nil
}

func unpackShapes(b []byte, blocks int) ([]*shape, error) {
	var shapes []*shape
	for s := (&stream{rest: b}); len(s.rest) > 0; {
		raw := s.bytes()
		if s.failed || len(shapes) >= blocks {
			return nil, malformed("bundle shapes")
		}
		if slices.ContainsFunc(shapes, func(o *shape) bool { return bytes.Equal(o.bytes, raw) }) {
			return nil, malformed("bundle shape twice")
		}
		one, err := parseShape(raw)
		if err != nil {
			return nil, err
		}
		shapes = append(shapes, one)
	}
	return shapes, nil
}

// unpackTracks lines the value streams up with the series of the shapes.
func unpackTracks(shapes []*shape, orders []byte, values *stream) (map[uint32]*track, error) {
	tracks := map[uint32]*track{}
	for _, s := range shapes {
		for _, c := range s.cells {
			if tracks[c.series] == nil {
				tracks[c.series] = &track{}
			}
		}
	}
	if len(orders) != len(tracks) {
		return nil, malformed("bundle has %d orders for %d series", len(orders), len(tracks))
	}
	for i, id := range slices.Sorted(maps.Keys(tracks)) {
		t := tracks[id]
		t.order, t.rest = int(orders[i]), values.bytes()
		if t.order != 1 && t.order != 2 {
			return nil, malformed("bundle order %d", t.order)
		}
	}
	if values.failed || len(values.rest) > 0 {
		return nil, malformed("bundle values")
	}
	return tracks, nil
}
