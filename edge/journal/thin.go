package journal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Within says between which values, inclusive and in the quantity's unit, a
// series is in range; ok is false where nothing says so. It is called with
// files locked: it answers from memory, and does not call the journal.
type Within func(Series) (low, high int64, ok bool)

// Bounds of thinning.
const (
	thinLeast    = 16               // blocks of a stretch that is worth it
	thinStretch  = 8                // stretches of one segment: the longest
	thinSpans    = 64               // lost ranges in all: each is in every tail
	thinWindow   = int64(3_600_000) // that one summary covers, ms; more where there would be too many
	thinEvents   = 2048             // summaries of one segment
	thinPatience = 2 * time.Second  // that one look at the limit may take
	thinReason   = "thinned because the journal was full"
)

// thin gives up the oldest stretches in range of a segment, and makes its file
// anew without them. It reports whether the file got smaller.
//
// The losses and what remains of them are in the chain, synced, before the file
// is replaced; a crash in between leaves a file with more than is needed, which
// is made smaller at the next look. An error is one of the disk, to be tried
// again. j.disk is held; the segment is sealed.
func (j *Journal) thin(e *epoch, s *segment) (smaller bool, err error) {
	j.mu.Lock()
	end, room := e.end(s), thinSpans-j.lostSpans()
	j.mu.Unlock()
	cut := &thinning{journal: j, epoch: e, segment: s, end: end}
	if err := cut.read(); err != nil {
		return false, nil // whoever reads it deals with the damage
	}
	stretches := cut.stretches(min(thinStretch, room))
	for _, x := range stretches {
		j.declare(e, x.First, x.Last, thinReason)
	}
	if len(stretches) > 0 {
		j.mu.Lock()
		for _, m := range cut.summaries(stretches) {
			j.notices = append(j.notices, notice{epoch: e.id, event: &pb.Event{AtMs: j.o.Boottime(), Kind: &pb.Event_Thinned{Thinned: m}}})
		}
		j.mu.Unlock()
		if _, err := j.keep([]*request{{}}, false); err != nil {
			j.failed(err)
			return false, err
		}
		j.mu.Lock()
		j.count.thinned += uint64(len(stretches))
		j.mu.Unlock()
	}
	return cut.rewrite()
}

// lostSpans counts the lost ranges that a tail has to list. j.mu is held.
func (j *Journal) lostSpans() (n int) {
	for _, e := range j.epochs {
		n += len(e.lost)
	}
	return n
}

// thinning is one segment being thinned.
type thinning struct {
	journal *Journal
	epoch   *epoch
	segment *segment
	end     uint64
	series  map[uint32]declared
	known   []declared
	records []record
	decoded []*block.Block // nil where a block must stay as it is
}

// read takes the segment into memory, and marks the blocks that may go.
func (c *thinning) read() error {
	j := c.journal
	file, done, err := c.segment.file()
	if err != nil {
		return err
	}
	c.known, err = readSeries(file)
	done()
	if err != nil {
		return err
	}
	c.series = map[uint32]declared{}
	for _, d := range c.known {
		c.series[d.ID] = d
	}
	if err := c.segment.each(0, c.end, func(r record) bool {
		c.records = append(c.records, r.clone())
		return true
	}); err != nil {
		return err
	}
	limits := map[uint32]limits{}
	c.decoded = make([]*block.Block, len(c.records))
	odd := make([]bool, len(c.records)) // out of range, or of a quality that is not OK
	for i, r := range c.records {
		b, err := block.Decode(r.raw)
		if err != nil {
			return err
		}
		if odd[i] = !c.calm(b, limits, j.o.Within); !odd[i] && len(b.Events) == 0 && len(b.Readings) > 0 {
			c.decoded[i] = b
		}
	}
	for i := range odd { // what led to an excursion, and away from it, stays with it
		if odd[i] {
			c.decoded[max(i-1, 0)], c.decoded[min(i+1, len(odd)-1)] = nil, nil
		}
	}
	return nil
}

// limits are those of a series.
type limits struct {
	low, high int64
	known     bool
}

// calm reports whether all readings of a block are sound and in range. A
// temperature is in range only where something says what that is. A door or an
// enclosure that is open is not. Other quantities are in range unless something
// says otherwise: they tell of the way, not of what is carried.
func (c *thinning) calm(b *block.Block, known map[uint32]limits, within Within) bool {
	for _, r := range b.Readings {
		l, ok := known[r.Series]
		d := c.series[r.Series]
		q := reading.Quantity(d.Quantity)
		if !ok {
			if d.Sensor == "" {
				return false // the segment does not say what it is
			}
			l.low, l.high, l.known = within(Series{Sensor: d.Sensor, Quantity: q, Model: d.Model, Address: d.Address,
				Interval: time.Duration(d.IntervalMs) * time.Millisecond})
			known[r.Series] = l
		}
		switch {
		case r.Quality != reading.OK:
			return false
		case l.known && (r.Value < l.low || r.Value > l.high):
			return false
		case l.known:
		case q == reading.Temperature, (q == reading.Door || q == reading.Tamper) && r.Value != 0:
			return false
		}
	}
	return true
}

