package sensor

import (
	"slices"
	"time"

	"frostline/proto/reading"
)

// Limit says what of a quantity is believed.
type Limit struct {
	Step  int64         // change believed in no time at all, in the quantity's unit
	Rate  int64         // and this much a second on top
	Stuck time.Duration // the same value for so long is a stuck sensor; 0 never
}

// Limits gives the limits of a sensor by quantity. Quantities without one are
// believed as they are.
func (s Spec) Limits() map[reading.Quantity]Limit {
	k := kinds[s.Driver]
	if k.limits == nil {
		return nil
	}
	return k.limits(s.Options.WithDefaults(s.Driver))
}

// believed is how many readings in a row, each possible after the one before,
// are believed though they are impossible after the last one believed: the
// probe was moved.
const believed = 3

// Plausibility lowers the quality of readings that were measured well and
// cannot be true. It belongs to one sensor and is not safe for concurrent use.
type Plausibility struct {
	limits map[reading.Quantity]Limit
	past   map[reading.Quantity]*past
}

// past is what of a quantity was seen before.
type past struct {
	seen     bool
	at, last int64 // the last reading believed: boottime ms, value

	suspects            int // in a row
	suspectAt, suspectV int64

	held        int64 // the value seen last
	since, upTo int64 // boottimes of the first and the last reading that showed it, ms
	holding     bool
}

// NewPlausibility makes a judge without a past.
func NewPlausibility(limits map[reading.Quantity]Limit) *Plausibility {
	return &Plausibility{limits: limits, past: map[reading.Quantity]*past{}}
}

// Judge sets the quality of those values of a tick, boottime ms, that are OK by
// the sensor and not by its past. Ticks come in ascending order.
func (p *Plausibility) Judge(tick int64, values []Value) {
	for i := range values {
		v := &values[i]
		l, ok := p.limits[v.Quantity]
		if !ok || v.Quality != reading.OK {
			continue
		}
		h := p.past[v.Quantity]
		if h == nil {
			h = &past{}
			p.past[v.Quantity] = h
		}
		switch {
		case h.impossible(tick, v.Value, l):
			v.Quality = reading.ImpossibleStep
		case h.stuck(tick, v.Value, l) && !atLimit(*v):
			v.Quality = reading.Stuck
		}
	}
	sameQuality(values)
}

// sameQuality gives what a thermometer measured the quality of what it was
// corrected to: they are one measurement.
func sameQuality(values []Value) {
	t := slices.IndexFunc(values, func(v Value) bool { return v.Quantity == reading.Temperature })
	raw := slices.IndexFunc(values, func(v Value) bool { return v.Quantity == reading.TemperatureRaw })
	if t >= 0 && raw >= 0 {
		values[raw].Quality = values[t].Quality
	}
}

// impossible says whether v cannot follow what was believed last.
func (h *past) impossible(tick, v int64, l Limit) bool {
	possible := func(sinceAt, since int64) bool {
		return max(v-since, since-v) <= l.Step+l.Rate*(tick-sinceAt)/1000
	}
	if h.seen && !possible(h.at, h.last) {
		if h.suspects > 0 && possible(h.suspectAt, h.suspectV) {
			h.suspects++
		} else {
			h.suspects = 1
		}
		h.suspectAt, h.suspectV = tick, v
		if h.suspects < believed {
			return true
		}
	}
	h.seen, h.at, h.last, h.suspects = true, tick, v, 0
	return false
}

// stuck says whether the value has been the same for too long. A sensor that
// was silent for half that time begins anew.
func (h *past) stuck(tick, v int64, l Limit) bool {
	limit := l.Stuck.Milliseconds()
	if !h.holding || v != h.held || tick-h.upTo > limit/2 {
		h.since, h.held, h.holding = tick, v, true
	}
	h.upTo = tick
	return limit > 0 && tick-h.since >= limit
}

// atLimit says whether a value may be the same for ever: air that is saturated.
func atLimit(v Value) bool {
	return v.Quantity == reading.Humidity && (v.Value == 0 || v.Value == 100_000)
}
