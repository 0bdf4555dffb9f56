package verify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// maxReadings bounds the temperatures that are held, 40 bytes each.
const maxReadings = 50_000_000

type bootKey struct {
	gateway     string
	epoch, boot uint32
}

// place is where a reading stands in a gateway's own time.
type place struct {
	epoch, boot, series uint32
	tick                int64
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.epoch, o.epoch), cmp.Compare(p.boot, o.boot), cmp.Compare(p.tick, o.tick), cmp.Compare(p.series, o.series))
}

type taken struct {
	place
	value  int64
	ok     bool
	signed bool // a seal holds it, and what names its sensor
}

type datedReading struct {
	at    int64
	value thermal.Temp
	state join.State
}

// readings are the temperatures of the sensors that bear on the shipment.
type readings struct {
	facts    *join.Facts
	dating   truetime.Rule
	needed   map[string]bool // sensors that could vouch
	anchors  map[bootKey][]anchor
	raw      map[string][]taken
	readings int
	all      *view // of everything
	signed   *view // of what seals hold
}

type anchor struct {
	truetime.Anchor
	signed bool
}

// view is readings as they are dated. It implements join.Readings.
type view struct {
	of      *readings
	signed  bool // only what a seal holds
	lines   map[bootKey]*truetime.Timeline
	dated   map[string][]datedReading
	undated map[string][]join.Span
}

// newReadings applies the facts and finds which sensors could vouch.
func newReadings(events []event.Event, dating truetime.Rule) (*readings, error) {
	s := &readings{dating: dating, facts: join.NewFacts(), needed: map[string]bool{}, anchors: map[bootKey][]anchor{}, raw: map[string][]taken{}}
	s.all, s.signed = s.view(false), s.view(true)
	for _, e := range events {
		if err := s.facts.Apply(e); err != nil {
			return nil, err
		}
		if e.Type != fact.WasAttached {
			continue
		}
		d, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return nil, err
		}
		if a := d.(*fact.Attached); a.Subject.Kind == fact.Sensor {
			s.needed[a.Subject.ID] = true
		}
	}
	return s, nil
}

func (s *readings) view(signed bool) *view {
	return &view{of: s, signed: signed, lines: map[bootKey]*truetime.Timeline{}, dated: map[string][]datedReading{}, undated: map[string][]join.Span{}}
}

func (s *readings) anchor(k bootKey, a truetime.Anchor, signed bool) {
	s.anchors[k] = append(s.anchors[k], anchor{a, signed})
	delete(s.all.lines, k)
}

func (s *readings) add(sensor string, p place, value int64, ok, signed bool) error {
	if !s.needed[sensor] {
		return nil
	}
	if s.readings++; s.readings > maxReadings {
		return fmt.Errorf("more than %d temperatures: this program does not hold so many", maxReadings)
	}
	s.raw[sensor] = append(s.raw[sensor], taken{p, value, ok, signed})
	return nil
}

func (v *view) timeline(k bootKey) *truetime.Timeline {
	t := v.lines[k]
	if t == nil {
		var anchors []truetime.Anchor
		for _, a := range v.of.anchors[k] {
			if a.signed || !v.signed {
				anchors = append(anchors, a.Anchor)
			}
		}
		t = v.of.dating.Timeline(anchors)
		v.lines[k] = t
	}
	return t
}

// date dates a sensor's readings, once.
func (v *view) date(sensor string) {
	if _, done := v.undated[sensor]; done {
		return
	}
	gateway, _, _ := strings.Cut(sensor, "/")
	raw := slices.Clone(v.of.raw[sensor])
	if v.signed {
		raw = slices.DeleteFunc(raw, func(t taken) bool { return !t.signed })
	}
	slices.SortStableFunc(raw, func(a, b taken) int { return a.place.compare(b.place) })
	raw = slices.CompactFunc(raw, func(a, b taken) bool { return a.place == b.place }) // the first holds
	var out []datedReading
	var boots []extent
	for i := 0; i < len(raw); {
		first := i
		t := v.timeline(bootKey{gateway, raw[i].epoch, raw[i].boot})
		for ; i < len(raw) && raw[i].epoch == raw[first].epoch && raw[i].boot == raw[first].boot; i++ {
			m, ok := t.Resolve(raw[i].tick)
			if !ok {
				continue
			}
			d := datedReading{m.UTC, thermal.Temp(raw[i].value), join.Usable}
			switch {
			case m.Conflict:
				d.state = join.Conflicting
			case !raw[i].ok:
				d.state = join.Bad
			}
			out = append(out, d)
		}
		boots = append(boots, extent{t, raw[first].tick, raw[i-1].tick})
	}
	slices.SortStableFunc(out, func(a, b datedReading) int { return cmp.Compare(a.at, b.at) })
	v.dated[sensor], v.undated[sensor] = out, between(boots)
}

// extent is the ticks of a sensor in a boot.
type extent struct {
	timeline    *truetime.Timeline
	first, last int64
}

// between bounds the times of undated boots by the dated ones around them.
func between(boots []extent) []join.Span {
	out := []join.Span{}
	before := int64(math.MinInt64)
	for i, b := range boots {
		if b.timeline.Dated() {
			if m, ok := b.timeline.Resolve(b.last); ok {
				before = max(before, m.UTC)
			}
			continue
		}
		s := join.Span{From: before, To: math.MaxInt64}
		for _, later := range boots[i+1:] {
			if m, ok := later.timeline.Resolve(later.first); ok {
				s.To = min(s.To, m.UTC)
			}
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}

// Temperatures implements join.Readings.
func (v *view) Temperatures(ctx context.Context, sensor string, from, to int64, yield func(int64, thermal.Temp, join.State) error) error {
	v.date(sensor)
	all := v.dated[sensor]
	i, _ := slices.BinarySearchFunc(all, from, func(d datedReading, at int64) int { return cmp.Compare(d.at, at) })
	for ; i < len(all) && all[i].at < to; i++ {
		if i%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := yield(all[i].at, all[i].value, all[i].state); err != nil {
			return err
		}
	}
	return nil
}

// Undated implements join.Readings.
func (v *view) Undated(_ context.Context, sensor string) ([]join.Span, error) {
	v.date(sensor)
	return v.undated[sensor], nil
}
