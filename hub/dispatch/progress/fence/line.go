package fence

import (
	"math"

	"frostline/hub/dispatch/road"
)

// Line is a way drawn on the map. It is safe for concurrent use.
type Line struct {
	points []road.Point
	along  []float64 // m from the beginning
}

// NewLine makes a line of two points or more.
func NewLine(points []road.Point) *Line {
	l := &Line{points: points, along: make([]float64, len(points))}
	for i := 1; i < len(points); i++ {
		l.along[i] = l.along[i-1] + Distance(points[i-1], points[i])
	}
	return l
}

// Length in metres.
func (l *Line) Length() float64 { return l.along[len(l.along)-1] }

// Ahead gives the points of the line from so many metres along it to its end,
// without the point there itself.
func (l *Line) Ahead(along float64) []road.Point {
	for i, a := range l.along {
		if a > along {
			return l.points[i:]
		}
	}
	return nil
}

// Project gives the point of the line that is closest to p, by its distance
// along the line, and how far p is off, in metres. Only the stretch from low to
// high along the line is looked at, so that a way that crosses itself or comes
// back does not throw progress about.
func (l *Line) Project(p road.Point, low, high float64) (along, off float64) {
	off = math.Inf(1)
	for i := 1; i < len(l.points); i++ {
		a, b := l.along[i-1], l.along[i]
		if b < low || a > high {
			continue
		}
		x, y := offset(l.points[i-1], l.points[i])
		u, v := offset(l.points[i-1], p)
		t := 0.0
		if s := x*x + y*y; s > 0 {
			t = (u*x + v*y) / s
		}
		if b > a {
			t = max(t, (low-a)/(b-a), 0)
			t = min(t, (high-a)/(b-a), 1)
		} else {
			t = 0
		}
		if d := math.Hypot(u-t*x, v-t*y); d < off {
			along, off = a+t*(b-a), d
		}
	}
	return along, off
}

// Way is how far something has come along a line. It never goes back for noise:
// only where three positions in a row lie well behind has it turned round. It is
// for one goroutine.
type Way struct {
	Line   *Line
	Along  float64 // m
	Off    float64 // m, of the last position from the line
	At     int64   // of the last position, Unix ms
	behind int
}

const (
	fastest  = 60  // m/s
	slack    = 300 // m that progress may jump ahead, or noise lie behind
	turnings = 3   // positions behind that make a turning
)

// Take takes the next position.
func (w *Way) Take(f Fix) {
	noise := max(slack, 3*float64(f.accuracy())/1000)
	ahead := w.Line.Length()
	if w.At > 0 {
		ahead = w.Along + noise + fastest*float64(f.At-w.At)/1000
	}
	along, off := w.Line.Project(f.Where, max(0, w.Along-noise), ahead)
	if off > noise { // elsewhere on the line, or off it
		if a, o := w.Line.Project(f.Where, 0, w.Line.Length()); o < off/2 {
			along, off = a, o
		}
	}
	w.At, w.Off = f.At, off
	if along < w.Along-noise {
		if w.behind++; w.behind >= turnings {
			w.Along, w.behind = along, 0
		}
		return
	}
	w.behind = 0
	w.Along = max(w.Along, along)
}
