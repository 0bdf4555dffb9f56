package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"frostline/hub/view"
	"frostline/proto/reading"
)

type sensorPage struct {
	frame
	span
	Gateway, Sensor, ID   string
	Model, Address, Every string
	Problem               string
	Presets               []link
	Earlier, Later        string
	Wider, Closer         string
	Panels                []panelView
}

type link struct {
	Href, Word string
	Current    bool
}

// panelView is one chart, or the path of a sensor that measures position.
type panelView struct {
	Of                    string
	Quantity, Title, Unit string
	Decimals              int
	Steps                 bool   // on and off: drawn as steps
	Words                 string // of the steps, a JSON list
	HoleAfter             int64
	Source                string
	SpanWord              string
	Now                   []readingView
	Said                  []said
	Trail                 template.HTML
	Caption               string
	Rows                  []row
	Exports               []link
}

// said is one sentence about what a chart shows; Warn marks what is missing or
// doubtful.
type said struct {
	Text string
	Warn bool
}

type row struct {
	At, N, Remark string
	Cells         []string
	Hole          bool
}

// errUnknown means that the fleet has no such gateway, sensor or quantity.
var errUnknown = errors.New("not known")

// find gives a gateway and one of its sensors.
func (s *Server) find(ctx context.Context, gateway, sensor string) (view.Gateway, view.Sensor, error) {
	gs, err := s.fleet(ctx)
	if err != nil {
		return view.Gateway{}, view.Sensor{}, err
	}
	i := slices.IndexFunc(gs, func(g view.Gateway) bool { return g.ID == gateway })
	if i < 0 {
		return view.Gateway{}, view.Sensor{}, fmt.Errorf("gateway %q is %w to this hub", gateway, errUnknown)
	}
	sv, ok := gs[i].Sensor(sensor)
	if !ok {
		return gs[i], view.Sensor{}, fmt.Errorf("gateway %s has declared no sensor %q: it is %w", gateway, sensor, errUnknown)
	}
	return gs[i], sv, nil
}

// sensor is GET /sensor/{gateway}/{sensor}: its charts over a chosen time.
func (s *Server) sensor(w http.ResponseWriter, r *http.Request) {
	g, sensor, err := s.find(r.Context(), r.PathValue("gateway"), r.PathValue("sensor"))
	if errors.Is(err, errUnknown) {
		s.fail(w, r, http.StatusNotFound, "There is no such sensor", err.Error()+".")
		return
	} else if err != nil {
		s.broken(w, r, "list the gateways", err)
		return
	}
	p := sensorPage{frame: s.frame(sensor.Name+", "+g.ID, "sensor"), Gateway: g.ID, Sensor: sensor.Name, ID: g.ID + "/" + sensor.Name, Model: sensor.Model, Address: sensor.Address}
	p.Styles = []string{"vendor/uplot/uPlot.min.css", "style/home.css", "style/sensor.css"}
	p.Classic, p.Modules = []string{"vendor/uplot/uPlot.iife.min.js"}, []string{"sensor.js"}
	status := http.StatusOK
	if p.span, err = spanOf(r.URL.Query(), p.Now); err != nil {
		p.Problem, status = "This range cannot be shown: "+err.Error()+". The last hour is shown instead.", http.StatusBadRequest
	}
	for _, preset := range presets {
		p.Presets = append(p.Presets, link{Href: "?range=" + preset.name, Word: preset.word, Current: preset.name == p.preset})
	}
	p.Earlier, p.Later = p.moved(-0.5, 1), p.moved(0.5, 1)
	p.Wider, p.Closer = p.moved(0, 2), p.moved(0, 0.5)
	p.Every = every(sensor)

	channels := slices.Clone(sensor.Channels)
	slices.SortFunc(channels, func(a, b view.Channel) int { return cmp.Compare(rank(a.Quantity), rank(b.Quantity)) })
	_, lat := sensor.Channel(reading.Latitude)
	_, lon := sensor.Channel(reading.Longitude)
	ctx, cancel := context.WithTimeout(r.Context(), pollDeadline)
	defer cancel()
	for _, c := range channels {
		if c.Quantity == reading.Longitude && lat {
			continue // shown with the latitude
		}
		var panel panelView
		if c.Quantity == reading.Latitude && lon {
			panel, err = s.placePanel(ctx, g, sensor, p.span, p.Now)
		} else {
			panel, err = s.panel(ctx, g, sensor, c, p.span, p.Now)
		}
		if err != nil {
			s.broken(w, r, "read the history of "+p.ID, err)
			return
		}
		panel.Trail = captioned(panel.Trail, s.in(w))
		if panel.Steps {
			b, _ := json.Marshal([]string{s.in(w).Tell(view.Value(c.Quantity, 0)), s.in(w).Tell(view.Value(c.Quantity, 1))}) // strings can be
			panel.Words = string(b)
		}
		p.Panels = append(p.Panels, panel)
	}
	s.render(w, s.pages.sensor, status, p)
}

func every(sensor view.Sensor) string {
	seen := []string{}
	for _, c := range sensor.Channels {
		word := "an interval it has not declared"
		if c.Interval > 0 {
			word = c.Interval.String()
			if c.Interval.Milliseconds()%1000 == 0 {
				word = view.Span(c.Interval.Milliseconds())
			}
		}
		if !slices.Contains(seen, word) {
			seen = append(seen, word)
		}
	}
	return fmt.Sprint(joinWords(seen))
}

func joinWords(ws []string) string {
	switch n := len(ws); n {
	case 0:
		return ""
	case 1:
		return ws[0]
	default:
		out := ws[0]
		for _, w := range ws[1 : n-1] {
			out += ", " + w
		}
		return out + " and " + ws[n-1]
	}
}

// steps reports whether a quantity is on or off, and not a measure.
func steps(q reading.Quantity) bool {
	return q == reading.Door || q == reading.Tamper || q == reading.CompressorRunning
}

// share says how much of the readings were on: "open in 3.2 % of readings".
func share(q reading.Quantity, mean float64) string {
	return fmt.Sprintf("%s in %.1f %% of readings", view.Value(q, 1), 100*mean)
}

func exports(gateway, sensor string, q reading.Quantity, sp span) link {
	return link{
		Href: "/export/" + url.PathEscape(gateway) + "/" + url.PathEscape(sensor) + "/" + q.String() + sp.query(),
		Word: "Export " + q.String() + " as CSV",
	}
}
