package progress

import (
	"context"
	"math"
	"sync"

	"frostline/hub/intake/batch"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

type bootKey struct {
	gateway     string
	epoch, boot uint32
}

// ticks are the first and last tick of positions; none where first > last.
type ticks struct {
	first, last int64
	anchored    bool // anchors of the boot came
}

// marks are which gateways have told of positions since it was looked at.
type marks struct {
	wake chan struct{}

	mu      sync.Mutex
	touched map[bootKey]ticks
}

// take notes what a batch may tell of positions: series that nobody has
// explained yet may be of any quantity.
func (m *marks) take(b *batch.Batch, of Measured) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note := func(boot uint32, t ticks) {
		k := bootKey{b.Gateway, b.Epoch, boot}
		m.touched[k] = m.touched[k].and(t, m.touched, k)
	}
	for i := range b.Events {
		switch ev := b.Events[i].Event; {
		case ev.GetAnchor() != nil:
			note(ev.GetAnchor().Boot, ticks{math.MaxInt64, math.MinInt64, true})
		case ev.GetSeriesDeclared() != nil: // its readings may have come before
			note(b.Events[i].Boot, ticks{0, math.MinInt64, true})
		}
	}
	for i := range b.Boots {
		for j := range b.Boots[i].Columns {
			c := &b.Boots[i].Columns[j]
			if q, ok := of.Meaning(b.Gateway, b.Epoch, c.Series); len(c.Ticks) == 0 || ok && q != reading.Latitude && q != reading.Longitude {
				continue
			}
			note(b.Boots[i].Boot, ticks{c.Ticks[0], c.Ticks[len(c.Ticks)-1], false})
		}
	}
	if len(m.touched) > 0 {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// and joins two.
func (t ticks) and(o ticks, in map[bootKey]ticks, k bootKey) ticks {
	if _, ok := in[k]; !ok {
		return o
	}
	return ticks{min(t.first, o.first), max(t.last, o.last), t.anchored || o.anchored}
}

// drain gives what was touched, and begins anew.
func (m *marks) drain() map[bootKey]ticks {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.touched
	m.touched = map[bootKey]ticks{}
	return all
}

// back puts marks back that could not be looked at.
func (m *marks) back(all map[bootKey]ticks) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, t := range all {
		m.touched[k] = m.touched[k].and(t, m.touched, k)
	}
}

// dating is how the positions of a boot were dated when they were looked at.
type dating struct {
	first, last int64 // ticks of positions so far
	timeline    *truetime.Timeline
}

const (
	maxBoots = 20_000
	shifted  = 1000 // ms: what is dated anew by less stays where it is
)

// touched gives the span of time in which positions of a boot came, or were
// dated anew.
func (t *Tracker) touched(ctx context.Context, k bootKey, now ticks) (s span, err error) {
	tl, err := t.o.Measured.Timeline(ctx, k.gateway, k.epoch, k.boot)
	if err != nil {
		return span{}, err
	}
	s = span{math.MaxInt64, math.MinInt64}
	add := func(tl *truetime.Timeline, tick int64) {
		if m, ok := tl.Resolve(tick); ok {
			s.from, s.until = min(s.from, m.UTC), max(s.until, m.UTC+1)
		}
	}
	old := t.dated[k]
	if old == nil {
		if len(t.dated) >= maxBoots {
			clear(t.dated)
		}
		old = &dating{math.MaxInt64, math.MinInt64, nil}
		t.dated[k] = old
		if now.anchored { // readings of before may be dated now
			add(tl, 0)
		}
	}
	old.first, old.last = min(old.first, now.first), max(old.last, now.last)
	if now.first <= now.last {
		add(tl, now.first)
		add(tl, now.last)
	} else if now.first == 0 { // a series was explained
		old.first = 0
		add(tl, 0)
	}
	if now.anchored && old.first <= old.last && moved(old.timeline, tl, old.first, old.last) {
		for _, l := range []*truetime.Timeline{old.timeline, tl} {
			add(l, old.first)
			add(l, old.last)
		}
	}
	old.timeline = tl
	return s, nil
}

// moved reports whether a timeline dates the ticks between otherwise than
// another did.
func moved(old, tl *truetime.Timeline, first, last int64) bool {
	for _, at := range []int64{first, last} {
		a, was := old.Resolve(at)
		b, is := tl.Resolve(at)
		if was != is || was && (a.Conflict != b.Conflict || a.UTC-b.UTC > shifted || b.UTC-a.UTC > shifted) {
			return true
		}
	}
	return false
}
