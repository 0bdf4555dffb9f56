// Package road says how long the way between places is: from a road engine by
// URL (OSRM, Valhalla), or from a built-in estimate that says that it is one,
// with an interval. An engine that fails is stood in for by the estimate, which
// is said in the answer and logged, never silent. It also puts an external
// optimiser (VROOM) behind the planner's interface.
//
// All answers are bounded in size and time. Nothing here keeps positions other
// than Cache, in memory.
package road

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/dispatch/plan"
)

// MaxPoints is how many places a table may have.
const MaxPoints = 1000

// Far is what a Table says in seconds and in metres where no way leads. A plan
// goes there only when it must.
const Far = 1 << 25

// Point is a place on the earth, in 1e-7 degrees.
type Point struct{ Latitude, Longitude int64 }

func (p Point) valid() error {
	if p.Latitude < -90e7 || p.Latitude > 90e7 || p.Longitude < -180e7 || p.Longitude > 180e7 {
		return fmt.Errorf("position %d, %d: not on the earth", p.Latitude, p.Longitude)
	}
	return nil
}

func (p Point) lat() float64 { return float64(p.Latitude) / 1e7 }
func (p Point) lon() float64 { return float64(p.Longitude) / 1e7 }

func checked(points []Point, least, most int) error {
	if len(points) < least || len(points) > most {
		return fmt.Errorf("points: %d; give %d to %d", len(points), least, most)
	}
	for i, p := range points {
		if err := p.valid(); err != nil {
			return fmt.Errorf("point %d: %w", i, err)
		}
	}
	return nil
}

// Kind is how something moves.
type Kind string

// Kinds of what moves.
const (
	Van   Kind = "van"
	Bike  Kind = "bike"
	Foot  Kind = "foot"
	Drone Kind = "drone"
	Robot Kind = "robot" // on pavements
)

// Table is the way from each of some points to each other. It is shared: do not
// change it.
type Table struct {
	Seconds [][]int32
	Metres  [][]int32
	Source  string // who says so
	// Estimated: nobody looked at a map. The time really taken is between Low
	// and High times Seconds in nine cases of ten, as far as can be told; both
	// are 1 where a road engine gave no interval.
	Estimated   bool
	Low, High   float64
	Unreachable [][2]int // from and to; Far stands in the table
	Notes       []plan.Note
}

// Matrix is the table as the planner reads it.
func (t *Table) Matrix() plan.Matrix { return plan.Matrix{Seconds: t.Seconds, Metres: t.Metres} }

// Way is one way through points in their order.
type Way struct {
	Legs      []Leg
	Shape     []Point // of the road; the points themselves where estimated
	Source    string
	Estimated bool
	Low, High float64 // as in Table
	Notes     []plan.Note
}

// Leg leads from one point to the next.
type Leg struct {
	Seconds float64
	Metres  float64
}

// Router is a road engine. Implementations may be used by several goroutines.
type Router interface {
	// Table answers for 1 to MaxPoints points.
	Table(ctx context.Context, kind Kind, points []Point) (*Table, error)
	// Way answers for 2 to MaxPoints points.
	Way(ctx context.Context, kind Kind, points []Point) (*Way, error)
}

// Fix is a position that was measured.
type Fix struct {
	At       Point
	Time     time.Time
	Accuracy float64 // metres, radius of 68 %; 0: unknown
}

// Matched is a track put on the road.
type Matched struct {
	Points []*Point // where each fix belongs; nil for one that fits no road
	// Confidence that the engine has in its least certain stretch, 0 to 1.
	Confidence float64
	Metres     float64
	Source     string
}

// Matcher puts a track of 2 to MaxFixes positions on the road.
type Matcher interface {
	Match(ctx context.Context, kind Kind, track []Fix) (*Matched, error)
}

// MaxFixes is how many positions are matched at once.
const MaxFixes = 100
