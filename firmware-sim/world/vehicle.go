package world

import (
	"math"
	"math/rand/v2"
	"time"

	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/noise"
)

// Vehicle drives along a route and back, for ever: at the speed limit less
// what traffic takes, braking in time for corners, lower limits and stops.
type Vehicle struct {
	Route        string  `yaml:"route"`        // a route that comes with the simulator
	Points       []Point `yaml:"points"`       // or a route of one's own
	Acceleration float64 `yaml:"acceleration"` // m/s²; default 1.4
	Braking      float64 `yaml:"braking"`      // m/s²; default 2
	Begins       string  `yaml:"begins"`       // name of the point where it begins, default the first
}

// WithDefaults gives the configuration with its blanks filled in.
func (c Vehicle) WithDefaults() Vehicle {
	c.Acceleration = or(c.Acceleration, 1.4)
	c.Braking = or(c.Braking, 2)
	return c
}

// points gives the vertices, wherever they come from.
func (c Vehicle) points() ([]Point, error) {
	if len(c.Points) > 0 {
		return c.Points, nil
	}
	return Route(c.Route)
}

func (c Vehicle) check(report Report) {
	within(report, "acceleration", c.Acceleration, 0.1, 5, "m/s²")
	within(report, "braking", c.Braking, 0.1, 8, "m/s²")
	if (c.Route == "") == (len(c.Points) == 0) {
		report("route", c.Route, "either a route or points")
		return
	}
	points, err := c.points()
	if err != nil {
		report("route", c.Route, err.Error())
		return
	}
	checkPoints(points, report)
	if _, ok := beginning(points, c.Begins); !ok {
		report("begins", c.Begins, "the name of one of the route's points")
	}
}

func checkPoints(points []Point, report Report) {
	if len(points) < 2 {
		report("points", len(points), "at least 2 points")
		return
	}
	for i, p := range points {
		switch {
		case !(math.Abs(p.Lat) <= 85):
			report("points", p.Lat, "a latitude of -85 to 85 degrees")
		case !(math.Abs(p.Lon) <= 180):
			report("points", p.Lon, "a longitude of -180 to 180 degrees")
		case !(p.KmH >= 3 && p.KmH <= 200):
			report("points", p.KmH, "a speed limit of 3 to 200 km/h")
		case p.Stop < 0 || p.Stop > 24*time.Hour:
			report("points", p.Stop, "a stay of up to 24h")
		case i > 0 && distance(points[i-1], p) < 1:
			report("points", i, "at least 1 m between two points")
		}
	}
}

// beginning gives the index of the point with that name.
func beginning(points []Point, name string) (int, bool) {
	if name == "" {
		return 0, true
	}
	for i, p := range points {
		if p.Name == name {
			return i, true
		}
	}
	return 0, false
}

// Position is where a vehicle is and how it moves.
type Position struct {
	Lat, Lon float64 // degrees
	Speed    float64 // m/s over ground
	Course   float64 // degrees clockwise from north; the last one while standing
}

// vehicle is a Vehicle at run time.
type vehicle struct {
	c       Vehicle
	points  []Point
	lengths []float64 // of the segment from each point to the next, m
	passing []float64 // highest speed at each point going its present way, m/s
	rng     *rand.Rand
	traffic noise.Source
	steps   int64

	segment  int     // from which the vehicle goes on, by index of its lower point
	along    float64 // m from the segment's lower point
	forward  bool
	speed    float64 // m/s
	stay     float64 // seconds it still stands at a stop
	stayed   float64 // seconds it has stood there
	leftOpen bool    // door, by fault
}

func newVehicle(seed uint64, name string, c Vehicle) (*vehicle, error) {
	points, err := c.points()
	if err != nil {
		return nil, err
	}
	v := &vehicle{
		c: c, points: points, forward: true,
		traffic: noise.New(seed, name+"/traffic"),
		rng:     rand.New(rand.NewPCG(seed, noise.New(seed, name).Bits(0))),
	}
	for i := range len(points) - 1 {
		v.lengths = append(v.lengths, distance(points[i], points[i+1]))
	}
	at, _ := beginning(points, c.Begins)
	if at == len(points)-1 {
		v.segment, v.along = at-1, v.lengths[at-1]
	} else {
		v.segment = at
	}
	v.plan()
	v.arrive(at)
	return v, nil
}

func (v *vehicle) kind() string { return "vehicle" }

func (v *vehicle) doorOpen() bool {
	// The driver opens 15 s after arriving and closes 10 s before leaving.
	return v.leftOpen || v.stay > 10 && v.stayed > 15
}

