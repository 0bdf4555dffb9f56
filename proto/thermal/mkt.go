package thermal

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNothing is wrapped where there is nothing to take a mean of.
var ErrNothing = errors.New("nothing to take a mean of")

// KineticMean is the mean kinetic temperature of temperatures in degrees
// Celsius with weights, usually durations; nil weighs all the same, which is the
// formula of USP <1160>:
//
//	Tk = K / (−ln(Σ wi·exp(−K/Ti) / Σ wi)),  K = ΔH/R,  T in kelvin
//
// Mean is the weighted arithmetic mean, which Tk is never less than.
// Activation is ΔH in J/mol. An empty series, weights that sum to zero, are
// negative or infinite, and what is no temperature are errors.
func KineticMean(celsius, weights []float64, activation float64) (tk, mean float64, err error) {
	k, err := kineticK(activation)
	if err != nil {
		return 0, 0, err
	}
	if weights != nil && len(weights) != len(celsius) {
		return 0, 0, fmt.Errorf("%d weights for %d temperatures: want as many", len(weights), len(celsius))
	}
	if len(celsius) == 0 {
		return 0, 0, fmt.Errorf("%w: no temperatures", ErrNothing)
	}
	top := math.Inf(-1)
	total := 0.0
	for i, c := range celsius {
		if err := possibleCelsius(c); err != nil {
			return 0, 0, fmt.Errorf("temperature %d: %w", i+1, err)
		}
		w := weight(weights, i)
		if !(w >= 0) || math.IsInf(w, 0) {
			return 0, 0, fmt.Errorf("weight %d: %v: want a number that is not negative", i+1, w)
		}
		if w > 0 {
			top = max(top, -k/(c+Kelvin))
		}
		total += w
	}
	if total == 0 || math.IsInf(total, 0) {
		return 0, 0, fmt.Errorf("%w: the weights sum to %v", ErrNothing, total)
	}
	rate := 0.0
	for i, c := range celsius {
		w := weight(weights, i) / total
		mean += float64(w * c)
		if w > 0 {
			rate += float64(w * exp(-k/(c+Kelvin)-top))
		}
	}
	return k/-(top+log(rate)) - Kelvin, mean, nil
}

func weight(weights []float64, i int) float64 {
	if weights == nil {
		return 1
	}
	return weights[i]
}

func kineticK(activation float64) (float64, error) {
	if !(activation >= MinActivation && activation <= MaxActivation) {
		return 0, fmt.Errorf("activation %v J/mol: want %d to %d; %d is usual", activation, MinActivation, MaxActivation, DefaultActivation)
	}
	return activation * 10_000 / DefaultActivation, nil
}

func possibleCelsius(c float64) error {
	switch {
	case math.IsNaN(c) || math.IsInf(c, 0):
		return fmt.Errorf("%v is no temperature", c)
	case c <= -Kelvin:
		return fmt.Errorf("%v °C: want more than absolute zero, -273.15", c)
	case c > MaxTemp.Celsius():
		return fmt.Errorf("%v °C: want at most %s", c, MaxTemp)
	}
	return nil
}

// Point is a temperature at an instant.
type Point struct {
	At      int64 // UTC, Unix ms
	Celsius float64
}

// KineticSeries is the mean kinetic temperature of a series in time.
type KineticSeries struct {
	Celsius, Mean float64 // kinetic, and weighted by time
	Points        int     // after those of one instant were averaged
	Duplicates    int     // points that shared an instant with another
	Unsorted      int     // points that came after a later one
	From, To      int64
	Monitored     int64 // ms between points not further apart than allowed
	Gaps          []Unmonitored
}

// KineticOf integrates a series by the trapezoid rule on exp(−K/T), after
// sorting it (in place) and averaging points of one instant. Points further
// apart than longest, in ms, have a gap between them: it adds neither time nor
// temperature and is reported; 0 allows any distance. Activation is ΔH in J/mol.
// A series of no duration is an error, except of one instant, whose temperature
// is the mean.
func KineticOf(points []Point, longest int64, activation float64) (KineticSeries, error) {
	var s KineticSeries
	k, err := kineticK(activation)
	if err != nil {
		return s, err
	}
	if len(points) == 0 {
		return s, fmt.Errorf("%w: no temperatures", ErrNothing)
	}
	for i, p := range points {
		if err := errors.Join(possibleCelsius(p.Celsius), instant(p.At)); err != nil {
			return s, fmt.Errorf("point %d: %w", i+1, err)
		}
	}
	s.Unsorted = Sort(points, func(p Point) int64 { return p.At })
	points, s.Duplicates = average(points)
	s.Points, s.From, s.To = len(points), points[0].At, points[len(points)-1].At
	if len(points) == 1 {
		s.Celsius, s.Mean = points[0].Celsius, points[0].Celsius
		return s, nil
	}
	top := math.Inf(-1)
	for _, p := range points {
		top = max(top, -k/(p.Celsius+Kelvin))
	}
	rate := func(p Point) float64 { return exp(-k/(p.Celsius+Kelvin) - top) }
	var heat, area float64
	before := rate(points[0])
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		r := rate(b)
		if dt := b.At - a.At; longest > 0 && dt > longest {
			s.Gaps = append(s.Gaps, Unmonitored{From: a.At, To: b.At, Reason: ReasonLongGap})
		} else {
			heat += float64(float64(before+r) * 0.5 * float64(dt))
			area += float64(float64(a.Celsius+b.Celsius) * 0.5 * float64(dt))
			s.Monitored += dt
		}
		before = r
	}
	if s.Monitored == 0 {
		return s, fmt.Errorf("%w: no two points are within %d ms of one another", ErrNothing, longest)
	}
	s.Mean = area / float64(s.Monitored)
	s.Celsius = k/-(top+log(heat/float64(s.Monitored))) - Kelvin
	return s, nil
}

// Sort brings readings into the order of time, keeping the order of those of
// one instant, and says how many came after a later one.
func Sort[T any](l []T, at func(T) int64) (unsorted int) {
	last := int64(math.MinInt64)
	for _, x := range l {
		if t := at(x); t < last {
			unsorted++
		} else {
			last = t
		}
	}
	if unsorted > 0 {
		slices.SortStableFunc(l, func(a, b T) int {
			switch ta, tb := at(a), at(b); {
			case ta < tb:
				return -1
			case ta > tb:
				return 1
			}
			return 0
		})
	}
	return unsorted
}

// average makes one point of those of one instant, in place.
func average(points []Point) (out []Point, duplicates int) {
	out = points[:0]
	for i := 0; i < len(points); {
		j, sum := i, 0.0
		for ; j < len(points) && points[j].At == points[i].At; j++ {
			sum += points[j].Celsius
		}
		if n := j - i; n > 1 {
			duplicates += n - 1
			out = append(out, Point{points[i].At, sum / float64(n)})
		} else {
			out = append(out, points[i])
		}
		i = j
	}
	return out, duplicates
}

// Average makes one sample of those of one instant, in place: their mean to the
// nearest thousandth of a degree, halves up. Samples ascend by At. It says how
// many shared an instant with another.
func Average(samples []Sample) (out []Sample, duplicates int) {
	out = samples[:0]
	for i := 0; i < len(samples); {
		j, sum := i, int64(0)
		for ; j < len(samples) && samples[j].At == samples[i].At; j++ {
			sum += int64(samples[j].Value)
		}
		n := j - i
		duplicates += n - 1
		out = append(out, Sample{samples[i].At, Temp(divide(sum, int64(n)))})
		i = j
	}
	return out, duplicates
}
