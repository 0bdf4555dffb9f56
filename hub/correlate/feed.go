package correlate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

type seriesKey struct {
	gateway       string
	epoch, series uint32
}

type bootKey struct {
	gateway     string
	epoch, boot uint32
}

// feed is a series whose meaning is known; sensor is nil where it measures no
// temperature.
type feed struct{ sensor *sensor }

// sensor is how far a sensor's readings have come. mu of the engine guards it.
type sensor struct {
	id      string
	gateway string
	name    string
	seen    bool
	last    int64 // UTC of the newest usable reading
	value   thermal.Temp
	rides   []*ride // that it leads
	others  []other // for which it may vouch though it does not lead
}

// other is a ride that a sensor may vouch for.
type other struct {
	ride   *ride
	better bool // than the lead, or there is no lead
}

// Bounds of the tables that can be made anew.
const (
	maxBoots = 20_000
	maxFeeds = 1_000_000
)

func (e *Engine) sensor(id string) *sensor {
	s := e.sensors[id]
	if s == nil {
		s = &sensor{id: id, last: math.MinInt64}
		s.gateway, s.name = split(id)
		e.sensors[id] = s
	}
	return s
}

// drain works in all batches that wait.
func (e *Engine) drain(ctx context.Context) error {
	batches, overrun := e.queue.take()
	for i, b := range batches {
		if b.ID > e.applied {
			if err := e.batch(ctx, b); err != nil {
				if len(batches[i:]) > 0 {
					e.queue.missed()
				}
				return err
			}
		}
	}
	if !overrun {
		return nil
	}
	err := e.evidence.Replay(ctx, e.applied, func(b *batch.Batch) error {
		if b.ID <= e.applied {
			return nil
		}
		return e.batch(ctx, b)
	})
	if err != nil {
		e.queue.missed()
		return fmt.Errorf("read batches that did not fit into the queue: %w", err)
	}
	return nil
}

// batch works in one batch. When it fails it can be given again.
func (e *Engine) batch(ctx context.Context, b *batch.Batch) error {
	e.shelf.Forget(b.Gateway)
	anchored := map[uint32]bool{}
	for i := range b.Events {
		ev := b.Events[i].Event
		if a := ev.GetAnchor(); a != nil {
			anchored[a.Boot] = true
		}
		if d := ev.GetSeriesDeclared(); d != nil {
			if k := (seriesKey{b.Gateway, b.Epoch, d.Id}); e.missed[k] {
				e.feed(k, b)
			}
		}
	}
	for boot := range anchored {
		if _, err := e.redate(ctx, bootKey{b.Gateway, b.Epoch, boot}, b); err != nil {
			return err
		}
	}
	cause := func() fact.Cause {
		return fact.Cause{Kind: "late reading", Detail: fmt.Sprintf("blocks %d to %d of gateway %s, epoch %d", b.First, b.Last, b.Gateway, b.Epoch)}
	}
	var samples []thermal.Sample
	for i := range b.Boots {
		boot := &b.Boots[i]
		var tl *truetime.Timeline
		for c := range boot.Columns {
			f := e.feed(seriesKey{b.Gateway, b.Epoch, boot.Columns[c].Series}, b)
			if f == nil || f.sensor == nil {
				continue
			}
			if tl == nil {
				var err error
				if tl, err = e.timeline(ctx, bootKey{b.Gateway, b.Epoch, boot.Boot}, b); err != nil {
					return err
				}
			}
			samples = dated(samples[:0], &boot.Columns[c], tl)
			e.counts.readings.Add(uint64(len(boot.Columns[c].Ticks)))
			e.mu.Lock()
			e.measured(f.sensor, samples, cause)
			e.mu.Unlock()
		}
	}
	e.mu.Lock()
	e.applied = b.ID
	e.mu.Unlock()
	return nil
}

