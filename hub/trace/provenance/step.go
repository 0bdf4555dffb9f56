package provenance

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
	"frostline/hub/trace/unit"
	"frostline/proto/thermal"
)

// own is who captures what the hub states of its own.
const own = "system/sensing"

// stepOf tells an event in short.
func stepOf(e *kept) Step {
	s := Step{
		At: e.Row.Time, Type: e.Type, Action: e.Action, Step: e.BizStep, Disposition: e.Disposition, Set: e.Set, Parent: e.ParentID,
		Place: e.ReadPoint, Location: e.BizLocation, From: possessor(e.Sources), To: possessor(e.Destinations),
		Proof: Proof{EventID: e.Row.ID, Seq: e.Seq, Captured: e.Recorded},
	}
	for i := range e.Sensors {
		el := &e.Sensors[i]
		for j := range el.Reports {
			s.Sensors = append(s.Sensors, sensorOf(&el.Metadata, &el.Reports[j]))
		}
	}
	return s
}

// possessor is the party that has the goods, or else the first that is named.
func possessor(all []epcis.Party) string {
	for _, p := range all {
		if p.Type == "possessing_party" {
			return p.ID
		}
	}
	if len(all) > 0 {
		return all[0].ID
	}
	return ""
}

func sensorOf(m *epcis.SensorMetadata, r *epcis.SensorReport) Sensor {
	first := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	s := Sensor{
		From: ms(m.Start), To: ms(m.End), Type: r.Type, Exception: r.Exception, At: ms(r.Time),
		Device: first(r.DeviceID, m.DeviceID), Rules: first(r.Rules, m.Rules), Method: first(r.Method, m.Method), Raw: first(r.RawData, m.RawData),
	}
	if s.At == 0 {
		s.At = ms(m.Time)
	}
	if r.Type == "Temperature" {
		s.Value, s.Min, s.Max, s.Mean = celsius(r.Value, r.Unit), celsius(r.Min, r.Unit), celsius(r.Max, r.Unit), celsius(r.Mean, r.Unit)
	}
	return s
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// celsius gives a temperature in °C; nil for none, and where its unit is none
// of temperature.
func celsius(n epcis.Number, code string) *thermal.Temp {
	v, ok := n.Float()
	if !ok || n == "" {
		return nil
	}
	kelvin, base := unit.Base(v, code)
	if base != "KEL" {
		return nil
	}
	t := thermal.Temp(math.Round((kelvin - 273.15) * 1000))
	return &t
}

// bound is a domain event that binds captured events, from first to last.
type bound struct {
	event       event.Event
	data        fact.EventsCaptured
	first, last int64
}

// prove notes what binds each step.
func (t *Teller) prove(ctx context.Context, steps []Step) error {
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(steps[a].Proof.Seq - steps[b].Proof.Seq) })
	var b *bound
	var entry *uint64
	for _, i := range order {
		p := &steps[i].Proof
		if b == nil || p.Seq > b.last {
			var err error
			if b, err = t.binding(ctx, p.Seq); err != nil {
				return err
			}
			entry = nil
			if b == nil {
				continue
			}
			index, ok, err := t.Log.Logged(ctx, b.event.ID, b.event.Position)
			if err != nil {
				return err
			}
			if ok {
				entry = &index
			}
		}
		b.prove(&steps[i], entry)
	}
	return nil
}

func (b *bound) prove(s *Step, entry *uint64) {
	p := &s.Proof
	for _, c := range b.data.Captures {
		for _, e := range c.Events {
			if e.Seq == p.Seq {
				p.By, p.Hash, p.Digest, p.Position, p.Entry = c.By, e.Hash, e.Digest, b.event.Position, entry
				s.Own = c.By == own
			}
		}
	}
}

// binding finds the domain event that binds a captured event, by halves: each
// names those after the one before. nil where there is none.
func (t *Teller) binding(ctx context.Context, seq int64) (*bound, error) {
	at := func(version int64) (*bound, error) {
		events, err := t.Events.Stream(ctx, "epcis/captured", version-1, 1)
		if err != nil || len(events) == 0 {
			return nil, err
		}
		b := &bound{event: events[0], first: math.MaxInt64}
		if err := json.Unmarshal(b.event.Data, &b.data); err != nil {
			return nil, fmt.Errorf("event %s: %w", b.event.ID, err)
		}
		for _, c := range b.data.Captures {
			for _, e := range c.Events {
				b.first, b.last = min(b.first, e.Seq), max(b.last, e.Seq)
			}
		}
		return b, nil
	}
	// Each domain event binds at least one captured event, so that of seq has at
	// most that version.
	var failed error
	version := int64(sort.Search(int(seq), func(i int) bool {
		b, err := at(int64(i) + 1)
		if err != nil {
			failed = err
		}
		return err != nil || b == nil || b.last >= seq
	})) + 1
	if failed != nil {
		return nil, failed
	}
	b, err := at(version)
	if err != nil || b == nil || b.first > seq {
		return nil, err
	}
	return b, nil
}
