package patient

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

const (
	mile   = 1609.344 // m
	square = 240.0    // of the drawing
)

// rings are distances in miles that are drawn, as few as show the courier.
var rings = []float64{0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200}

var winds = []string{"north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"}

// where is the map in words.
func (l *locale) where(m *Map, now int64) string {
	away, at := math.Hypot(m.East, m.North), l.moment("at", m.At, now)
	distance := func(metres float64) (miles, km string) {
		decimals, unit := 0, 1.0
		if metres < 3000 {
			decimals, unit = 1, 10
		}
		return strconv.FormatFloat(math.Max(math.Round(metres/mile*unit), 1)/unit, 'f', decimals, 64),
			strconv.FormatFloat(math.Max(math.Round(metres/1000*unit), 1)/unit, 'f', decimals, 64)
	}
	if away <= m.Radius {
		miles, km := distance(away + m.Radius)
		return l.say("map.close", "miles", miles, "km", km, "at", at)
	}
	miles, km := distance(away)
	wind := winds[int(math.Round(math.Atan2(m.East, m.North)/(math.Pi/4))+8)%8]
	return l.say("map.about", "miles", miles, "km", km, "direction", l.say(wind), "at", at)
}

// sketch draws a map: the patient in the middle, rings of distance, and the disc
// in which the courier is.
func (l *locale) sketch(m *Map, now int64) template.HTML {
	reach := math.Hypot(m.East, m.North) + m.Radius
	outer := len(rings) - 1
	for i, r := range rings {
		if r*mile >= reach {
			outer = i
			break
		}
	}
	middle := square / 2
	scale := (middle - 14) / (rings[outer] * mile)
	var o strings.Builder
	fmt.Fprintf(&o, `<svg class="map" viewBox="0 0 %g %g" role="img" aria-label="%s">`, square, square, template.HTMLEscapeString(l.where(m, now)))
	for i := outer; i >= max(0, outer-1); i-- {
		r := rings[i] * mile * scale
		fmt.Fprintf(&o, `<circle class="ring" cx="%g" cy="%g" r="%.1f"/><text x="%g" y="%.1f" text-anchor="middle">%s</text>`, middle, middle, r, middle, middle+r-5,
			template.HTMLEscapeString(l.say("map.mi", "n", strconv.FormatFloat(rings[i], 'f', -1, 64))))
	}
	x, y := middle+m.East*scale, middle-m.North*scale
	class := "courier"
	if m.Stale {
		class += " stale"
	}
	fmt.Fprintf(&o, `<path class="way" d="M%.1f %.1fL%g %g"/>`, x, y, middle, middle)
	fmt.Fprintf(&o, `<circle class="%s" cx="%.1f" cy="%.1f" r="%.1f"/>`, class, x, y, math.Max(m.Radius*scale, 6))
	fmt.Fprintf(&o, `<path class="home" d="M%g %gl-8 8v9h16v-9z"/><text class="you" x="%g" y="%g" text-anchor="middle">%s</text>`, middle, middle-8, middle, middle-14, template.HTMLEscapeString(l.say("map.home")))
	o.WriteString(`</svg>`)
	return template.HTML(o.String())
}
