package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// span is consecutive blocks.
type span struct{ first, last uint64 }

// epoch is a chain of blocks, and which of them a bundle needs whole.
type epoch struct {
	in      Intake
	ctx     context.Context
	gateway string
	number  uint32
	ranges  []span // committed
	seek    func(boot uint32, tick int64) (uint64, error)
	dated   map[uint32]*anchored // boots with anchors
	series  map[string][]declared
	whole   []span // that are needed: ascending and disjoint once united
	used    map[uint32]bool
}

// anchored is what dates a boot.
type anchored struct {
	anchors  []truetime.Anchor
	blocks   []uint64 // in which the anchors stand
	timeline *truetime.Timeline
}

// declared is a series id of a sensor's temperature, and the block that says so.
type declared struct {
	id    uint32
	block uint64
}

// openEpoch reads what dates and names the readings of an epoch. Anchors that
// were received after a time, Unix ms, are left out.
func openEpoch(ctx context.Context, in Intake, gateway string, number uint32, until int64) (*epoch, error) {
	e := &epoch{in: in, ctx: ctx, gateway: gateway, number: number, dated: map[uint32]*anchored{}, series: map[string][]declared{}, used: map[uint32]bool{}}
	in.Extent(gateway, number, func(first, last uint64) { e.ranges = append(e.ranges, span{first, last}) })
	err := in.AnchorsUntil(ctx, gateway, number, until, func(block uint64, a *pb.Anchor) error {
		an := truetime.Anchor{At: a.GetAtMs(), UTC: a.GetUtcMs(), Uncertainty: int64(a.GetUncertaintyMs()), Source: truetime.Source(a.GetSource())}
		if !an.Plausible() {
			return nil
		}
		b := e.dated[a.GetBoot()]
		if b == nil {
			b = &anchored{}
			e.dated[a.GetBoot()] = b
		}
		b.anchors, b.blocks = append(b.anchors, an), append(b.blocks, block)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, b := range e.dated {
		b.timeline = truetime.NewTimeline(b.anchors)
	}
	known := map[uint32]bool{}
	err = in.Declared(ctx, gateway, number, func(block uint64, d *pb.SeriesDeclared) error {
		if !known[d.GetId()] && reading.Quantity(d.GetQuantity()) == reading.Temperature {
			sensor := gateway + "/" + d.GetSensor()
			e.series[sensor] = append(e.series[sensor], declared{d.GetId(), block})
		}
		known[d.GetId()] = true // for the rest of the epoch
		return nil
	})
	if err == nil {
		e.seek, err = in.Seeker(ctx, gateway, number)
	}
	return e, err
}

// timeline dates a boot; nil where it has no anchor.
func (e *epoch) timeline(boot uint32) *truetime.Timeline {
	if b := e.dated[boot]; b != nil {
		return b.timeline
	}
	return nil
}

// need notes blocks that are needed whole.
func (e *epoch) need(first, last uint64) { e.whole = append(e.whole, span{first, last}) }

// date notes that a boot's times are needed, and with them all its anchors.
func (e *epoch) date(boot uint32) {
	if b := e.dated[boot]; b != nil && !e.used[boot] {
		e.used[boot] = true
		for _, n := range b.blocks {
			e.need(n, n)
		}
	}
}

// window notes the blocks with readings of a window.
func (e *epoch) window(w window) error {
	if len(e.series[w.sensor]) == 0 {
		return nil
	}
	for boot, b := range e.dated {
		before, err := e.seek(boot, b.timeline.Boottime(w.from))
		if err != nil {
			return err
		}
		within, err := e.seek(boot, b.timeline.Boottime(w.to))
		if err != nil {
			return err
		}
		if before < within {
			e.need(before+1, within)
			e.date(boot)
		}
	}
	return nil
}

var errFound = errors.New("found")

// scan calls yield for the committed blocks of a span until it says that it has
// found what it looks for.
func (e *epoch) scan(s span, yield func(*block.Block) bool) error {
	for _, r := range e.ranges {
		from, to := max(s.first, r.first), min(s.last, r.last)
		if from > to {
			continue
		}
		err := e.in.Blocks(e.ctx, e.gateway, e.number, from, to, func(_ uint64, raw []byte) error {
			b, err := block.Decode(raw)
			if err == nil && yield(b) {
				return errFound
			}
			return err
		})
		if errors.Is(err, errFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bootSpan is where the readings of a boot are.
type bootSpan struct {
	boot uint32
	span
}

// boots lists all boots that have readings.
func (e *epoch) boots() (out []bootSpan, err error) {
	if len(e.ranges) == 0 {
		return nil, nil
	}
	top := e.ranges[len(e.ranges)-1].last
	for next := uint64(1); next <= top; {
		var found *bootSpan
		if err := e.scan(span{next, top}, func(b *block.Block) bool {
			if len(b.Readings) > 0 {
				found = &bootSpan{b.Boot, span{b.Number, b.Number}}
			}
			return found != nil
		}); err != nil {
			return nil, err
		}
		if found == nil {
			break
		}
		last, err := e.seek(found.boot, math.MaxInt64)
		if err != nil {
			return nil, err
		}
		found.last = max(found.last, last)
		out = append(out, *found)
		next = found.last + 1
	}
	return out, nil
}

// touches reports whether a needed block is in a span.
func (e *epoch) touches(s span) bool {
	return slices.ContainsFunc(e.whole, func(w span) bool { return w.first <= s.last && s.first <= w.last })
}

// declare adds the blocks that name the series of sensors.
func (e *epoch) declare(ws []window) {
	for _, w := range ws {
		for _, d := range e.series[w.sensor] {
			e.need(d.block, d.block)
		}
	}
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

// chains finds, for each gateway and epoch, which blocks are needed whole: those
// with readings of the windows, those with the anchors that date them, those
// that declare the sensors' series, and those that bound what is not dated.
func (d *draft) chains(ws []window) (out []*epoch, err error) {
	gateways := map[string][]window{}
	for _, w := range ws {
		g, _, _ := strings.Cut(w.sensor, "/")
		gateways[g] = append(gateways[g], w)
	}
	numbers := map[string][]uint32{}
	d.x.o.Intake.Chains(func(gateway string, number uint32, _ int64, _ uint64) {
		if len(gateways[gateway]) > 0 {
			numbers[gateway] = append(numbers[gateway], number)
		}
	})
	for g, all := range numbers {
		slices.Sort(all)
		epochs, err := d.gateway(g, all, gateways[g])
		if err != nil {
			return nil, fmt.Errorf("find blocks of gateway %s: %w", g, err)
		}
		out = append(out, epochs...)
	}
	slices.SortFunc(out, func(a, b *epoch) int {
		return cmp.Or(strings.Compare(a.gateway, b.gateway), cmp.Compare(a.number, b.number))
	})
	return out, nil
}

func (d *draft) gateway(id string, numbers []uint32, ws []window) ([]*epoch, error) {
	var epochs []*epoch
	for _, n := range numbers {
		e, err := openEpoch(d.ctx, d.x.o.Intake, id, n, d.at)
		if err != nil {
			return nil, fmt.Errorf("epoch %d: %w", n, err)
		}
		for _, w := range ws {
			if err := e.window(w); err != nil {
				return nil, fmt.Errorf("epoch %d: %w", n, err)
			}
		}
		epochs = append(epochs, e)
	}
	if err := bound(epochs, ws, d.at); err != nil {
		return nil, err
	}
	epochs = slices.DeleteFunc(epochs, func(e *epoch) bool { return len(e.whole) == 0 })
	for _, e := range epochs {
		e.whole = united(e.whole)
	}
	return epochs, nil
}
