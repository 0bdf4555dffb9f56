package join

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"frostline/proto/thermal"
)

// State says whether a dated reading can vouch.
type State uint8

const (
	Usable      State = iota
	Bad               // its quality is not OK
	Conflicting       // dated by anchors that contradict one another
)

// Span is a stretch of time.
type Span struct{ From, To int64 }

// Readings gives what sensors have measured.
type Readings interface {
	// Temperatures calls yield for each dated reading of temperature of a
	// sensor from from (inclusive) to to (exclusive), in order of UTC; several
	// may have the same. It ends with yield's error if that is not nil.
	Temperatures(ctx context.Context, sensor string, from, to int64, yield func(at int64, v thermal.Temp, s State) error) error
	// Undated bounds the times of the sensor's readings that nobody can date:
	// they were taken within one of the spans.
	Undated(ctx context.Context, sensor string) ([]Span, error)
}

// track is what a sensor measured over a span, as a longest gap divides it.
type track struct {
	*measured
	runs  []run
	until int64 // that was asked for; more may be there
}

type flaw struct {
	at    int64
	state State
}

// run are samples[first:last+1].
type run struct{ first, last int }

// covered gives the parts of a span in which the sensor's readings are close
// enough, in order.
func (t *track) covered(s Span) (out []Span) {
	i := sort.Search(len(t.runs), func(i int) bool { return t.samples[t.runs[i].last].At > s.From })
	for ; i < len(t.runs); i++ {
		c := Span{max(s.From, t.samples[t.runs[i].first].At), min(s.To, t.samples[t.runs[i].last].At)}
		if c.From >= s.To {
			break
		}
		if c.From < c.To {
			out = append(out, c)
		}
	}
	return out
}

// stretch gives the samples that tell the temperature all over a covered span.
func (t *track) stretch(s Span) []thermal.Sample {
	first := sort.Search(len(t.samples), func(i int) bool { return t.samples[i].At > s.From }) - 1
	last := sort.Search(len(t.samples), func(i int) bool { return t.samples[i].At >= s.To })
	return slices.Clip(t.samples[first : last+1])
}

// silence says why there is no usable reading in a span.
func (t *track) silence(ctx context.Context, r Readings, sensor string, s Span) (string, error) {
	i := sort.Search(len(t.flaws), func(i int) bool { return t.flaws[i].at >= s.From })
	bad := false
	for ; i < len(t.flaws) && t.flaws[i].at < s.To; i++ {
		if t.flaws[i].state == Conflicting {
			return ConflictingClocks, nil
		}
		bad = true
	}
	if bad {
		return BadReadings, nil
	}
	if !t.asked {
		var err error
		if t.undated, err = r.Undated(ctx, sensor); err != nil {
			return "", fmt.Errorf("read undated spans of sensor %s: %w", sensor, err)
		}
		t.asked = true
	}
	for _, u := range t.undated {
		if u.From < s.To && s.From < u.To {
			return UndatedReadings, nil
		}
	}
	return SensorSilent, nil
}
