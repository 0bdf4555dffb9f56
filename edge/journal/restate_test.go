package journal

import (
	"context"
	"slices"
	"testing"

	"frostline/proto/pb"
)

// outermost leaves out declarations that others enclose: a loss is stated again
// with what was lost beside it.
func outermost(gaps []*pb.Gap) (out []*pb.Gap) {
	for i, g := range gaps {
		enclosed := false
		for k, o := range gaps {
			same := o.Epoch == g.Epoch && o.First <= g.First && g.Last <= o.Last
			enclosed = enclosed || same && (o.First != g.First || o.Last != g.Last || k < i)
		}
		if g.First > 0 && !enclosed {
			out = append(out, g)
		}
	}
	return out
}

func anchor(at, utc int64) *pb.Event {
	return &pb.Event{AtMs: at, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{AtMs: at, UtcMs: utc, UncertaintyMs: 3, Source: 4}}}
}

// TestPromise1LossesStayDeclared: a journal that is full for long drops the
// blocks that declared its first losses too. What the hub gets in the end
// declares all of them, and still says when the readings were and of what.
func TestPromise1LossesStayDeclared(t *testing.T) {
	dir := memory(t)
	o := opts()
	o.MaxBytes = 8 * o.SegmentBytes
	j := open(t, dir, o)
	f := newFeed(t, j, 20)
	early := &pb.Event{AtMs: 1, Kind: &pb.Event_Gap{Gap: &pb.Gap{Readings: 7, Boot: 1, FromMs: 1, ToMs: 2, Reason: "the sensor's queue was full"}}}
	if _, err := j.Append(context.Background(), nil, []*pb.Event{early, anchor(1000, 1_700_000_000_000), anchor(2000, 1_700_000_001_000)}); err != nil {
		t.Fatal(err)
	}
	total := uint64(0)
	for range 2 {
		for j.count.deleted < 40 {
			f.appendTo(t, j, 60)
			total += 60 * 20
		}
		var gaps []*pb.Gap
		var unnumbered, starts int
		var anchors []int64
		series := map[uint32]bool{}
		for _, b := range all(t, j, 1, 1) {
			for _, raw := range b.Events {
				e := decodeEvent(t, raw)
				if g := e.GetGap(); g != nil {
					gaps = append(gaps, g)
					if g.First == 0 {
						unnumbered += int(g.Readings)
					}
				}
				if a := e.GetAnchor(); a != nil {
					anchors = append(anchors, a.AtMs)
				}
				if e.GetEpochStart() != nil {
					starts++
				}
				if d := e.GetSeriesDeclared(); d != nil {
					series[d.Id] = true
				}
			}
			for _, r := range b.Readings {
				if !series[r.Series] {
					t.Fatalf("block %d has readings of series %d, which nothing declares before", b.Number, r.Series)
				}
			}
		}
		s, lost := j.Stats(), uint64(0)
		outer := outermost(gaps)
		for _, g := range outer {
			lost += g.Readings
		}
		if p := j.Pending(); len(outer) != 1 || outer[0].First != 1 || outer[0].Last != p[0].First-1 {
			t.Errorf("declared lost is %v of %v, pending %v", outer, gaps, p)
		}
		if s.Readings != total || s.LostReadings != lost {
			t.Errorf("%d of %d readings are declared lost, and %d were", lost, total, s.LostReadings)
		}
		if unnumbered != 7 || starts != 1 || len(anchors) == 0 || slices.ContainsFunc(anchors, func(at int64) bool { return at != 2000 }) {
			t.Errorf("%d readings are lost unnumbered, %d starts, anchors at %v; want 7, 1 and 2000", unnumbered, starts, anchors)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, dir)
		j = open(t, dir, o) // it starts to count again
		f.ids = newFeed(t, j, 20).ids
	}
}

// TestPromise1LossesStayDeclaredAfterDamage: what declared a loss is damaged.
func TestPromise1LossesStayDeclaredAfterDamage(t *testing.T) {
	dir := memory(t)
	j := open(t, dir, opts())
	f := newFeed(t, j, 20)
	for j.Tip().Last < 30 {
		f.appendTo(t, j, 1)
	}
	j.disk.Lock()
	j.declare(j.present(), 11, 20, "a test")
	j.disk.Unlock()
	f.appendTo(t, j, 1) // says so
	said := j.Tip().Last
	f.appendTo(t, j, 1)
	j.disk.Lock()
	j.declare(j.present(), said, said, "the segment is damaged")
	j.restate(j.present(), nil)
	j.disk.Unlock()
	f.appendTo(t, j, 1)
	var gaps []*pb.Gap
	for _, e := range events(t, all(t, j, 1, said+1)) {
		if g := e.GetGap(); g != nil {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) != 2 || gaps[1].First != 11 || gaps[1].Last != 20 || gaps[1].Readings != 200 {
		t.Errorf("declared is %v", gaps)
	}
}
