package evidence

import (
	"math"

	"frostline/proto/block"
)

// stay is what a sensor measured in a boot: where its first and last readings
// are.
type stay struct {
	e           *epoch
	boot        uint32
	blocks      span // with the boot's readings, of any sensor
	first, last struct {
		block uint64
		tick  int64
	}
}

// bound adds the blocks by which readings that nobody can date are bounded:
// what an undated boot measured lies between what the dated boots around it
// did. All undated boots that could lie in a window, or of which some block is
// needed for another reason, are bounded by what bounds them in the hub. Boots
// that the hub heard of after a time, Unix ms, are left out, as their anchors
// are.
func bound(epochs []*epoch, ws []window, until int64) error {
	for _, e := range epochs {
		if len(e.whole) > 0 {
			e.declare(ws)
		}
	}
	var undated bool
	all := make([][]bootSpan, len(epochs))
	for i, e := range epochs {
		var err error
		if all[i], err = e.boots(); err != nil {
			return err
		}
		for _, b := range all[i] {
			undated = undated || !e.timeline(b.boot).Dated()
		}
	}
	// A boot of which one block is there must be dated as in the hub.
	settle := func() (more bool) {
		for i, e := range epochs {
			for _, b := range all[i] {
				if x := e.dated[b.boot]; x != nil && !e.used[b.boot] && e.touches(b.span) {
					e.date(b.boot)
					more = true
				}
			}
		}
		return more
	}
	for settle() {
	}
	if !undated {
		return nil
	}
	stays := make([][]*stay, len(ws))
	for i, w := range ws {
		for j, e := range epochs {
			for _, b := range all[j] {
				s, err := e.stay(b, w.sensor)
				if err != nil {
					return err
				}
				if s != nil {
					stays[i] = append(stays[i], s)
				}
			}
		}
	}
	done := map[*stay]bool{}
	for more := true; more; {
		more = settle()
		for i, w := range ws {
			for n, s := range stays[i] {
				if done[s] || s.e.timeline(s.boot).Dated() {
					continue
				}
				from, to := around(stays[i], n)
				if !(from.at < to.at && from.at < w.to && w.from < to.at) && !s.e.touches(s.blocks) {
					continue
				}
				done[s] = true
				if came, err := s.e.in.Received(s.e.ctx, s.e.gateway, s.e.number, s.first.block); err != nil {
					return err
				} else if came > until && !s.e.touches(s.blocks) {
					continue
				}
				more = true
				// That it measured something is all that counts. Its end would move the
				// bundle for as long as the boot goes on.
				s.e.need(s.first.block, s.first.block)
				s.e.declare(ws)
				if b := from.by; b != nil {
					b.e.need(b.last.block, b.last.block)
					b.e.date(b.boot)
					b.e.declare(ws)
				}
				if b := to.by; b != nil {
					b.e.need(b.first.block, b.first.block)
					b.e.date(b.boot)
					b.e.declare(ws)
				}
			}
		}
	}
	return nil
}

// bounded is an end of a span, and which stay gives it; nil for none.
type bounded struct {
	at int64
	by *stay
}

// around bounds an undated stay by the dated ones before and after it.
func around(stays []*stay, n int) (from, to bounded) {
	from.at, to.at = math.MinInt64, math.MaxInt64
	for i, s := range stays {
		t := s.e.timeline(s.boot)
		switch {
		case i < n:
			if m, ok := t.Resolve(s.last.tick); ok && m.UTC > from.at {
				from = bounded{m.UTC, s}
			}
		case i > n:
			if m, ok := t.Resolve(s.first.tick); ok && m.UTC < to.at {
				to = bounded{m.UTC, s}
			}
		}
	}
	return from, to
}

const backward = 256 // blocks looked through at once

// stay finds a sensor's first and last reading in a boot; nil where it has none.
func (e *epoch) stay(b bootSpan, sensor string) (*stay, error) {
	ids := map[uint32]bool{}
	begin := uint64(math.MaxUint64)
	for _, d := range e.series[sensor] {
		ids[d.id] = true
		begin = min(begin, d.block)
	}
	if begin > b.last {
		return nil, nil
	}
	s := &stay{e: e, boot: b.boot, blocks: b.span}
	ticks := func(x *block.Block) (first, last int64, ok bool) {
		for _, r := range x.Readings {
			if ids[r.Series] && x.Boot == b.boot {
				if !ok || r.Tick < first {
					first = r.Tick
				}
				if !ok || r.Tick > last {
					last = r.Tick
				}
				ok = true
			}
		}
		return first, last, ok
	}
	if err := e.scan(span{max(b.first, begin), b.last}, func(x *block.Block) bool {
		first, _, ok := ticks(x)
		if ok {
			s.first.block, s.first.tick = x.Number, first
		}
		return ok
	}); err != nil || s.first.block == 0 {
		return nil, err
	}
	for to := b.last; s.last.block == 0; to -= backward {
		from := s.first.block
		if to >= backward {
			from = max(from, to-backward+1)
		}
		if err := e.scan(span{from, to}, func(x *block.Block) bool {
			if _, last, ok := ticks(x); ok {
				s.last.block, s.last.tick = x.Number, last
			}
			return false
		}); err != nil {
			return nil, err
		}
	}
	return s, nil
}
