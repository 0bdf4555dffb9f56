package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/view"
	"frostline/hub/web/drawmap"
)

// Bounds of the board's map.
const (
	mapWidth, mapHeight = 960.0, 540.0
	mapMargin           = 44.0
	mapNumbered         = 120        // stops up to which each has its number, fence and line in the table
	mapOld              = 3 * 60_000 // ms from which a position is shown as old
	mapGone             = 3_600_000  // ms from which nobody draws it
)

// boardMap is the dispatcher's map: what is drawn, in the picture's units, and in
// words what cannot be.
type boardMap struct {
	Width, Height float64
	At            int64  // of the positions, hub's clock
	Route         string // that it shows alone; "" for all
	Numbered      bool   // stops have numbers, fences and lines in the table
	Ways          []wayMark
	Fences        []fenceMark
	Stops         []stopMark
	Vehicles      []vehicleMark
	Bar           string
	BarWidth      float64
	BarY          float64
	Away          []awayView
	Unplaced      []string // stops whose place is not known
	Empty         bool
}

// wayMark is a way: driven lately, ahead along the road, or straight to the stops.
type wayMark struct{ Kind, D string }

type fenceMark struct{ X, Y, R float64 }

// stopMark is a stop on the map, and its line in the table.
type stopMark struct {
	X, Y        float64
	Route, Stop string
	Place       int
	Class       string // planned, next, watch, late, unknown, held, recalled, done
	Word        string
	Next        bool
	Where       string
	Radius      int64 // m; 0: not known
}

// vehicleMark is a courier's last position.
type vehicleMark struct {
	X, Y     float64
	Route    string
	Courier  string
	At       int64
	Old      bool
	Left     bool // its name stands on the left, where the picture has room
	Age      string
	Where    string
	Accuracy int64 // m; 0: the receiver does not tell
	Going    string
}

// awayView is a courier that is not drawn: its route has not begun, and is not
// followed yet, or nobody knows where it is.
type awayView struct {
	Route, Courier string
	Planned        bool
	Last           int64 // 0: no position came
}

// mapStop gives the class of a stop and its word.
func mapStop(v stopView) (class, word string) {
	switch {
	case v.Ended():
		return "done", v.State
	case v.Recalled:
		return "recalled", "recalled"
	case v.Held:
		return "held", "held"
	case v.Delivery == nil:
		return "planned", "planned"
	}
	class = map[risk.Class]string{risk.Out: "late", risk.AtRisk: "late", risk.Watch: "watch", risk.Unknown: "unknown"}[v.Delivery.Class]
	return cmp.Or(class, "planned"), v.Delivery.Word
}

// mapLegend are the classes of stops and their words.
func mapLegend() []stopMark {
	return []stopMark{{Class: "planned", Word: "to come"}, {Class: "late", Word: "too late or out of range"}, {Class: "watch", Word: "may be too late"}, {Class: "unknown", Word: "unknown"},
		{Class: "held", Word: "held"}, {Class: "recalled", Word: "recalled"}, {Class: "done", Word: "done"}}
}

// plotted is a route that is to be drawn.
type plotted struct {
	run   runView
	chart progress.Chart
	where *progress.Where
}

// drawBoard draws the routes of the board, or the one that was chosen.
func (s *Server) drawBoard(runs []runView, chosen string, now int64) *boardMap {
	m := &boardMap{Width: mapWidth, Height: mapHeight, At: now, Route: chosen, BarY: mapHeight - 14}
	var all []plotted
	stops := 0
	for _, r := range runs {
		if chosen != "" && r.ID != chosen {
			continue
		}
		p := plotted{run: r}
		p.chart, _ = s.cfg.Dispatch.Chart(r.ID)
		if w, ok := s.cfg.Dispatch.Where(r.ID); ok && now-w.Fix.At < mapGone {
			p.where = &w
		} else {
			m.Away = append(m.Away, awayView{r.ID, r.Courier, r.Status == "planned", w.Fix.At})
		}
		stops += len(r.Stops)
		all = append(all, p)
	}
	m.Numbered = stops <= mapNumbered
	points, first := []drawmap.Point{}, int64(0)
	at := func(p road.Point) drawmap.Point {
		if len(points) == 0 {
			first = p.Longitude
		}
		q := drawmap.Point{Lat: p.Latitude, Lon: drawmap.Unbroken(p.Longitude, first)}
		points = append(points, q)
		return q
	}
	for _, p := range all {
		for _, v := range p.run.Stops {
			if f, ok := p.chart.Fences[v.Visit.Place]; ok && (chosen != "" || !v.Ended()) {
				at(f.Centre)
			}
		}
		if p.where != nil {
			at(p.where.Fix.Where)
		}
	}
	if m.Empty = len(points) == 0; m.Empty {
		return m
	}
	in := drawmap.Of(points).Onto(mapWidth, mapHeight, mapMargin)
	xy := func(p road.Point) (x, y float64) {
		x, y = in.XY(drawmap.Point{Lat: p.Latitude, Lon: drawmap.Unbroken(p.Longitude, first)})
		return round1(x), round1(y)
	}
	for _, p := range all {
		m.draw(p, xy, in.Scale, now)
	}
	m.Bar, m.BarWidth = in.Bar()
	m.BarWidth = round1(m.BarWidth)
	slices.SortStableFunc(m.Stops, func(a, b stopMark) int { return cmp.Compare(urgency[a.Class], urgency[b.Class]) })
	return m
}

