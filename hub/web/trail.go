package web

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"strings"

	"frostline/hub/view"
	"frostline/hub/web/drawmap"
	"frostline/proto/reading"
)

// trail is where a sensor has been over a span of time: positions at most
// maxTrail, thinned evenly in time, broken where none was known.
type trail struct {
	points []place
	holes  int
	n      int64 // positions it was made from
}

type place struct {
	at       int64 // UTC
	lat, lon int64 // 1e-7 degrees
	first    bool  // nothing is known of the way to it
}

const maxTrail = 600

// trail joins latitude and longitude by the moment they were taken at.
func (s *Server) trail(ctx context.Context, gateway string, sensor view.Sensor, from, to int64) (trail, error) {
	c, _ := sensor.Channel(reading.Latitude)
	series := view.Series{Gateway: gateway, Sensor: sensor.Name, Quantity: reading.Latitude}
	type moment struct {
		boot uint32
		tick int64
	}
	lats := map[moment]int64{}
	step := max((to-from)/maxTrail, 1)
	last := int64(math.MinInt64)
	// The first position of each step stands for it.
	err := s.cfg.History.Readings(ctx, series, from, to, func(r view.Reading) error {
		if r.Usable() && (r.UTC-from)/step != last {
			last = (r.UTC - from) / step
			lats[moment{r.Boot, r.Tick}] = r.Value
		}
		return nil
	})
	if err != nil {
		return trail{}, err
	}
	var t trail
	var before int64 // UTC of the usable longitude before, 0 after a break
	broken := true
	series.Quantity = reading.Longitude
	hole := view.HoleAfter(c.Interval).Milliseconds()
	err = s.cfg.History.Readings(ctx, series, from, to, func(r view.Reading) error {
		if !r.Usable() || before != 0 && r.UTC-before >= hole {
			broken = true
		}
		if !r.Usable() {
			return nil
		}
		before = r.UTC
		t.n++
		if lat, ok := lats[moment{r.Boot, r.Tick}]; ok {
			if broken && len(t.points) > 0 {
				t.holes++
			}
			lon := r.Value
			if len(t.points) > 0 {
				lon = drawmap.Unbroken(lon, t.points[0].lon)
			}
			t.points = append(t.points, place{at: r.UTC, lat: lat, lon: lon, first: broken})
			broken = false
		}
		return nil
	})
	return t, err
}

// extent is what the trail spans.
func (t trail) extent() drawmap.Extent {
	points := make([]drawmap.Point, len(t.points))
	for i, p := range t.points {
		points[i] = p.point()
	}
	return drawmap.Of(points)
}

func (p place) point() drawmap.Point { return drawmap.Point{Lat: p.lat, Lon: p.lon} }

// onto maps the trail onto a picture.
func (t trail) onto(width, height, margin float64) (xy func(place) (x, y float64), in drawmap.Projection) {
	in = t.extent().Onto(width, height, margin)
	return func(p place) (x, y float64) { return in.XY(p.point()) }, in
}

// way is the path through those points of the trail that are taken, broken where
// the trail is.
func (t trail) way(xy func(place) (x, y float64), takes func(place) bool) string {
	var d strings.Builder
	broken := true
	for _, p := range t.points {
		if !takes(p) {
			broken = true
			continue
		}
		x, y := xy(p)
		if broken || p.first {
			fmt.Fprintf(&d, "M%.1f %.1fl0.01 0", x, y)
		} else {
			fmt.Fprintf(&d, "L%.1f %.1f", x, y)
		}
		broken = false
	}
	return d.String()
}

// svg draws the trail.
func (t trail) svg(width, height float64) string {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %g %g" aria-hidden="true" focusable="false">`, width, height)
	if len(t.points) == 0 {
		fmt.Fprintf(&out, `<rect class="hole" fill="url(#hatch)" x="0" y="0" width="%g" height="%g"/></svg>`, width, height)
		return out.String()
	}
	xy, _ := t.onto(width, height, 10)
	fmt.Fprintf(&out, `<path class="path" d="%s"/>`, t.way(xy, func(place) bool { return true }))
	x, y := xy(t.points[0])
	fmt.Fprintf(&out, `<circle class="start" cx="%.1f" cy="%.1f" r="4"/>`, x, y)
	x, y = xy(t.points[len(t.points)-1])
	fmt.Fprintf(&out, `<circle class="end" cx="%.1f" cy="%.1f" r="5"/></svg>`, x, y)
	return out.String()
}

// across says how far the trail reaches.
func (t trail) across() string {
	if len(t.points) == 0 {
		return "no position"
	}
	d := t.extent().Across()
	if d < 1000 {
		return fmt.Sprintf("%.0f m across", d)
	}
	return fmt.Sprintf("%.1f km across", d/1000)
}

func (t trail) caption() string {
	if len(t.points) == 0 {
		return "no position"
	}
	s := t.across() + ", north up"
	if t.holes > 0 {
		s += fmt.Sprintf(", %d breaks", t.holes)
	}
	return template.HTMLEscapeString(s)
}
