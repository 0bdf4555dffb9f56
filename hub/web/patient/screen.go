package patient

import (
	"bytes"
	"fmt"
	"html/template"
	"time"

	"frostline/proto/thermal"
)

// screen is a Telling in one language, as the templates see it. All words, marks
// and numbers of the page come from here.
type screen struct {
	l     *locale
	t     *Telling
	chart *chart
}

// partNames are the parts of the page that change by themselves, in its order.
var partNames = [...]string{"sentence", "degrees", "arrival", "journey", "map", "chart", "table"}

// partKeys are what the parts are made of, to be compared by ==: as long as its
// key is the same, so is a part, in any language.
func (s *Server) partKeys(t *Telling, c *chart) (out [len(partNames)]any) {
	// Words tell the day where it is not today.
	day := time.UnixMilli(t.At).In(s.cfg.Zone).YearDay()
	val := func(v *thermal.Temp) any {
		if v == nil {
			return nil
		}
		return *v
	}
	out[0] = [6]any{t.Stage, t.StageAt, t.Condition, t.Since, t.Partly, day}
	boxes := ""
	for _, b := range t.Boxes {
		boxes += fmt.Sprint(b.Condition, b.Since, val(b.Temperature), " ")
	}
	out[1] = [7]any{val(t.Temperature), t.Taken, val(t.Low), val(t.High), t.Condition, boxes, day}
	out[2] = [3]any{t.Arrival, t.Stage, day}
	var steps [4]Step
	copy(steps[:], t.Journey)
	out[3] = [2]any{steps, day}
	if t.Map != nil {
		out[4] = [2]any{*t.Map, day}
	}
	out[5], out[6] = c, c
	return out
}

// part renders a part.
func (s *Server) part(name string, sc *screen) (string, error) {
	var b bytes.Buffer
	err := s.pages.ExecuteTemplate(&b, "part-"+name, sc)
	return b.String(), err
}

func (s *Server) functions() template.FuncMap {
	return template.FuncMap{"style": func() template.HTML { return s.style }}
}

// T gives words.
func (sc *screen) T(key string) string { return sc.l.say(key) }

// Mark, Word, Sentence and More are of the condition.
func (sc *screen) Mark() string     { return sc.t.Condition.Mark() }
func (sc *screen) Word() string     { return sc.l.condition(sc.t.Condition, sc.t.Since, sc.t.At) }
func (sc *screen) Sentence() string { return sc.l.sentence(sc.t) }
func (sc *screen) More() string     { return sc.l.more(sc.t) }

// Condition is for programs that look at the page.
func (sc *screen) Condition() string { return string(sc.t.Condition) }

// Stage is for programs that look at the page.
func (sc *screen) Stage() string { return string(sc.t.Stage) }

// Celsius and Fahrenheit are the temperature now; "" where there is none.
func (sc *screen) Celsius() string    { c, _ := sc.degrees(sc.t.Temperature); return c }
func (sc *screen) Fahrenheit() string { _, f := sc.degrees(sc.t.Temperature); return f }

func (sc *screen) degrees(t *thermal.Temp) (c, f string) {
	if t == nil {
		return "", ""
	}
	return degrees(*t, sc.t.Low, sc.t.High)
}

// Taken and Measured are when the temperature was taken, for programs and people.
func (sc *screen) Taken() int64 { return sc.t.Taken }
func (sc *screen) Measured() string {
	return sc.l.say("degrees.measured", "at", sc.l.moment("at", sc.t.Taken, sc.t.At))
}

// Range is the labelled range; "" for none.
func (sc *screen) Range() string {
	r := sc.l.rangeOf(sc.t.Low, sc.t.High)
	if r == "" {
		return ""
	}
	return sc.l.say("degrees.range", "range", r)
}

// Watched reports whether a temperature is to be expected.
func (sc *screen) Watched() bool {
	switch sc.t.Condition {
	case None, Kept, Partly, Cleared:
		return false
	}
	return !sc.t.Stage.Ended() || sc.t.Temperature != nil
}

type boxView struct{ Name, Mark, Word, Celsius, Fahrenheit string }

// Boxes are the boxes where there is more than one.
func (sc *screen) Boxes() (out []boxView) {
	for _, b := range sc.t.Boxes {
		v := boxView{Name: sc.l.say("box", "n", fmt.Sprint(b.Number)), Mark: b.Condition.Mark(), Word: sc.l.condition(b.Condition, b.Since, sc.t.At)}
		v.Celsius, v.Fahrenheit = sc.degrees(b.Temperature)
		out = append(out, v)
	}
	return out
}

// Arrival is when it comes; "" where that is not told.
func (sc *screen) Arrival() string { return sc.l.arrival(sc.t) }

type stepView struct{ Name, State, Word, At string }

// Steps are the journey.
func (sc *screen) Steps() (out []stepView) {
	for _, s := range sc.t.Journey {
		v := stepView{Name: sc.l.say("step." + s.Name), State: s.State, Word: sc.l.say("state." + s.State)}
		if s.At != 0 {
			v.At = sc.l.moment("plain", s.At, sc.t.At)
		}
		out = append(out, v)
	}
	return out
}

// Map reports whether there is a map; Sketch draws it, Where and Note say it.
func (sc *screen) Map() bool             { return sc.t.Map != nil }
func (sc *screen) Sketch() template.HTML { return sc.l.sketch(sc.t.Map, sc.t.At) }
func (sc *screen) Where() string         { return sc.l.where(sc.t.Map, sc.t.At) }
func (sc *screen) Notes() (out []string) {
	if sc.t.Map.Stale {
		out = append(out, sc.T("map.stale"))
	}
	if sc.t.Stage != Next {
		out = append(out, sc.T("map.coarse"))
	}
	return append(out, sc.T("map.rings"))
}

// Chart reports whether there is one with something in it.
func (sc *screen) Chart() bool {
	if sc.chart == nil {
		return false
	}
	low, _ := sc.chart.extremes()
	return low != nil
}
func (sc *screen) Drawn() template.HTML { return sc.l.draw(sc.chart) }
func (sc *screen) Says() string         { return sc.l.says(sc.chart) }
func (sc *screen) AsOf() string {
	return sc.l.say("chart.asof", "at", sc.l.moment("at", sc.chart.drawn, sc.chart.drawn))
}
func (sc *screen) Rows() []row { return sc.l.rows(sc.chart) }
