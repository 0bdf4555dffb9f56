package sensing

import (
	"math"
	"strconv"
	"strings"

	"frostline/proto/thermal"
)

// device is the sensor of a source: "sensor/GATEWAY/SENSOR".
func device(source string) string {
	name, _, _ := strings.Cut(source, " ")
	return name
}

// rulesOf names a version of a profile, with the product whose own figures are
// added.
func rulesOf(profile string, version int, product string) string {
	rules := profile + "/" + strconv.Itoa(version)
	if product != "" {
		rules += "/" + product
	}
	return rules
}

// line is a straight piece of a temperature's course.
type line struct {
	low, high float64 // m°C
	ms        float64
}

// tally is what one source measured in a span. Between two samples the
// temperature is the straight line between them, as everywhere.
type tally struct {
	lines    []line
	from, to int64
	any      bool
}

// add takes what of a stretch lies within a span.
func (t *tally) add(s *thermal.Stretch, from, to int64) {
	from, to = max(from, s.From), min(to, s.To)
	for i := 1; i < len(s.Samples); i++ {
		a, b := s.Samples[i-1], s.Samples[i]
		begin, end := max(from, a.At), min(to, b.At)
		if begin >= end {
			continue
		}
		at := func(ms int64) float64 {
			return float64(a.Value) + float64(b.Value-a.Value)*float64(ms-a.At)/float64(b.At-a.At)
		}
		v, w := at(begin), at(end)
		t.lines = append(t.lines, line{min(v, w), max(v, w), float64(end - begin)})
		if !t.any {
			t.from, t.any = begin, true
		}
		t.from, t.to = min(t.from, begin), max(t.to, end)
	}
}

func (t *tally) empty() bool { return !t.any }

// rank is the percentile that is reported.
const rank = 90

// report gives smallest, largest, mean, standard deviation and percentile of
// the temperature, all weighted by time.
func (t *tally) report() report {
	low, high := math.Inf(1), math.Inf(-1)
	var time, area float64
	for _, l := range t.lines {
		low, high = min(low, l.low), max(high, l.high)
		time += l.ms
		area += (l.low + l.high) / 2 * l.ms
	}
	mean := area / time
	var squares float64
	for _, l := range t.lines { // ∫(v−mean)² over a line is exact by this sum
		a, b := l.low-mean, l.high-mean
		squares += (a*a + a*b + b*b) / 3 * l.ms
	}
	r := report{Type: "Temperature", Min: milli(low), Max: milli(high), Mean: milli(mean), Deviation: milli(math.Sqrt(squares / time)), Rank: rank}
	r.Percentile = milli(t.percentile(low, high, time*rank/100))
	return r
}

// percentile is the temperature that was not exceeded for so long.
func (t *tally) percentile(low, high, ms float64) float64 {
	for range 50 {
		middle := (low + high) / 2
		below := 0.0
		for _, l := range t.lines {
			switch {
			case l.high <= middle:
				below += l.ms
			case l.low < middle:
				below += l.ms * (middle - l.low) / (l.high - l.low)
			}
		}
		if below >= ms {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

func milli(v float64) *thermal.Temp {
	t := thermal.Temp(math.Round(v))
	return &t
}
