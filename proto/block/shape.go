package block

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"frostline/proto/reading"
)

// shape is which series have readings at which ticks, apart from when the
// first tick was: the part of a block that seldom changes from one to the
// next. bytes are the fields tick_gap, series and presence as they stand in
// the block.
type shape struct {
	bytes []byte
	cells []cell
}

// cell is the place of one reading.
type cell struct {
	series uint32
	offset int64 // of its tick from the first, ms
}

// appendShape writes the shape of sorted readings and returns the first tick.
func appendShape(dst []byte, r []reading.Reading) ([]byte, int64, error) {
	if len(r) == 0 {
		return dst, 0, nil
	}
	var tickArray [64]int64
	var seriesArray [64]uint32
	ticks, series := tickArray[:0], seriesArray[:0]
	for i := range r {
		switch {
		case i == 0 || r[i].Series > r[i-1].Series:
			series = append(series, r[i].Series)
		case r[i].Series < r[i-1].Series || r[i].Tick <= r[i-1].Tick:
			return dst, 0, malformed("readings out of order: series %d tick %d after series %d tick %d",
				r[i].Series, r[i].Tick, r[i-1].Series, r[i-1].Tick)
		}
		if n := len(ticks); n == 0 || r[i].Tick > ticks[n-1] {
			ticks = append(ticks, r[i].Tick)
		} else if at, found := slices.BinarySearch(ticks, r[i].Tick); !found {
			ticks = slices.Insert(ticks, at, r[i].Tick)
		}
	}
	if n := len(ticks) * len(series); n > MaxCells {
		return dst, 0, malformed("%d ticks of %d series: the limit is %d cells", len(ticks), len(series), MaxCells)
	}
	if len(ticks) > 1 {
		dst = appendPacked(dst, fieldTickGap, func(b []byte) []byte {
			for i := 1; i < len(ticks); i++ {
				b = protowire.AppendVarint(b, uint64(ticks[i]-ticks[i-1]))
			}
			return b
		})
	}
	dst = appendPacked(dst, fieldSeries, func(b []byte) []byte {
		next := uint32(0)
		for i := 0; i < len(series); {
			j := i + 1
			for j < len(series) && series[j] == series[j-1]+1 {
				j++
			}
			b = protowire.AppendVarint(b, uint64(series[i]-next))
			b = protowire.AppendVarint(b, uint64(j-i-1))
			next = series[j-1] + 1
			i = j
		}
		return b
	})
	if len(r) != len(ticks)*len(series) {
		bits := make([]byte, (len(ticks)*len(series)+7)/8)
		row := -1
		for i := range r {
			if i == 0 || r[i].Series != r[i-1].Series {
				row++
			}
			col, _ := slices.BinarySearch(ticks, r[i].Tick)
			n := row*len(ticks) + col
			bits[n/8] |= 1 << (n % 8)
		}
		dst = protowire.AppendTag(dst, fieldPresence, protowire.BytesType)
		dst = protowire.AppendBytes(dst, bits)
	}
	return dst, ticks[0], nil
}

// parseShape reads the three fields of a shape, refuses any that appendShape
// would write otherwise, and lists the cells.
func parseShape(b []byte) (*shape, error) {
	s := &shape{bytes: slices.Clone(b)}
	if len(b) == 0 {
		return s, nil
	}
	offsets := []int64{0}
	var series []uint32
	var presence []byte
	for rest := b; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 || typ != protowire.BytesType {
			return nil, malformed("shape field")
		}
		v, m := protowire.ConsumeBytes(rest[n:])
		if m < 0 {
			return nil, malformed("shape field %d is cut short", num)
		}
		rest = rest[n+m:]
		switch num {
		case fieldTickGap:
			for len(v) > 0 {
				gap, k := protowire.ConsumeVarint(v)
				if k < 0 || gap == 0 || gap > maxTickGap || len(offsets) >= MaxCells {
					return nil, malformed("tick gap")
				}
				offsets = append(offsets, offsets[len(offsets)-1]+int64(gap))
				v = v[k:]
			}
		case fieldSeries:
			next := uint64(0)
			for len(v) > 0 {
				skip, k := protowire.ConsumeVarint(v)
				if k < 0 {
					return nil, malformed("series skip")
				}
				run, l := protowire.ConsumeVarint(v[k:])
				if l < 0 || run >= MaxCells || skip > 1<<32 || next+skip+run >= 1<<32 || len(series)+int(run)+1 > MaxCells {
					return nil, malformed("series run")
				}
				next += skip
				for range run + 1 {
					series = append(series, uint32(next))
					next++
				}
				v = v[k+l:]
			}
		case fieldPresence:
			presence = v
		default:
			return nil, malformed("field %d in a shape", num)
		}
	}
	total := len(offsets) * len(series)
	if total == 0 || total > MaxCells {
		return nil, malformed("%d ticks of %d series", len(offsets), len(series))
	}
	if presence != nil && len(presence) != (total+7)/8 {
		return nil, malformed("presence of %d bytes for %d cells", len(presence), total)
	}
	s.cells = make([]cell, 0, total)
	probe := make([]reading.Reading, 0, total)
	for i, id := range series {
		for j, off := range offsets {
			if n := i*len(offsets) + j; presence == nil || presence[n/8]&(1<<(n%8)) != 0 {
				s.cells = append(s.cells, cell{id, off})
				probe = append(probe, reading.Reading{Series: id, Tick: off})
			}
		}
	}
	again, _, err := appendShape(nil, probe)
	if err != nil || !slices.Equal(again, b) {
		return nil, malformed("shape is not canonical")
	}
	return s, nil
}
