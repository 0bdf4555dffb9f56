// Package drawmap puts positions onto pictures: north up, and at one scale in both
// directions. It is for stretches of some hundred kilometres at most, on which the
// earth is as good as flat.
package drawmap

import (
	"fmt"
	"math"
)

// Point is a position in 1e-7 degrees, north and east positive.
type Point struct{ Lat, Lon int64 }

const (
	metresPerDegree = 111_320.0
	// least is how much is shown at least, in metres: a parked vehicle's noise is
	// not a journey.
	least  = 200
	around = 360e7 // of longitude
)

// Extent is what points span.
type Extent struct {
	lat, lon    float64 // of the middle, degrees
	squeeze     float64 // of a degree of longitude there
	East, North float64 // metres
}

// Across is the diagonal in metres.
func (e Extent) Across() float64 { return math.Hypot(e.East, e.North) }

// Of gives what points span; there is one at least. They lie on one side of the
// 180th meridian; see Unbroken.
func Of(points []Point) Extent {
	minLat, maxLat, minLon, maxLon := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		la, lo := float64(p.Lat)/1e7, float64(p.Lon)/1e7
		minLat, maxLat, minLon, maxLon = min(minLat, la), max(maxLat, la), min(minLon, lo), max(maxLon, lo)
	}
	e := Extent{lat: (minLat + maxLat) / 2, lon: (minLon + maxLon) / 2}
	e.squeeze = math.Cos(e.lat * math.Pi / 180)
	e.East, e.North = (maxLon-minLon)*metresPerDegree*e.squeeze, (maxLat-minLat)*metresPerDegree
	return e
}

// Unbroken gives a longitude as degrees go on from another across the 180th
// meridian.
func Unbroken(lon, from int64) int64 {
	switch d := lon - from; {
	case d > around/2:
		return lon - around
	case d < -around/2:
		return lon + around
	}
	return lon
}

// Projection maps positions onto a picture.
type Projection struct {
	extent        Extent
	width, height float64
	Scale         float64 // units of the picture a metre
}

// Onto fits an extent into a picture, but for its margin.
func (e Extent) Onto(width, height, margin float64) Projection {
	return Projection{e, width, height, min((width-2*margin)/max(e.East, least), (height-2*margin)/max(e.North, least))}
}

// XY is where a point is in the picture.
func (p Projection) XY(at Point) (x, y float64) {
	return p.width/2 + (float64(at.Lon)/1e7-p.extent.lon)*metresPerDegree*p.extent.squeeze*p.Scale,
		p.height/2 - (float64(at.Lat)/1e7-p.extent.lat)*metresPerDegree*p.Scale
}

// Bar gives a round length for a scale bar, and how long it is in the picture.
func (p Projection) Bar() (word string, units float64) {
	for _, m := range []float64{50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000} {
		if units = m * p.Scale; units >= 60 {
			if m < 1000 {
				return fmt.Sprintf("%g m", m), units
			}
			return fmt.Sprintf("%g km", m/1000), units
		}
	}
	return "1000 km", units
}
