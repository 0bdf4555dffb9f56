package patient

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"frostline/hub/correlate"
	"frostline/proto/thermal"
)

const (
	columns  = 120 // of a chart
	perRow   = 10  // of them in a row of the table
	wide     = 360.0
	high     = 190.0
	leftSide = 36.0
	foot     = 22.0
)

// chart is a temperature as it was, and when it was drawn.
type chart struct {
	correlate.Chart
	drawn int64
}

// bounds are the ends of the axis: what was measured and the labelled range.
func (c *chart) bounds() (low, top thermal.Temp) {
	low, top = math.MaxInt32, math.MinInt32
	see := func(t *thermal.Temp) {
		if t != nil {
			low, top = min(low, *t), max(top, *t)
		}
	}
	for i := range c.Min {
		see(c.Min[i])
		see(c.Max[i])
	}
	see(c.Low)
	see(c.High)
	if low > top {
		low, top = 0, 10_000
	}
	margin := max((top-low)/8, 500)
	return low - margin, top + margin
}

// extremes are the lowest and highest of what was measured; nil where nothing
// was.
func (c *chart) extremes() (low, top *thermal.Temp) {
	for i := range c.Min {
		if c.Min[i] != nil && (low == nil || *c.Min[i] < *low) {
			low = c.Min[i]
		}
		if c.Max[i] != nil && (top == nil || *c.Max[i] > *top) {
			top = c.Max[i]
		}
	}
	return low, top
}

// missing is how long nobody measured, ms.
func (c *chart) missing() (ms int64) {
	for _, u := range c.Unmonitored {
		ms += u.To - u.From
	}
	return ms
}

// says is the chart in words.
func (l *locale) says(c *chart) string {
	low, top := c.extremes()
	if low == nil {
		return l.say("chart.none")
	}
	lc, lf := degrees(*low, c.Low, c.High)
	hc, hf := degrees(*top, c.Low, c.High)
	text := l.say("chart.says", "low", lc+" ("+lf+")", "high", hc+" ("+hf+")", "from", l.moment("plain", c.From, c.drawn), "to", l.moment("plain", c.To, c.drawn))
	if ms := c.missing(); ms >= minute/2 {
		text += " " + l.say("chart.gaps", "span", l.span(ms))
	}
	return text
}

// draw draws a chart as SVG: for each column the span from lowest to highest and
// the average, ticks at the ends of the labelled range, and what nobody measured
// hatched. Nothing is drawn across a gap. It holds numbers and words of ours
// alone.
func (l *locale) draw(c *chart) template.HTML {
	low, top := c.bounds()
	x := func(at int64) float64 {
		return leftSide + (wide-leftSide)*float64(min(max(at, c.From), c.To)-c.From)/float64(max(c.To-c.From, 1))
	}
	y := func(t thermal.Temp) float64 { return (high - foot) * float64(top-t) / float64(top-low) }
	var o strings.Builder
	fmt.Fprintf(&o, `<svg class="chart" viewBox="0 0 %g %g" role="img" aria-label="%s"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>`,
		wide, high, template.HTMLEscapeString(l.says(c)))
	if c.Low != nil || c.High != nil {
		a, b := low, top
		if c.Low != nil {
			a = *c.Low
		}
		if c.High != nil {
			b = *c.High
		}
		fmt.Fprintf(&o, `<rect class="range" x="%g" y="%.1f" width="%g" height="%.1f"/>`, leftSide, y(b), wide-leftSide, y(a)-y(b))
	}
	for _, u := range c.Unmonitored {
		fmt.Fprintf(&o, `<rect class="hole" fill="url(#hatch)" x="%.1f" y="0" width="%.1f" height="%g"/>`, x(u.From), max(x(u.To)-x(u.From), 1), high-foot)
	}
	for _, end := range []*thermal.Temp{c.Low, c.High} {
		if end != nil {
			word, _ := whole(*end)
			fmt.Fprintf(&o, `<path class="limit" d="M%g %.1fH%g"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`, leftSide, y(*end), wide, leftSide-4, y(*end)+4, strings.Replace(word, " °C", "°", 1))
		}
	}
	for _, at := range c.ticks(l.zone) {
		fmt.Fprintf(&o, `<path class="grid" d="M%.1f 0V%g"/>`, x(at), high-foot+4)
		if x(at) < wide-20 && x(at) > leftSide+12 {
			fmt.Fprintf(&o, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, x(at), high-4, l.clock(at))
		}
	}
	middle := func(i int) float64 { return x(min(c.From+int64(i)*c.Width+c.Width/2, c.To)) }
	for begin := 0; begin < len(c.Min); {
		if c.Min[begin] == nil {
			begin++
			continue
		}
		end := begin + 1
		for end < len(c.Min) && c.Min[end] != nil && !c.between(end-1, end) {
			end++
		}
		o.WriteString(`<path class="band" d="`)
		for i := begin; i < end; i++ {
			fmt.Fprintf(&o, "%c%.1f %.1f", "ML"[min(i-begin, 1)], middle(i), y(*c.Max[i]))
		}
		for i := end - 1; i >= begin; i-- {
			fmt.Fprintf(&o, "L%.1f %.1f", middle(i), y(*c.Min[i]))
		}
		o.WriteString(`z"/><path class="mean" d="`)
		for i := begin; i < end; i++ {
			fmt.Fprintf(&o, "%c%.1f %.1f", "ML"[min(i-begin, 1)], middle(i), y(*c.Mean[i]))
		}
		if end == begin+1 {
			o.WriteString("h.1")
		}
		o.WriteString(`"/>`)
		begin = end
	}
	o.WriteString(`</svg>`)
	return template.HTML(o.String())
}

// between reports whether there is a gap from the middle of a column to that of
// another.
func (c *chart) between(i, j int) bool {
	from, to := c.From+int64(i)*c.Width+c.Width/2, c.From+int64(j)*c.Width+c.Width/2
	for _, u := range c.Unmonitored {
		if u.From < to && u.To > from {
			return true
		}
	}
	return false
}

// ticks gives a few round instants, by the clock of a zone.
func (c *chart) ticks(zone *time.Location) (out []int64) {
	steps := []int64{minute, 5 * minute, 15 * minute, 30 * minute, 60 * minute, 120 * minute, 180 * minute, 360 * minute, 720 * minute, 1440 * minute, 10080 * minute}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if (c.To-c.From)/s <= 5 {
			step = s
			break
		}
	}
	_, offset := time.UnixMilli(c.From).In(zone).Zone()
	for at := ((c.From+int64(offset)*1000)/step+1)*step - int64(offset)*1000; at < c.To && len(out) < 12; at += step {
		out = append(out, at)
	}
	return out
}

// row is a row of the chart's table.
type row struct{ From, To, Low, High string }

// rows is the chart as a table: what was lowest and highest in each stretch.
func (l *locale) rows(c *chart) (out []row) {
	for i := 0; i < len(c.Min); i += perRow {
		part := chart{Chart: correlate.Chart{Min: c.Min[i:min(i+perRow, len(c.Min))], Max: c.Max[i:min(i+perRow, len(c.Max))]}}
		r := row{From: l.moment("plain", c.From+int64(i)*c.Width, c.drawn), To: l.clock(min(c.From+int64(i+perRow)*c.Width, c.To)), Low: l.say("table.none"), High: l.say("table.none")}
		if low, top := part.extremes(); low != nil {
			lc, lf := degrees(*low, c.Low, c.High)
			hc, hf := degrees(*top, c.Low, c.High)
			r.Low, r.High = lc+", "+lf, hc+", "+hf
		}
		out = append(out, r)
	}
	return out
}
