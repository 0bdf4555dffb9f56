package report

import (
	"math"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"frostline/hub/dossier"
	"frostline/proto/thermal"
)

// chart draws a judgement: the span of each column from its smallest to its
// largest reading, the mean, the limits, what was not monitored, and the
// excursions. Nothing is drawn across a gap.
func (p *page) chart(j *dossier.Judgement) {
	const height = 52.0
	c := &j.Chart
	if c.To <= c.From {
		return
	}
	p.keep(height + 14)
	x0, y0, w := p.left+12, p.GetY()+1, width-14
	low, high := bounds(j)
	x := func(at int64) float64 {
		return x0 + w*float64(min(max(at, c.From), c.To)-c.From)/float64(c.To-c.From)
	}
	y := func(t thermal.Temp) float64 { return y0 + height*float64(high-t)/float64(high-low) }
	fill := func(col colour) { p.SetFillColor(col[0], col[1], col[2]) }
	draw := func(col colour, lw float64) { p.SetDrawColor(col[0], col[1], col[2]); p.SetLineWidth(lw) }

	for _, u := range c.Unmonitored {
		fill(gap)
		p.Rect(x(u.From), y0, math.Max(x(u.To)-x(u.From), 0.15), height, "F")
	}
	for _, e := range j.Verdict.Excursions {
		if e.Alarm > 0 {
			fill(over)
			p.Rect(x(e.From), y0, math.Max(x(e.To)-x(e.From), 0.15), height, "F")
		}
	}
	p.font("", 6.5, faint)
	for _, t := range ticks(low, high) {
		draw(rule, 0.1)
		p.Line(x0, y(t), x0+w, y(t))
		p.SetXY(p.left, y(t)-1.6)
		p.CellFormat(11, 3.2, t.String(), "", 0, "R", false, 0, "")
	}
	for _, at := range moments(c.From, c.To) {
		draw(rule, 0.1)
		p.Line(x(at.at), y0, x(at.at), y0+height)
		if x(at.at) < x0+w-12 {
			p.SetXY(x(at.at)-10, y0+height+0.4)
			p.CellFormat(20, 3, at.word, "", 0, "C", false, 0, "")
		}
	}
	for _, l := range j.Profile.Limits {
		if l.At < low || l.At > high {
			continue
		}
		draw(bad, 0.2)
		p.SetDashPattern([]float64{1.2, 0.8}, 0)
		p.Line(x0, y(l.At), x0+w, y(l.At))
		p.SetDashPattern(nil, 0)
	}
	p.curve(c, x, y)
	draw(faint, 0.2)
	p.Rect(x0, y0, w, height, "D")
	p.SetXY(p.left, y0+height+3.8)
	p.font("", 7, faint)
	p.MultiCell(width, 3.4, "°C over UTC. Line: mean of each column; band: smallest to largest reading. Dashed: limits. Red: a rule was broken. Grey: not monitored, so unknown.", "", "L", false)
	p.Ln(1)
}

func (p *page) curve(c *dossier.Chart, x func(int64) float64, y func(thermal.Temp) float64) {
	for begin := 0; begin < len(c.Columns); {
		end := begin + 1
		for end < len(c.Columns) && c.Columns[end].At-c.Columns[end-1].At <= c.Width && !broken(c, c.Columns[end-1].At, c.Columns[end].At) {
			end++
		}
		run := c.Columns[begin:end]
		middle := func(col dossier.Column) float64 { return x(col.At + c.Width/2) }
		var outline []fpdf.PointType
		for _, col := range run {
			outline = append(outline, fpdf.PointType{X: middle(col), Y: y(col.Max)})
		}
		for i := len(run) - 1; i >= 0; i-- {
			outline = append(outline, fpdf.PointType{X: middle(run[i]), Y: y(run[i].Min)})
		}
		p.SetFillColor(band[0], band[1], band[2])
		p.SetDrawColor(band[0], band[1], band[2])
		p.SetLineWidth(0.15)
		p.Polygon(outline, "DF")
		p.SetDrawColor(curve[0], curve[1], curve[2])
		p.SetLineWidth(0.3)
		for i := 1; i < len(run); i++ {
			p.Line(middle(run[i-1]), y(run[i-1].Mean), middle(run[i]), y(run[i].Mean))
		}
		begin = end
	}
}

// broken reports whether something between two columns was not monitored.
func broken(c *dossier.Chart, from, to int64) bool {
	for _, u := range c.Unmonitored {
		if u.From < to+c.Width && u.To > from {
			return true
		}
	}
	return false
}

// bounds of the temperature axis: all that was measured and the nearest limits.
func bounds(j *dossier.Judgement) (low, high thermal.Temp) {
	low, high = math.MaxInt32, math.MinInt32
	see := func(t thermal.Temp) { low, high = min(low, t), max(high, t) }
	for _, c := range j.Chart.Columns {
		see(c.Min)
		see(c.Max)
	}
	if j.Profile.Low != nil {
		see(*j.Profile.Low)
	}
	if j.Profile.High != nil {
		see(*j.Profile.High)
	}
	if low > high {
		low, high = 0, 10_000
	}
	margin := max((high-low)/12, 300)
	return low - margin, high + margin
}

// ticks gives about five round temperatures.
func ticks(low, high thermal.Temp) (out []thermal.Temp) {
	step := thermal.Temp(100)
	for _, s := range []thermal.Temp{100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000} {
		if step = s; (high-low)/s <= 6 {
			break
		}
	}
	first := low / step * step
	if first < low {
		first += step
	}
	for t := first; t <= high; t += step {
		out = append(out, t)
	}
	return out
}

type moment struct {
	at   int64
	word string
}

// moments gives at most nine round instants of a span with their words.
func moments(from, to int64) (out []moment) {
	steps := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour}
	step := steps[0].Milliseconds()
	for _, s := range steps {
		if step = s.Milliseconds(); (to-from)/step <= 8 {
			break
		}
	}
	form := "15:04"
	if step >= steps[6].Milliseconds() {
		form = "2 Jan"
	}
	for at := (from/step + 1) * step; at < to; at += step {
		out = append(out, moment{at, time.UnixMilli(at).UTC().Format(form)})
	}
	return out
}
