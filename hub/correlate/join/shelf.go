package join

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"frostline/proto/thermal"
)

// Shelf keeps what it has read of sensors, so that packages that rode together
// are judged by reading it once. It is Readings for Judge, and answers for the
// time when it read: who hears that a sensor's readings have become more or are
// dated otherwise calls Forget. It is for one goroutine.
type Shelf struct {
	readings Readings
	most     int // readings
	held     int
	kept     map[string]map[string]*measured // by gateway and sensor
}

// NewShelf makes one that keeps about so many readings, of 16 bytes each, and
// whatever one package needs.
func NewShelf(r Readings, most int) *Shelf {
	return &Shelf{readings: r, most: most, kept: map[string]map[string]*measured{}}
}

// Temperatures asks the readings behind the shelf.
func (s *Shelf) Temperatures(ctx context.Context, sensor string, from, to int64, yield func(at int64, v thermal.Temp, st State) error) error {
	return s.readings.Temperatures(ctx, sensor, from, to, yield)
}

// Undated asks the readings behind the shelf.
func (s *Shelf) Undated(ctx context.Context, sensor string) ([]Span, error) {
	return s.readings.Undated(ctx, sensor)
}

// Forget drops what is kept of a gateway's sensors.
func (s *Shelf) Forget(gateway string) {
	for _, m := range s.kept[gateway] {
		s.held -= m.size()
	}
	delete(s.kept, gateway)
}

// Clear drops all that is kept.
func (s *Shelf) Clear() {
	clear(s.kept)
	s.held = 0
}

// shelfOf is r, or a shelf over it for a single package.
func shelfOf(r Readings) *Shelf {
	if s, ok := r.(*Shelf); ok {
		return s
	}
	return NewShelf(r, math.MaxInt)
}

// track gives what a sensor measured over a span at least.
func (s *Shelf) track(ctx context.Context, sensor string, span Span, gap int64) (*track, error) {
	until := span.To
	gateway, _, _ := strings.Cut(sensor, "/")
	m := s.kept[gateway][sensor]
	if m == nil || span.From < m.span.From || span.To > m.span.To {
		if m != nil {
			span = Span{min(span.From, m.span.From), max(span.To, m.span.To)}
			s.held -= m.size()
			delete(s.kept[gateway], sensor)
		}
		var err error
		if m, err = load(ctx, s.readings, sensor, span); err != nil {
			return nil, err
		}
		if s.held > 0 && s.held+m.size() > s.most {
			s.Clear()
		}
		if s.kept[gateway] == nil {
			s.kept[gateway] = map[string]*measured{}
		}
		s.kept[gateway][sensor] = m
		s.held += m.size()
	}
	return &track{measured: m, runs: m.within(gap), until: until}, nil
}

// measured is what a sensor measured over a span. Nobody changes it, apart from
// adding what it was not asked yet: others have parts of its samples.
type measured struct {
	samples []thermal.Sample // usable, one for an instant
	flaws   []flaw           // the others, in order
	span    Span             // that was asked for
	undated []Span
	asked   bool // for undated
	runs    map[int64][]run
}

func (m *measured) size() int { return len(m.samples) + len(m.flaws) }

// within gives the runs of samples that follow one another within a gap.
func (m *measured) within(gap int64) []run {
	runs, ok := m.runs[gap]
	if ok {
		return runs
	}
	for i := range m.samples {
		if i == 0 || m.samples[i].At-m.samples[i-1].At > gap {
			runs = append(runs, run{first: i})
		}
		runs[len(runs)-1].last = i
	}
	if m.runs == nil {
		m.runs = map[int64][]run{}
	}
	m.runs[gap] = runs
	return runs
}

// scratch is where samples are gathered before it is known how many they are.
var scratch = sync.Pool{New: func() any { return new([]thermal.Sample) }}

// load reads a sensor over a span. Of several usable readings at an instant the
// sample is the mean, rounded down.
func load(ctx context.Context, r Readings, sensor string, span Span) (*measured, error) {
	m := &measured{span: span}
	room := scratch.Get().(*[]thermal.Sample)
	samples := (*room)[:0]
	defer func() { *room = samples; scratch.Put(room) }()
	var sum, n int64 // of the last instant
	err := r.Temperatures(ctx, sensor, span.From, span.To, func(at int64, v thermal.Temp, s State) error {
		if s != Usable {
			m.flaws = append(m.flaws, flaw{at, s})
			return nil
		}
		last := len(samples) - 1
		switch {
		case last < 0 || at > samples[last].At:
			samples = append(samples, thermal.Sample{At: at, Value: v})
			sum, n = int64(v), 1
		case at == samples[last].At:
			sum, n = sum+int64(v), n+1
			mean := sum / n
			if sum%n < 0 {
				mean--
			}
			samples[last].Value = thermal.Temp(mean)
		default:
			return fmt.Errorf("reading of sensor %s at %d comes after one at %d: readings must be in order", sensor, at, samples[last].At)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read temperatures of sensor %s: %w", sensor, err)
	}
	m.samples = slices.Clone(samples)
	return m, nil
}