// stretches picks the longest runs of blocks that may go, in order.
func (c *thinning) stretches(most int) []Range {
	c.journal.mu.Lock()
	settled := slices.Clone(c.epoch.settled)
	c.journal.mu.Unlock()
	var all []Range
	for i := 0; i < len(c.records); i++ {
		n := c.records[i].number
		if _, gone := settled.at(n); gone || c.decoded[i] == nil {
			continue
		}
		if k := len(all) - 1; k >= 0 && all[k].Last+1 == n {
			all[k].Last = n
		} else {
			all = append(all, Range{n, n})
		}
	}
	all = slices.DeleteFunc(all, func(x Range) bool { return x.Last-x.First+1 < thinLeast })
	slices.SortStableFunc(all, func(a, b Range) int { return cmp.Compare(b.Last-b.First, a.Last-a.First) })
	all = all[:min(len(all), max(most, 0))]
	slices.SortFunc(all, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	return all
}

// summaries tells what remains of stretches: for each boot, window of time and
// series the least, mean and greatest value.
func (c *thinning) summaries(stretches []Range) []*pb.Thinned {
	for window := thinWindow; ; window *= 2 {
		var out []*pb.Thinned
		for _, x := range stretches {
			out = append(out, c.summarize(x, window)...)
		}
		if len(out) <= thinEvents || window >= 1<<40 {
			return out
		}
	}
}

// summary is a Thinned in the making.
type summary struct {
	*pb.Thinned
	mean mean
}

func (c *thinning) summarize(x Range, window int64) (out []*pb.Thinned) {
	open := map[uint32]*summary{}
	var boot uint32
	var first, begun int64
	finish := func() {
		for _, id := range slices.Sorted(maps.Keys(open)) {
			s := open[id]
			s.Mean = s.mean.value()
			out = append(out, s.Thinned)
		}
		clear(open)
	}
	begun = -1
	for i, r := range c.records {
		if r.number < x.First || r.number > x.Last {
			continue
		}
		b := c.decoded[i]
		first = b.Readings[0].Tick
		if begun < 0 || b.Boot != boot || first-begun >= window {
			finish()
			boot, begun = b.Boot, first
		}
		for _, v := range b.Readings {
			s := open[v.Series]
			if s == nil {
				s = &summary{Thinned: &pb.Thinned{First: r.number, Boot: boot, Series: v.Series, FromMs: v.Tick, Min: v.Value, Max: v.Value, Reason: thinReason}}
				open[v.Series] = s
			}
			s.Last, s.ToMs, s.Count = r.number, v.Tick, s.Count+1
			s.Min, s.Max = min(s.Min, v.Value), max(s.Max, v.Value)
			s.mean.add(v.Value)
		}
	}
	finish()
	return out
}

// rewrite makes the file anew without what is settled, if that is worth it.
func (c *thinning) rewrite() (smaller bool, err error) {
	j, e, s := c.journal, c.epoch, c.segment
	j.mu.Lock()
	settled := e.onDisk()
	whole := e.settledWhole(s)
	j.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(c.records), func(r record) bool {
		_, gone := settled.at(r.number)
		return gone
	})
	if whole || len(kept) == 0 || len(kept) > len(c.records)*3/4 {
		return whole, nil // it is deleted as a whole, or stays as it is
	}
	before := diskUse(s.path)
	err = j.end(e, s)
	if err == nil {
		err = j.endBefore(e, s)
	}
	var made *segment
	if err == nil {
		made, err = j.rebuild(s, kept, c.known)
	}
	if err == nil {
		err = j.o.disk.rename(s.path+repairedSuffix, s.path)
	}
	if err != nil {
		j.log.Warn("segment could not be made smaller; it is tried again", "segment", s.name(), "error", fmt.Errorf("thin: %w", err))
		return false, err
	}
	made.thinned = true
	j.replace(e, s, made)
	j.log.Info("segment thinned", "segment", s.name(), "blocks", len(c.records), "kept", len(kept), "bytes", before, "bytes_now", diskUse(s.path))
	return true, nil
}

// mean is the mean of many values without overflow.
type mean struct {
	n        int64
	whole    int64 // of the mean, rounded down
	fraction int64 // of n, beyond it
}

// add takes a value in: whole·n + fraction is the sum of all so far.
func (m *mean) add(v int64) {
	m.n++
	// The new sum is whole·(n-1) + fraction + v = whole·n + fraction + (v - whole).
	m.fraction += v - m.whole
	step := m.fraction / m.n
	if m.fraction%m.n < 0 {
		step--
	}
	m.whole += step
	m.fraction -= step * m.n
}

// value is the mean, rounded to the nearest, halves away from zero.
func (m *mean) value() int64 {
	switch twice := 2 * m.fraction; {
	case twice > m.n, twice == m.n && m.whole >= 0:
		return m.whole + 1
	}
	return m.whole
}
