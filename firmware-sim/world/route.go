package world

import (
	"embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

//go:embed data/routes
var routeFiles embed.FS

// Point is a vertex of a route.
type Point struct {
	Lat  float64       `yaml:"lat"`  // degrees, north positive
	Lon  float64       `yaml:"lon"`  // degrees, east positive
	KmH  float64       `yaml:"kmh"`  // speed limit from here to the next point, km/h
	Stop time.Duration `yaml:"stop"` // mean stay here; 0 to drive through
	Name string        `yaml:"name"` // of the place, for people
}

// Routes lists the routes that come with the simulator.
func Routes() []string {
	entries, err := routeFiles.ReadDir("data/routes")
	if err != nil {
		panic("embedded routes are missing: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".csv"))
	}
	return names
}

// Route gives the points of a route that comes with the simulator.
func Route(name string) ([]Point, error) {
	text, err := routeFiles.ReadFile("data/routes/" + name + ".csv")
	if err != nil {
		return nil, fmt.Errorf("route %q is not known: want one of %s", name, strings.Join(Routes(), ", "))
	}
	var points []Point
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := parsePoint(line)
		if err != nil {
			return nil, fmt.Errorf("route %q line %d: %w", name, n+1, err)
		}
		points = append(points, p)
	}
	return points, nil
}

// parsePoint reads "lat,lon,kmh,stop,name".
func parsePoint(line string) (p Point, err error) {
	f := strings.SplitN(line, ",", 5)
	if len(f) != 5 {
		return p, fmt.Errorf("%d fields, want lat,lon,kmh,stop,name", len(f))
	}
	if p.Lat, err = strconv.ParseFloat(f[0], 64); err != nil {
		return p, fmt.Errorf("lat: %w", err)
	}
	if p.Lon, err = strconv.ParseFloat(f[1], 64); err != nil {
		return p, fmt.Errorf("lon: %w", err)
	}
	if p.KmH, err = strconv.ParseFloat(f[2], 64); err != nil {
		return p, fmt.Errorf("kmh: %w", err)
	}
	if f[3] != "" {
		if p.Stop, err = time.ParseDuration(f[3]); err != nil {
			return p, fmt.Errorf("stop: %w", err)
		}
	}
	p.Name = f[4]
	return p, nil
}

// earthRadius is the mean radius of the earth, metres.
const earthRadius = 6_371_008.8

const degree = math.Pi / 180

// distance is the great-circle distance between two points, metres.
func distance(a, b Point) float64 {
	dLat, dLon := (b.Lat-a.Lat)*degree, (b.Lon-a.Lon)*degree
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// bearing is the initial course from a to b, degrees clockwise from north.
func bearing(a, b Point) float64 {
	dLon := (b.Lon - a.Lon) * degree
	y := math.Sin(dLon) * math.Cos(b.Lat*degree)
	x := math.Cos(a.Lat*degree)*math.Sin(b.Lat*degree) - math.Sin(a.Lat*degree)*math.Cos(b.Lat*degree)*math.Cos(dLon)
	return math.Mod(math.Atan2(y, x)/degree+360, 360)
}

// turn is the angle between two courses, 0 to 180 degrees.
func turn(a, b float64) float64 {
	d := math.Mod(math.Abs(a-b), 360)
	return math.Min(d, 360-d)
}

// turnSpeed is the speed at which a van takes a corner, m/s.
func turnSpeed(angle float64) float64 {
	switch {
	case angle >= 60:
		return 5
	case angle >= 35:
		return 9
	}
	return math.Inf(1)
}
