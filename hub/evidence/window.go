package evidence

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// window is a span of UTC in which a sensor may vouch, with a longest gap on
// either side.
type window struct {
	sensor   string // GATEWAY/SENSOR
	from, to int64
}

// windows tells which sensors' readings bear on the verdicts, and when.
func (s *scope) windows() ([]window, error) {
	facts := join.NewFacts()
	until := map[string]int64{} // of a package: the end of what was judged of it
	for _, e := range s.events {
		if err := facts.Apply(e); err != nil {
			return nil, err
		}
		if e.Type == fact.VerdictWasRevised {
			d, err := fact.Decode(e.Type, e.Data)
			if err != nil {
				return nil, err
			}
			v := d.(*fact.VerdictRevised)
			until[v.Package] = max(until[v.Package], v.Verdict.To)
		}
	}
	hulls := map[string]*window{}
	for id := range s.packages {
		w, ok := facts.Watch(id)
		if !ok {
			continue
		}
		to := w.To
		if to == join.Open {
			to = cmp.Or(until[id], s.at)
		}
		judges, _ := facts.Judges(id)
		gap := int64(0)
		for _, j := range judges {
			gap = max(gap, j.Profile.LongestGap)
		}
		for _, l := range facts.Plan(id, w.From, max(to, w.From)).Legs {
			for _, src := range l.Sources {
				h := hulls[src.Sensor]
				if h == nil {
					h = &window{src.Sensor, l.From - gap, l.To + gap + 1}
					hulls[src.Sensor] = h
				}
				h.from, h.to = min(h.from, l.From-gap), max(h.to, l.To+gap+1)
			}
		}
	}
	var out []window
	for _, h := range hulls {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b window) int { return strings.Compare(a.sensor, b.sensor) })
	return out, nil
}

// span is consecutive blocks.
type span struct{ first, last uint64 }

// chainPart is what a bundle has of a chain.
type chainPart struct {
	gateway string
	epoch   uint32
	whole   []span // blocks that are there whole: ascending, disjoint
}

// seeker finds the blocks of windows.
type seeker struct {
	x   *Exporter
	ctx context.Context
	at  int64 // anchors that came later are left out, Unix ms
}

// chains finds, for each gateway and epoch, which blocks are needed whole: those
// with readings of the windows and what bounds them, those with the anchors of
// their boots, and those that declare the sensors' series.
func (k *seeker) chains(ws []window) ([]chainPart, error) {
	byGateway := map[string][]window{}
	for _, w := range ws {
		gateway, _, _ := strings.Cut(w.sensor, "/")
		byGateway[gateway] = append(byGateway[gateway], w)
	}
	var out []chainPart
	var failed error
	k.x.o.Intake.Chains(func(gateway string, epoch uint32, _ int64, _ uint64) {
		if len(byGateway[gateway]) > 0 {
			out = append(out, chainPart{gateway: gateway, epoch: epoch})
		}
	})
	slices.SortFunc(out, func(a, b chainPart) int {
		return cmp.Or(strings.Compare(a.gateway, b.gateway), cmp.Compare(a.epoch, b.epoch))
	})
	for i := range out {
		if failed = k.fill(&out[i], byGateway[out[i].gateway]); failed != nil {
			return nil, fmt.Errorf("find blocks of gateway %s, epoch %d: %w", out[i].gateway, out[i].epoch, failed)
		}
	}
	return slices.DeleteFunc(out, func(c chainPart) bool { return len(c.whole) == 0 }), nil
}

// boot is what anchors say of a boot.
type boot struct {
	anchors  []truetime.Anchor
	blocks   []uint64
	timeline *truetime.Timeline
}

func (k *seeker) fill(c *chainPart, ws []window) error {
	boots := map[uint32]*boot{}
	err := k.x.o.Intake.AnchorsUntil(k.ctx, c.gateway, c.epoch, k.at, func(block uint64, a *pb.Anchor) error {
		b := boots[a.GetBoot()]
		if b == nil {
			b = &boot{}
			boots[a.GetBoot()] = b
		}
		b.anchors = append(b.anchors, truetime.Anchor{At: a.AtMs, UTC: a.UtcMs, Uncertainty: int64(a.UncertaintyMs), Source: truetime.Source(a.Source)})
		b.blocks = append(b.blocks, block)
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range boots {
		b.timeline = truetime.NewTimeline(b.anchors)
	}
	var first, last uint32
	for _, w := range ws {
		for number, b := range boots {
			if !b.timeline.Dated() {
				continue
			}
			s, err := k.seek(c, number, b.timeline, boots, w)
			if err != nil {
				return err
			}
			if s == (span{}) {
				continue
			}
			c.whole = append(c.whole, s)
			if len(c.whole) == 1 {
				first, last = number, number
			}
			first, last = min(first, number), max(last, number)
		}
	}
	if len(c.whole) == 0 {
		return nil
	}
	for number, b := range boots {
		// The boots just outside bound what is not dated within.
		if number+1 >= first && number <= last+1 {
			for _, n := range b.blocks {
				c.whole = append(c.whole, span{n, n})
			}
		}
	}
	err = k.x.o.Intake.Declared(k.ctx, c.gateway, c.epoch, func(block uint64, d *pb.SeriesDeclared) error {
		if reading.Quantity(d.GetQuantity()) == reading.Temperature && slices.ContainsFunc(ws, func(w window) bool { return w.sensor == c.gateway+"/"+d.Sensor }) {
			c.whole = append(c.whole, span{block, block})
		}
		return nil
	})
	c.whole = united(c.whole)
	return err
}

// seek finds the blocks of a boot with readings of a window, and one with
// readings of a dated boot on either side.
func (k *seeker) seek(c *chainPart, number uint32, t *truetime.Timeline, boots map[uint32]*boot, w window) (span, error) {
	in := k.x.o.Intake
	before, err := in.Seek(k.ctx, c.gateway, c.epoch, number, t.Boottime(w.from))
	if err != nil {
		return span{}, err
	}
	within, err := in.Seek(k.ctx, c.gateway, c.epoch, number, t.Boottime(w.to))
	if err != nil || within <= before {
		return span{}, err
	}
	dated := func(n uint64) (bool, uint32, error) {
		ok, which := true, uint32(0)
		err := in.Blocks(k.ctx, c.gateway, c.epoch, n, n, func(_ uint64, raw []byte) error {
			b, err := block.Decode(raw)
			if err == nil && len(b.Readings) > 0 {
				o := boots[b.Boot]
				ok, which = o != nil && o.timeline.Dated(), b.Boot
			}
			return err
		})
		return ok, which, err
	}
	low, high := max(before, 1), within
	for low > 1 {
		ok, which, err := dated(low)
		if err != nil || ok {
			break // a hole in the chain is no reason to have nothing
		}
		if low, err = in.Seek(k.ctx, c.gateway, c.epoch, which, math.MinInt64); err != nil {
			return span{}, err
		}
		low = max(low, 1)
	}
	top := uint64(0)
	in.Extent(c.gateway, c.epoch, func(_, last uint64) { top = max(top, last) })
	for high < top {
		high++
		ok, which, err := dated(high)
		if err != nil {
			high--
			break
		}
		if ok {
			break
		}
		next, err := in.Seek(k.ctx, c.gateway, c.epoch, which+1, math.MinInt64)
		if err != nil {
			return span{}, err
		}
		high = max(high, next)
	}
	return span{low, high}, nil
}

// united sorts spans and joins those that meet.
func united(all []span) (out []span) {
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last)) })
	for _, s := range all {
		if n := len(out); n > 0 && s.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out
}
