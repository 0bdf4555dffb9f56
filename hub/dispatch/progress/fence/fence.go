package fence

import (
	"math"

	"github.com/tidwall/rtree"

	"frostline/hub/dispatch/road"
)

// Fix is a position at a time.
type Fix struct {
	At          int64      `json:"at"`          // UTC, Unix ms
	Uncertainty int64      `json:"uncertainty"` // of At, ms
	Where       road.Point `json:"where"`
	Accuracy    int64      `json:"accuracy"` // mm, horizontal; 0: the receiver does not tell
}

// Unstated is the accuracy, in mm, that a receiver is taken to have which does
// not tell.
const Unstated = 25_000

// accuracy in mm.
func (f Fix) accuracy() int64 {
	if f.Accuracy == 0 {
		return Unstated
	}
	return f.Accuracy
}

// Fence is a circle around a place.
type Fence struct {
	ID     string
	Centre road.Point
	Radius int64 // m, more than 0
}

// Leave is the radius, in metres, beyond which the place is left: half as much
// again, and at least 50 m more.
func (f Fence) Leave() float64 {
	r := float64(f.Radius)
	return max(1.5*r, r+50)
}

// Set is a number of fences, by where they are. It is safe for concurrent use.
type Set struct {
	fences []Fence
	tree   rtree.RTreeGN[int64, int32]
}

// metres of one 1e-7 degree of latitude, on a sphere of 6371.0088 km.
const unit = 6371008.8 * math.Pi / 180 / 1e7

// around is the longest distance around the earth in units of longitude.
const around = 360e7

// NewSet makes a set.
func NewSet(fences []Fence) *Set {
	s := &Set{fences: fences}
	for i, f := range fences {
		north := int64(math.Ceil(float64(f.Radius) / unit))
		east := int64(around / 2)
		if c := math.Cos(min(90, float64(max(f.Centre.Latitude, -f.Centre.Latitude)+north)/1e7) * math.Pi / 180); c > 1e-6 {
			east = min(east, int64(math.Ceil(float64(north)/c)))
		}
		c := f.Centre
		for _, turn := range []int64{-around, 0, around} { // a fence may lie across the date line
			if lo, hi := c.Longitude-east+turn, c.Longitude+east+turn; hi >= -around/2 && lo <= around/2 {
				s.tree.Insert([2]int64{c.Latitude - north, lo}, [2]int64{c.Latitude + north, hi}, int32(i))
			}
		}
	}
	return s
}

// At calls yield with the place in the set of each fence that a point lies in,
// and its distance from the centre in metres.
func (s *Set) At(p road.Point, yield func(i int, distance float64)) {
	at := [2]int64{p.Latitude, p.Longitude}
	last := int32(-1)
	s.tree.Search(at, at, func(_, _ [2]int64, i int32) bool {
		if d := Distance(s.fences[i].Centre, p); i != last && d <= float64(s.fences[i].Radius) {
			last = i
			yield(int(i), d)
		}
		return true
	})
}

// Distance in metres between two points that are close: on the plane that
// touches the sphere between them. At 50 km it is wrong by less than 0.1 % up to
// 60 degrees of latitude; far ones are told to be far.
func Distance(a, b road.Point) float64 {
	x, y := offset(a, b)
	return math.Hypot(x, y)
}

// offset of b from a in metres, east and north.
func offset(a, b road.Point) (x, y float64) {
	east := b.Longitude - a.Longitude
	if east > around/2 {
		east -= around
	} else if east < -around/2 {
		east += around
	}
	y = float64(b.Latitude-a.Latitude) * unit
	x = float64(east) * unit * math.Cos(float64(a.Latitude+b.Latitude)/2e7*math.Pi/180)
	return x, y
}
