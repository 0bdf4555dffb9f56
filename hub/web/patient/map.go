package patient

import (
	"math"

	"frostline/hub/dispatch/road"
)

const (
	// A position is told to a cell of this many 1e-7 degrees of latitude, some 3.3
	// km, until the patient is next: other stops cannot be told by it.
	cell = 300_000
	// Then to this many metres.
	near = 150
	// metres of 1e-7 degree of latitude.
	unit = 6371008.8 * math.Pi / 180 / 1e7
	// Further away than this, in metres, no map helps.
	furthest = 300_000
)

// mapOf says where the courier is as far as the patient may know: a cell until
// they are next, and nothing before the courier has set out, after the hand-over,
// and where the courier was called back.
func mapOf(f *facts, n *now, stage Stage) *Map {
	s := f.stop
	if stage != Underway && stage != Next || s == nil || !s.underway || s.home == nil || n.fix == nil {
		return nil
	}
	m := &Map{At: n.fix.at, Stale: n.at-n.fix.at > stale, Radius: near}
	where := n.fix.where
	if stage == Underway {
		where, m.Radius = coarse(where)
	}
	m.East, m.North = from(*s.home, where)
	if math.Hypot(m.East, m.North) > furthest {
		return nil
	}
	// Tens of metres: what is told need not change each second.
	m.East, m.North = math.Round(m.East/10)*10, math.Round(m.North/10)*10
	return m
}

// coarse gives the middle of the cell of a grid over the earth that a point lies
// in, and how far from it the point may be, in metres. Which cell it is depends
// on the point alone: many of them, put together, tell no more.
func coarse(p road.Point) (road.Point, float64) {
	row := math.Floor(float64(p.Latitude) / cell)
	middle := (row + 0.5) * cell
	wide := cell / math.Max(math.Cos(middle/1e7*math.Pi/180), 0.01)
	column := math.Floor(float64(p.Longitude) / wide)
	radius := math.Ceil(cell*unit*math.Sqrt2/2/100) * 100
	return road.Point{Latitude: int64(middle), Longitude: int64((column + 0.5) * wide)}, radius
}

// from gives the way from a to b in metres, east and north.
func from(a, b road.Point) (east, north float64) {
	turn := float64(b.Longitude - a.Longitude)
	if turn > 180e7 {
		turn -= 360e7
	} else if turn < -180e7 {
		turn += 360e7
	}
	return turn * unit * math.Cos(float64(a.Latitude+b.Latitude)/2e7*math.Pi/180), float64(b.Latitude-a.Latitude) * unit
}
