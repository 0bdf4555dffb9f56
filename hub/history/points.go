package history

import (
	"slices"

	"frostline/proto/reading"
)

// Window is the length of a chunk in device time, ms.
const Window = 4 * 60 * 60 * 1000

// windowOf is the number of the window that a tick is in.
func windowOf(tick int64) int64 {
	w := tick / Window
	if tick%Window < 0 {
		w--
	}
	return w
}

// points are readings of one window in columns. Offsets are ticks from the
// start of the window, ascending, no two equal. In the head they only grow at
// the end, so that a copy of the struct stays valid without a lock.
type points struct {
	offsets []int32
	values  []int64
	flaws   []flaw // the readings whose quality is not OK, at ascending
}

type flaw struct {
	at      int32
	quality reading.Quality
}

func (p *points) len() int { return len(p.offsets) }

// last is the last offset, -1 without any.
func (p *points) last() int32 {
	if len(p.offsets) == 0 {
		return -1
	}
	return p.offsets[len(p.offsets)-1]
}

func (p *points) add(offset int32, value int64, q reading.Quality) {
	if q != reading.OK {
		p.flaws = append(p.flaws, flaw{int32(len(p.offsets)), q})
	}
	p.offsets = append(p.offsets, offset)
	p.values = append(p.values, value)
}

// reader goes through points in order.
type reader struct {
	points
	at, flaw int
}

func (r *reader) done() bool { return r.at >= len(r.offsets) }

// offset is that of the reading it stands at.
func (r *reader) offset() int32 { return r.offsets[r.at] }

// take gives the reading it stands at and moves on.
func (r *reader) take() (offset int32, value int64, q reading.Quality) {
	offset, value = r.offsets[r.at], r.values[r.at]
	if r.flaw < len(r.flaws) && int(r.flaws[r.flaw].at) == r.at {
		q = r.flaws[r.flaw].quality
		r.flaw++
	}
	r.at++
	return offset, value, q
}

// merge brings several points together. Where some have the same offset one is
// kept and the others counted: the one that better chooses, whatever the order
// of all.
func merge(all []points) (out points, repeated int) {
	all = slices.DeleteFunc(slices.Clone(all), func(p points) bool { return p.len() == 0 })
	switch len(all) {
	case 0:
		return points{}, 0
	case 1:
		return all[0], 0
	}
	if joined, ok := join(all); ok {
		return joined, 0
	}
	total := 0
	readers := make([]reader, len(all))
	for i, p := range all {
		readers[i] = reader{points: p}
		total += p.len()
	}
	out = points{offsets: make([]int32, 0, total), values: make([]int64, 0, total)}
	for len(readers) > 0 {
		next := 0
		for i := range readers {
			if readers[i].offset() < readers[next].offset() {
				next = i
			}
		}
		offset, value, q := readers[next].take()
		for i := range readers {
			if i != next && !readers[i].done() && readers[i].offset() == offset {
				_, v, other := readers[i].take()
				if better(v, other, value, q) {
					value, q = v, other
				}
				repeated++
			}
		}
		out.add(offset, value, q)
		readers = slices.DeleteFunc(readers, func(r reader) bool { return r.done() })
	}
	return out, repeated
}

// better decides which of two readings of the same tick is kept. It looks at
// nothing but the readings, so that the order in which they came is all one.
func better(v int64, q reading.Quality, than int64, thanQ reading.Quality) bool {
	if q != thanQ {
		return q < thanQ
	}
	return v < than
}

// join is merge for points that follow one another.
func join(all []points) (out points, ok bool) {
	slices.SortFunc(all, func(a, b points) int { return int(a.offsets[0]) - int(b.offsets[0]) })
	total := 0
	for i, p := range all {
		if i > 0 && all[i-1].last() >= p.offsets[0] {
			return points{}, false
		}
		total += p.len()
	}
	out = points{offsets: make([]int32, 0, total), values: make([]int64, 0, total)}
	for _, p := range all {
		for _, f := range p.flaws {
			out.flaws = append(out.flaws, flaw{f.at + int32(out.len()), f.quality})
		}
		out.offsets = append(out.offsets, p.offsets...)
		out.values = append(out.values, p.values...)
	}
	return out, true
}

// summary is what a chunk tells without being decoded.
type summary struct {
	readings, usable  int64
	min, max          int64 // of the usable ones
	mean              float64
	firstOff, lastOff int32
	longest           int64 // step between two readings, ms
}

func (p points) summary() summary {
	s := summary{readings: int64(p.len())}
	if p.len() == 0 {
		return s
	}
	s.firstOff, s.lastOff = p.offsets[0], p.last()
	r := reader{points: p}
	for before := s.firstOff; !r.done(); {
		offset, value, q := r.take()
		s.longest = max(s.longest, int64(offset-before))
		before = offset
		if q != reading.OK {
			continue
		}
		if s.usable == 0 {
			s.min, s.max = value, value
		}
		s.usable++
		s.min, s.max = min(s.min, value), max(s.max, value)
		s.mean += (float64(value) - s.mean) / float64(s.usable)
	}
	return s
}
