package road

import (
	"context"
	"math"
)

// Estimate is the built-in guess: the great circle, times a detour by class of
// distance, at a speed by class of distance. Detours are those usual in the
// literature: about 1.4 in town and 1.2 to 1.3 between towns (F. Boscoe, K.
// Henry and M. Zdeb, "A nationwide comparison of driving distance versus
// straight-line distance to hospitals", 2012; R. Ballou et al., "Selected
// country circuity factors for road travel distance estimation", 2002).
type Estimate struct{}

// class: at a straight distance, the metres and the seconds really needed.
// Between two classes both grow evenly, so that farther is never sooner.
type class struct{ straight, metres, seconds float64 }

// classes by kind, and beyond the last at its marginal rate. A van at 1 km:
// detour 1.4 at 25 km/h with lights; at 100 km: 1.23 at 70 km/h.
var classes = map[Kind][]class{
	Van:   {{0, 0, 0}, {1e3, 1400, 200}, {5e3, 6700, 800}, {20e3, 26e3, 2080}, {100e3, 123e3, 6330}, {400e3, 480e3, 20000}},
	Bike:  {{0, 0, 0}, {1e3, 1350, 320}, {5e3, 6500, 1470}, {20e3, 25e3, 5600}},
	Foot:  {{0, 0, 0}, {1e3, 1300, 960}, {5e3, 6300, 4700}},
	Drone: {{0, 0, 40}, {1e3, 1000, 110}, {20e3, 20e3, 1480}},
	Robot: {{0, 0, 0}, {1e3, 1400, 1000}, {5e3, 6800, 4900}},
}

// interval of the time taken, in proportion to the estimate. In town the
// detour's own spread is about a fifth, and the speed's with the hour about two
// fifths; a drone knows neither.
func interval(kind Kind) (low, high float64) {
	switch kind {
	case Drone:
		return 0.85, 1.3
	case Foot, Robot:
		return 0.8, 1.35
	}
	return 0.65, 1.6
}

// Estimated is the Source of the built-in estimate.
const Estimated = "estimate"

// Straight is the great circle between two points in metres (haversine, mean
// radius of the earth 6371.0088 km).
func Straight(a, b Point) float64 {
	const rad = math.Pi / 180
	h := func(d float64) float64 { s := math.Sin(d * rad / 2); return s * s }
	x := h(b.lat()-a.lat()) + math.Cos(a.lat()*rad)*math.Cos(b.lat()*rad)*h(b.lon()-a.lon())
	return 2 * 6371008.8 * math.Asin(math.Sqrt(min(1, x)))
}

func guess(kind Kind, a, b Point) Leg {
	if a == b {
		return Leg{}
	}
	table, ok := classes[kind]
	if !ok {
		table = classes[Van]
	}
	d, k := Straight(a, b), 1
	for k < len(table)-1 && d > table[k].straight {
		k++
	}
	lo, hi := table[k-1], table[k]
	f := (d - lo.straight) / (hi.straight - lo.straight)
	return Leg{Seconds: lo.seconds + f*(hi.seconds-lo.seconds), Metres: lo.metres + f*(hi.metres-lo.metres)}
}

// Table estimates; it fails for points that are not on the earth only.
func (Estimate) Table(_ context.Context, kind Kind, points []Point) (*Table, error) {
	if err := checked(points, 1, MaxPoints); err != nil {
		return nil, err
	}
	t := &Table{Source: Estimated, Estimated: true}
	t.Low, t.High = interval(kind)
	for _, a := range points {
		s, m := make([]int32, len(points)), make([]int32, len(points))
		for j, b := range points {
			leg := guess(kind, a, b)
			s[j], m[j] = int32(min(Far, math.Ceil(leg.Seconds))), int32(min(Far, math.Round(leg.Metres)))
		}
		t.Seconds, t.Metres = append(t.Seconds, s), append(t.Metres, m)
	}
	return t, nil
}

// Way estimates; see Table.
func (Estimate) Way(_ context.Context, kind Kind, points []Point) (*Way, error) {
	if err := checked(points, 2, MaxPoints); err != nil {
		return nil, err
	}
	w := &Way{Shape: points, Source: Estimated, Estimated: true}
	w.Low, w.High = interval(kind)
	for i := range points[1:] {
		w.Legs = append(w.Legs, guess(kind, points[i], points[i+1]))
	}
	return w, nil
}