// plan works out how fast each point may be passed going the present way, so
// that braking always suffices: backwards from the end of the way.
func (v *vehicle) plan() {
	n := len(v.points)
	v.passing = make([]float64, n)
	at := func(i int) int { // i-th point on the way
		if v.forward {
			return i
		}
		return n - 1 - i
	}
	for i := n - 1; i >= 0; i-- {
		p := at(i)
		if i == n-1 || v.points[p].Stop > 0 {
			continue // stands still there
		}
		next := at(i + 1)
		limit := v.limit(min(p, next))
		if i > 0 {
			before := at(i - 1)
			limit = math.Min(limit, v.limit(min(p, before)))
			limit = math.Min(limit, turnSpeed(turn(bearing(v.points[before], v.points[p]), bearing(v.points[p], v.points[next]))))
		}
		reach := v.passing[next]
		v.passing[p] = math.Min(limit, math.Sqrt(reach*reach+2*v.c.Braking*v.lengths[min(p, next)]))
	}
}

// limit is the speed limit on a segment, m/s.
func (v *vehicle) limit(segment int) float64 { return v.points[segment].KmH / 3.6 }

func (v *vehicle) step(moment) {
	v.steps++
	if v.stay > 0 {
		v.stay = max(0, v.stay-seconds)
		v.stayed += seconds
		return
	}
	ahead, left := v.ahead()
	// Traffic takes up to a quarter, changing over minutes.
	flow := 0.875 + 0.125*v.traffic.Smooth(float64(v.steps)*seconds/90)
	wanted := v.limit(v.segment) * flow
	wanted = math.Min(wanted, math.Sqrt(v.passing[ahead]*v.passing[ahead]+2*v.c.Braking*left))
	low, high := v.speed-v.c.Braking*1.2*seconds, v.speed+v.c.Acceleration*seconds
	v.speed = math.Max(low, math.Min(high, wanted))
	v.move(math.Max(0.05, v.speed) * seconds)
}

// ahead gives the next point on the way and the distance to it.
func (v *vehicle) ahead() (point int, left float64) {
	if v.forward {
		return v.segment + 1, v.lengths[v.segment] - v.along
	}
	return v.segment, v.along
}

// move goes on by d metres, stopping where a stop is.
func (v *vehicle) move(d float64) {
	for {
		point, left := v.ahead()
		if d < left {
			if !v.forward {
				d = -d
			}
			v.along += d
			return
		}
		d -= left
		last := point == 0 || point == len(v.points)-1
		if v.points[point].Stop > 0 || last {
			v.arrive(point)
			return
		}
		if v.forward {
			v.segment, v.along = point, 0
		} else {
			v.segment, v.along = point-1, v.lengths[point-1]
		}
	}
}

// arrive stands the vehicle at a point and turns it round at an end.
func (v *vehicle) arrive(point int) {
	v.speed, v.stayed = 0, 0
	v.stay = v.points[point].Stop.Seconds() * (0.7 + 0.6*v.rng.Float64())
	turned := v.forward
	switch {
	case point == 0:
		v.segment, v.along, v.forward = 0, 0, true
	case point == len(v.points)-1:
		v.segment, v.along, v.forward = point-1, v.lengths[point-1], false
	case v.forward:
		v.segment, v.along = point, 0
	default:
		v.segment, v.along = point-1, v.lengths[point-1]
	}
	if turned != v.forward {
		v.plan()
	}
}

// position gives the position, extrapolated by s seconds from the last step.
func (v *vehicle) position(s float64) Position {
	a, b := v.points[v.segment], v.points[v.segment+1]
	course, along := bearing(a, b), v.along
	if v.forward {
		along += v.speed * s
	} else {
		along -= v.speed * s
		course = math.Mod(course+180, 360)
	}
	f := math.Max(0, math.Min(1, along/v.lengths[v.segment]))
	return Position{
		Lat: a.Lat + f*(b.Lat-a.Lat), Lon: a.Lon + f*(b.Lon-a.Lon),
		Speed: v.speed, Course: course,
	}
}

func (v *vehicle) quantities() map[string]func() float64 {
	return map[string]func() float64{
		"door":      func() float64 { return flag(v.doorOpen()) },
		"speed":     func() float64 { return v.speed },
		"latitude":  func() float64 { return v.position(0).Lat },
		"longitude": func() float64 { return v.position(0).Lon },
	}
}

func (v *vehicle) setFault(f fault.Fault) error {
	switch f.Kind {
	case fault.None, fault.DoorOpen:
		v.leftOpen = f.Kind == fault.DoorOpen
		return nil
	}
	return fault.Unsupported("a vehicle", f, fault.None, fault.DoorOpen)
}