// dated gives the usable readings of a column.
func dated(out []thermal.Sample, c *batch.Column, tl *truetime.Timeline) []thermal.Sample {
	if !tl.Dated() {
		return out
	}
	cursor, flaw := tl.Cursor(), 0
	for i, t := range c.Ticks {
		if flaw < len(c.Flaws) && c.Flaws[flaw].At == i {
			if flaw++; c.Flaws[flaw-1].Quality != reading.OK {
				continue
			}
		}
		if m, ok := cursor.Resolve(t); ok && !m.Conflict {
			out = append(out, thermal.Sample{At: m.UTC, Value: thermal.Temp(c.Values[i])})
		}
	}
	return out
}

// feed gives what a series means; nil while nobody has told.
func (e *Engine) feed(k seriesKey, b *batch.Batch) *feed {
	if f := e.feeds[k]; f != nil {
		return f
	}
	name, q, ok := e.series.Measured(k.gateway, k.epoch, k.series)
	if !ok {
		if !e.missed[k] && len(e.missed) < maxFeeds {
			e.missed[k] = true
			e.counts.strange.Add(1)
		}
		return nil
	}
	if len(e.feeds) >= maxFeeds {
		clear(e.feeds)
	}
	f := &feed{}
	e.feeds[k] = f
	if q != reading.Temperature {
		delete(e.missed, k)
		return f
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	f.sensor = e.sensor(k.gateway + "/" + name)
	if e.missed[k] { // its earlier readings were passed over
		delete(e.missed, k)
		e.touch(e.facts.Reached(f.sensor.id, math.MinInt64, math.MaxInt64), fact.Cause{Kind: "late reading",
			Detail: fmt.Sprintf("series %d of gateway %s, epoch %d, was declared in blocks %d to %d", k.series, k.gateway, k.epoch, b.First, b.Last)}, 0)
	}
	return f
}

// measured takes usable readings of a sensor. mu is held.
func (e *Engine) measured(s *sensor, samples []thermal.Sample, cause func() fact.Cause) {
	if len(samples) == 0 {
		return
	}
	late, first, last := 0, int64(math.MaxInt64), int64(math.MinInt64)
	before, next := s.last, samples[:0] // those that go on where the sensor stood
	for _, v := range samples {
		if v.At > s.last && s.seen {
			s.last, s.value = v.At, v.Value
			next = append(next, v)
			continue
		}
		late++
		first, last = min(first, v.At), max(last, v.At)
		if v.At > s.last {
			s.last, s.value = v.At, v.Value
		}
	}
	s.seen = true
	if late > 0 {
		e.counts.late.Add(uint64(late))
		gap := e.facts.LongestGap()
		e.touch(e.facts.Reached(s.id, first-gap, last+gap), cause(), 0)
	}
	if len(next) == 0 {
		return
	}
	for _, r := range s.rides {
		e.counts.evaluated.Add(uint64(len(next)))
		e.advance(r, next)
	}
	passed := false
	for _, o := range s.others {
		closed := !o.ride.parcel.open
		passed = passed || closed && o.ride.imperfect <= s.last
		switch {
		case !o.better && o.ride.imperfect <= before:
		case closed:
			e.touchOne(o.ride.parcel.id, before, s.last, cause(), 0)
		default:
			e.touchOne(o.ride.parcel.id, before, s.last, fact.Cause{Kind: "reading", Detail: "sensor " + s.id + " vouches again"}, 0)
		}
	}
	if passed {
		s.others = slices.DeleteFunc(s.others, func(o other) bool { return !o.ride.parcel.open && o.ride.imperfect <= s.last })
	}
	if next[0].At >= e.now().UnixMilli()-e.lag {
		return
	}
	// A backlog, in order: packages may have been closed since it was measured.
	gap := e.facts.LongestGap()
	for _, t := range e.facts.Reached(s.id, next[0].At-gap, s.last+gap) {
		if p := e.packages[t.Package]; p == nil || !p.open {
			e.touchOne(t.Package, t.From, t.To, cause(), 0)
		}
	}
}

// lagging is by how much readings are late at most of which only packages are
// told that were open lately, ms.
const lagging = 120_000