// urgency is the order in which stops are drawn: what is urgent lies above.
var urgency = map[string]int{"done": 0, "planned": 1, "unknown": 2, "watch": 3, "held": 4, "recalled": 5, "late": 6}

func round1(v float64) float64 { return float64(int64(v*10+10_000.5)-10_000) / 10 }

// draw adds a route.
func (m *boardMap) draw(p plotted, xy func(road.Point) (x, y float64), scale float64, now int64) {
	way := func(kind string, points []road.Point) {
		if d := pathOf(points, xy); d != "" {
			m.Ways = append(m.Ways, wayMark{kind, d})
		}
	}
	var ahead []road.Point
	if w := p.where; w != nil {
		var driven []road.Point
		for _, f := range p.chart.Track {
			driven = append(driven, f.Where)
		}
		way("driven", append(driven, w.Fix.Where))
		if ahead = []road.Point{w.Fix.Where}; len(p.chart.Ahead) > 1 {
			way("road", append(ahead, p.chart.Ahead...))
			ahead = nil
		}
	}
	for _, v := range p.run.Stops {
		class, word := mapStop(v)
		f, ok := p.chart.Fences[v.Visit.Place]
		if !ok {
			if !v.Ended() {
				m.Unplaced = append(m.Unplaced, p.run.ID+" "+v.ID)
			}
			continue
		}
		if !v.Ended() {
			ahead = append(ahead, f.Centre)
		}
		x, y := xy(f.Centre)
		if m.Route == "" && v.Ended() {
			continue // many, and nobody drives there any more
		}
		m.Stops = append(m.Stops, stopMark{X: x, Y: y, Route: p.run.ID, Stop: v.ID, Place: v.Place, Class: class, Word: word, Next: v.ID == p.run.Next, Where: degreesOf(f.Centre), Radius: f.Radius})
		if r := float64(f.Radius) * scale; m.Numbered && r > 8 {
			m.Fences = append(m.Fences, fenceMark{x, y, round1(r)})
		}
	}
	way("straight", ahead)
	if w := p.where; w != nil {
		v := vehicleMark{Route: p.run.ID, Courier: p.run.Courier, At: w.Fix.At, Old: now-w.Fix.At >= mapOld, Where: degreesOf(w.Fix.Where), Accuracy: (w.Fix.Accuracy + 999) / 1000, Going: w.Next}
		v.Age = view.Span(max(now-w.Fix.At, 0))
		v.X, v.Y = xy(w.Fix.Where)
		v.Left = v.X > mapWidth*3/4
		m.Vehicles = append(m.Vehicles, v)
	}
}

// pathOf is the path through points; "" for less than two.
func pathOf(points []road.Point, xy func(road.Point) (x, y float64)) string {
	if len(points) < 2 {
		return ""
	}
	var d strings.Builder
	lastX, lastY := -1e9, -1e9
	for i, p := range points {
		x, y := xy(p)
		if x == lastX && y == lastY {
			continue
		}
		d.WriteString(map[bool]string{true: "M", false: "L"}[i == 0])
		d.WriteString(unitsOf(x) + " " + unitsOf(y))
		lastX, lastY = x, y
	}
	return d.String()
}

func unitsOf(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// degreesOf is a position as people write it.
func degreesOf(p road.Point) string {
	return strings.ReplaceAll(fmt.Sprintf("%.5f, %.5f", float64(p.Latitude)/1e7, float64(p.Longitude)/1e7), "-", "−")
}
