package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"frostline/proto/reading"
)

// A chunk is a version byte and a body, all numbers varints, "zig" zigzag
// varints. In version 2 the body is a zstd frame of this:
//
//	number of readings
//	ticks      first offset, then zig second differences
//	qualities  (skip, quality) pairs of those that are not OK, with their number before
//	values     zig differences, without those whose quality carries none
//	(end)
const (
	plainChunk      = 1
	compressedChunk = 2
)

// maxChunkBytes bounds a decoded chunk: a reading each millisecond.
const maxChunkBytes = 512 << 20

// unpacked holds what decoded chunks are read from, where they are of the usual
// size.
var unpacked = sync.Pool{New: func() any { return new([]byte) }}

const maxUnpacked = 1 << 20

var errChunk = errors.New("malformed chunk")

var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(512<<10), zstd.WithEncoderCRC(true), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			panic(err) // the options are constant
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(4), zstd.WithDecoderMaxMemory(maxChunkBytes))
		if err != nil {
			panic(err)
		}
		return d
	})
)

func zig(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzig(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// encode makes the bytes of a chunk.
func (p points) encode() []byte {
	plain := make([]byte, 0, 4*p.len()+16)
	plain = binary.AppendUvarint(plain, uint64(p.len()))
	var last, step int64
	for i, o := range p.offsets {
		if i == 0 {
			plain = binary.AppendUvarint(plain, uint64(o))
		} else {
			d := int64(o) - last
			plain = binary.AppendUvarint(plain, zig(d-step))
			step = d
		}
		last = int64(o)
	}
	plain = binary.AppendUvarint(plain, uint64(len(p.flaws)))
	next := int32(0)
	for _, f := range p.flaws {
		plain = binary.AppendUvarint(plain, uint64(f.at-next))
		plain = append(plain, byte(f.quality))
		next = f.at + 1
	}
	last = 0
	r := reader{points: p}
	for !r.done() {
		if _, v, q := r.take(); q.HasValue() {
			plain = binary.AppendUvarint(plain, zig(v-last))
			last = v
		}
	}
	out := encoder().EncodeAll(plain, []byte{compressedChunk})
	if len(out) > len(plain)+1 {
		out = append(append(out[:0], plainChunk), plain...)
	}
	return out
}

// decode is the inverse of encode. It accepts nothing that could not have come
// from it.
func decode(data []byte) (p points, err error) {
	if len(data) == 0 {
		return p, fmt.Errorf("%w: empty", errChunk)
	}
	plain := data[1:]
	switch data[0] {
	case plainChunk:
	case compressedChunk:
		room := unpacked.Get().(*[]byte)
		defer unpacked.Put(room)
		if plain, err = decoder().DecodeAll(plain, (*room)[:0]); err != nil {
			return p, fmt.Errorf("%w: %v", errChunk, err)
		}
		if cap(plain) <= maxUnpacked {
			*room = plain
		}
	default:
		return p, fmt.Errorf("%w: version %d", errChunk, data[0])
	}
	s := bytesReader{plain}
	n := s.uvarint()
	if n > uint64(len(plain)) || n > Window {
		return p, fmt.Errorf("%w: %d readings in %d bytes", errChunk, n, len(plain))
	}
	p.offsets = make([]int32, n)
	var last, step int64
	for i := range p.offsets {
		if i == 0 {
			last = int64(s.uvarint())
		} else {
			step += unzig(s.uvarint())
			last += step
		}
		if last < 0 || last >= Window || i > 0 && step <= 0 {
			return p, fmt.Errorf("%w: reading %d is %d ms into the window", errChunk, i, last)
		}
		p.offsets[i] = int32(last)
	}
	flaws := s.uvarint()
	if flaws > n {
		return p, fmt.Errorf("%w: %d qualities of %d readings", errChunk, flaws, n)
	}
	if flaws > 0 {
		p.flaws = make([]flaw, flaws)
	}
	next := uint64(0)
	for i := range p.flaws {
		at, q := next+s.uvarint(), s.byte()
		if at < next || at >= n || q == 0 {
			return p, fmt.Errorf("%w: quality %d of reading %d", errChunk, q, at)
		}
		p.flaws[i] = flaw{int32(at), reading.Quality(q)}
		next = at + 1
	}
	p.values = make([]int64, n)
	last = 0
	for i, f := 0, 0; i < len(p.values); i++ {
		if f < len(p.flaws) && int(p.flaws[f].at) == i {
			f++
			if !p.flaws[f-1].quality.HasValue() {
				continue
			}
		}
		last += unzig(s.uvarint())
		p.values[i] = last
	}
	if s.rest == nil || len(s.rest) > 0 {
		return p, fmt.Errorf("%w: %d bytes left over", errChunk, len(s.rest))
	}
	return p, nil
}

// bytesReader reads numbers; after the end all are 0 and rest is nil.
type bytesReader struct{ rest []byte }

func (s *bytesReader) uvarint() uint64 {
	if len(s.rest) > 0 && s.rest[0] < 0x80 {
		v := s.rest[0]
		s.rest = s.rest[1:]
		return uint64(v)
	}
	if len(s.rest) > 1 && s.rest[1] < 0x80 {
		v := uint64(s.rest[0]&0x7f) | uint64(s.rest[1])<<7
		s.rest = s.rest[2:]
		return v
	}
	v, n := binary.Uvarint(s.rest)
	if n <= 0 {
		s.rest = nil
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

func (s *bytesReader) byte() byte {
	if len(s.rest) == 0 {
		s.rest = nil
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}
