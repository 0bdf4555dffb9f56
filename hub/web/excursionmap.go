package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/proto/reading"
)

// mapView is where the package was while it is shown: the way of the gateways
// whose sensors vouched, and the positions at which it was handed over.
type mapView struct {
	SVG     template.HTML
	Caption string
	Notes   []string
	Rows    []placeRow
}

type placeRow struct {
	At    int64
	Where string
	What  string
}

// longestTrack bounds the positions that are read for one map.
const longestTrack = 3 * 24 * time.Hour

// mapOf draws where the package was.
func (s *Server) mapOf(r *http.Request, l *dossier.Look, c *dossier.Case, p *dossier.Package) (*mapView, error) {
	gateways, err := s.cfg.Fleet.Gateways(r.Context())
	if err != nil {
		return nil, err
	}
	m := &mapView{}
	note := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		for _, n := range m.Notes {
			if n == text {
				return
			}
		}
		m.Notes = append(m.Notes, text)
	}
	var t trail
	left := longestTrack.Milliseconds()
	for _, src := range l.Sources {
		if src.Gateway == "" {
			continue
		}
		receiver, ok := receiverOf(gateways, src.Gateway)
		if !ok {
			note("Gateway %s measures no position; the package was in %s.", src.Gateway, placeWord(src.In))
			continue
		}
		if left -= src.To - src.From; left < 0 {
			note("Ways of more than %s together are not drawn: choose a shorter range.", view.Span(longestTrack.Milliseconds()))
			break
		}
		one, err := s.trail(r.Context(), src.Gateway, receiver, src.From, src.To+1)
		if err != nil {
			return nil, fmt.Errorf("positions of gateway %s: %w", src.Gateway, err)
		}
		if len(one.points) == 0 {
			note("Gateway %s took no position from %s to %s.", src.Gateway, view.Moment(src.From), view.Moment(src.To))
		}
		t.points, t.n, t.holes = append(t.points, one.points...), t.n+one.n, t.holes+one.holes
	}
	for _, u := range l.Chart.Unmonitored {
		note("From %s to %s nothing vouched for it: where it was is not known by any sensor.", view.Moment(u.From), view.Moment(u.To))
	}
	var marks []mark
	for _, h := range p.Custody {
		if h.Position != nil && h.At >= l.Verdict.From && h.At <= l.Verdict.To {
			marks = append(marks, mark{place{at: h.At, lat: h.Position.Latitude, lon: h.Position.Longitude}, "handed to " + h.To})
		}
	}
	if len(t.points) == 0 && len(marks) == 0 {
		return m, nil
	}
	m.SVG = template.HTML(drawMap(t, marks, c.Facts.From, max(c.Facts.To, c.Facts.From)))
	both := t
	for _, k := range marks {
		both.points = append(both.points, k.place)
	}
	m.Caption = both.caption() + "; from the ring to the dot; thick: during the excursion; squares: hand-overs"
	step := max(len(t.points)/20, 1)
	for i := 0; i < len(t.points); i += step {
		what := "on its way"
		if k := t.points[i]; k.at >= c.Facts.From && k.at <= c.Facts.To {
			what = "during the excursion"
		}
		m.Rows = append(m.Rows, placeRow{t.points[i].at, positionWord(t.points[i]), what})
	}
	for _, k := range marks {
		m.Rows = append(m.Rows, placeRow{k.at, positionWord(k.place), k.word})
	}
	slices.SortStableFunc(m.Rows, func(a, b placeRow) int { return cmp.Compare(a.At, b.At) })
	return m, nil
}

// mark is a position with a word.
type mark struct {
	place
	word string
}

func positionWord(p place) string {
	return strings.ReplaceAll(fmt.Sprintf("%.5f, %.5f", float64(p.lat)/1e7, float64(p.lon)/1e7), "-", "−")
}

// receiverOf finds the sensor of a gateway that measures positions.
func receiverOf(all []view.Gateway, id string) (view.Sensor, bool) {
	for _, g := range all {
		if g.ID != id {
			continue
		}
		for _, sensor := range g.Sensors {
			if _, ok := sensor.Channel(reading.Latitude); ok {
				return sensor, true
			}
		}
	}
	return view.Sensor{}, false
}

// drawMap draws a trail and marks; what lies from from to to is drawn again above
// it.
func drawMap(t trail, marks []mark, from, to int64) string {
	const width, height, pad = 720.0, 300.0, 18.0
	all := trail{points: append([]place{}, t.points...)}
	for _, m := range marks {
		all.points = append(all.points, m.place)
	}
	xy, in := all.onto(width, height, pad)
	var o strings.Builder
	fmt.Fprintf(&o, `<svg class="way-map" viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString("Where it was: "+all.across()))
	fmt.Fprintf(&o, `<path class="path" d="%s"/>`, t.way(xy, func(place) bool { return true }))
	fmt.Fprintf(&o, `<path class="path during" d="%s"/>`, t.way(xy, func(p place) bool { return p.at >= from && p.at <= to }))
	for i, p := range t.points {
		if i == 0 || i == len(t.points)-1 {
			x, y := xy(p)
			fmt.Fprintf(&o, `<circle class="%s" cx="%.1f" cy="%.1f" r="5"><title>%s</title></circle>`, map[bool]string{true: "start", false: "end"}[i == 0], x, y, template.HTMLEscapeString(view.Moment(p.at)))
		}
	}
	for _, m := range marks {
		x, y := xy(m.place)
		fmt.Fprintf(&o, `<rect class="handover" x="%.1f" y="%.1f" width="10" height="10"><title>%s</title></rect>`, x-5, y-5, template.HTMLEscapeString(m.word+", "+view.Moment(m.at)))
	}
	metres, px := in.Bar()
	fmt.Fprintf(&o, `<path class="scale" d="M%g %gv6h%.1fv-6"/><text class="tick" x="%g" y="%g">%s</text></svg>`, pad, height-12, px, pad+4, height-16, metres)
	return o.String()
}
