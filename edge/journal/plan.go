package journal

import (
	"fmt"
	"maps"
	"slices"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// plan is a commit: what is to be written, and what changes once it is.
type plan struct {
	epoch   *epoch
	records []record
	tail    *tail
	series  []declared
	notices int     // that the commit says
	gap     *pb.Gap // taken from the held queue
	events  int     // lost with it
	preface bool    // it begins with the segment's preface
	anchors map[uint32][]byte
	ticks   map[uint32]int64

	readings uint64
	repeats  int
	prev     chain.Head
}

// plan makes the blocks of a group. It changes nothing but takes over what the
// held queue lost, which the commit declares.
func (j *Journal) plan(group []*request) (*plan, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.present()
	p := &plan{epoch: e, notices: len(j.notices), anchors: map[uint32][]byte{}, ticks: map[uint32]int64{}, prev: e.head}
	events := j.planNotices(p)
	p.gap, p.events, j.held.gap, j.held.lostEvents = j.held.gap, j.held.lostEvents, nil, 0
	var readings []reading.Reading
	for _, r := range group {
		for _, b := range r.events {
			events = append(events, j.dated(p, b))
		}
		for _, x := range r.readings {
			id, ok := j.table.real(x.Series)
			if !ok {
				return p, fmt.Errorf("%w: series %d is not declared", errPlan, x.Series)
			}
			x.Series = id
			readings = append(readings, x)
		}
	}
	readings = j.fresh(p, readings)
	if p.preface = j.bare && len(readings) > 0; p.preface {
		events = append(events, j.preface()...)
	}
	head, number, before := e.head, e.last, e.readings
	for _, b := range split(readings, events, j.o.BlockReadings) {
		number++
		b.Number, b.Before, b.Boot = number, before, j.boot
		raw, err := b.AppendTo(nil)
		if err != nil {
			return p, fmt.Errorf("%w: %w", errPlan, err)
		}
		p.records = append(p.records, record{number, head, raw})
		head, before = chain.Next(head, raw), b.After()
	}
	p.readings = before - e.readings
	p.tail = j.tail(true)
	p.tail.Last, p.tail.Head, p.tail.Readings = number, hash(head), before
	p.tail.Declared += len(p.series)
	for _, t := range p.ticks {
		p.tail.Tick = max(p.tail.Tick, t)
	}
	if number > 0 {
		p.tail.Start = nil
	}
	return p, nil
}

// preface gives what the blocks of a segment cannot be understood without, as
// those before them may be lost: series, and this boot's latest anchors. j.mu is
// held.
func (j *Journal) preface() (events [][]byte) {
	at := j.o.Boottime()
	for _, d := range j.known() {
		if !j.table.used[d.ID] {
			continue
		}
		b, err := block.EncodeEvent(d.event(at))
		if err != nil { // it was encoded before, so never
			j.log.Error("series cannot be declared again", "series", d.ID, "error", err)
			continue
		}
		events = append(events, b)
	}
	for _, source := range slices.Sorted(maps.Keys(j.anchors)) {
		events = append(events, j.anchors[source])
	}
	return events
}

// planNotices encodes what the journal itself has to say. j.mu is held.
func (j *Journal) planNotices(p *plan) (events [][]byte) {
	add := func(e *pb.Event) {
		b, err := block.EncodeEvent(e)
		if err != nil { // all texts are made valid, so never
			j.log.Error("event cannot be encoded", "event", e, "error", err)
			return
		}
		events = append(events, b)
	}
	for i := range j.notices {
		n := &j.notices[i]
		if n.raw != nil {
			events = append(events, n.raw)
			continue
		}
		add(n.message(p.epoch.id))
		if n.series != nil {
			p.series = append(p.series, *n.series)
		}
	}
	if j.held.gap != nil {
		add(&pb.Event{AtMs: j.o.Boottime(), Kind: &pb.Event_Gap{Gap: j.held.declaration(j.boot)}})
	}
	return events
}

// dated gives an anchor the ordinal of this boot where it has none, and
// remembers the anchors of this boot. j.mu is held.
func (j *Journal) dated(p *plan, b []byte) []byte {
	e, err := block.DecodeEvent(b)
	if err != nil || e.GetAnchor() == nil {
		return b
	}
	a := e.GetAnchor()
	if a.Boot == 0 {
		a.Boot = j.boot
		if again, err := block.EncodeEvent(e); err == nil {
			b = again
		}
	}
	if a.Boot == j.boot {
		p.anchors[a.Source] = b
	}
	return b
}

// fresh leaves out repeats, and notes the latest tick of each series. The
// readings come back by tick, then series. j.mu is held.
func (j *Journal) fresh(p *plan, readings []reading.Reading) []reading.Reading {
	sortByTick(readings)
	out := readings[:0]
	for _, r := range readings {
		last, ok := p.ticks[r.Series]
		if !ok {
			if last, ok = j.ticks[r.Series]; !ok {
				last = j.floor
			}
		}
		if r.Tick <= last {
			p.repeats++
			continue
		}
		p.ticks[r.Series] = r.Tick
		out = append(out, r)
	}
	return out
}

func sortByTick(readings []reading.Reading) {
	slices.SortStableFunc(readings, func(a, b reading.Reading) int {
		switch {
		case a.Tick != b.Tick:
			return int(min(max(a.Tick-b.Tick, -1), 1))
		case a.Series != b.Series:
			return int(min(max(int64(a.Series)-int64(b.Series), -1), 1))
		}
		return 0
	})
}

// Events of one block, well below what a block may have.
const (
	blockEvents     = 256
	blockEventBytes = 24 << 10
)

// split puts readings, sorted by tick, and events into blocks of at most most
// readings. A tick is not divided unless it alone has more; events come first.
func split(readings []reading.Reading, events [][]byte, most int) []*block.Block {
	var blocks []*block.Block
	for len(events) > 0 {
		n, size := 0, 0
		for n < len(events) && n < blockEvents && (n == 0 || size+len(events[n]) <= blockEventBytes) {
			size += len(events[n])
			n++
		}
		blocks = append(blocks, &block.Block{Events: events[:n:n]})
		events = events[n:]
	}
	add := func(r []reading.Reading) {
		block.Sort(r)
		if n := len(blocks); n > 0 && len(blocks[n-1].Readings) == 0 {
			blocks[n-1].Readings = r
			return
		}
		blocks = append(blocks, &block.Block{Readings: r})
	}
	for len(readings) > 0 {
		n := 0
		for n < len(readings) {
			end := n + 1
			for end < len(readings) && readings[end].Tick == readings[n].Tick {
				end++
			}
			if end > most {
				break
			}
			n = end
		}
		if n == 0 {
			n = min(most, len(readings))
		}
		add(readings[:n:n])
		readings = readings[n:]
	}
	return blocks
}
