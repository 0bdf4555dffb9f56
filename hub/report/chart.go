package report

import (
	"math"

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
	low, high := j.Bounds()
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
	for _, t := range j.Degrees() {
		draw(rule, 0.1)
		p.Line(x0, y(t), x0+w, y(t))
		p.SetXY(p.left, y(t)-1.6)
		p.CellFormat(11, 3.2, t.String(), "", 0, "R", false, 0, "")
	}
	for _, at := range c.Ticks() {
		draw(rule, 0.1)
		p.Line(x(at.At), y0, x(at.At), y0+height)
		if x(at.At) < x0+w-12 {
			p.SetXY(x(at.At)-10, y0+height+0.4)
			p.CellFormat(20, 3, at.Word, "", 0, "C", false, 0, "")
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
	for _, run := range c.Runs() {
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
	}
}
