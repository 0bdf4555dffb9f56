package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// storyChart draws a judgement twice, in the proportions of a desk and of a
// phone: letters keep their size, and the style shows one of the two.
func storyChart(j *dossier.Judgement) template.HTML {
	if j.Chart.To <= j.Chart.From {
		return ""
	}
	return drawStory(j, "desk", 1040, 320) + drawStory(j, "phone", 360, 230)
}

// drawStory draws a judgement as SVG: for each column the span from smallest
// to largest reading and the mean, the limits, what was broken, and, hatched,
// what is unknown. Nothing is drawn across a gap. It holds numbers and words of
// ours alone.
func drawStory(j *dossier.Judgement, class string, width, height float64) template.HTML {
	const left, bottom, apart = 40.0, 22.0, 48.0
	c := &j.Chart
	low, high := j.Bounds()
	x := func(at int64) float64 {
		return left + (width-left)*float64(min(max(at, c.From), c.To)-c.From)/float64(c.To-c.From)
	}
	y := func(t thermal.Temp) float64 { return (height - bottom) * float64(high-t) / float64(high-low) }
	var o strings.Builder
	fmt.Fprintf(&o, `<svg class="story-chart %s" viewBox="0 0 %g %g" data-from="%d" data-to="%d" data-left="%g" role="img" aria-label="%s">`, class, width, height,
		c.From, c.To, left, template.HTMLEscapeString("Temperature. "+j.Summary()))
	block := func(class, fill string, from, to int64, title string) {
		fmt.Fprintf(&o, `<rect class="%s"%s x="%.2f" y="0" width="%.2f" height="%g"><title>%s</title></rect>`, class, fill, x(from), math.Max(x(to)-x(from), 1.5), height-bottom, template.HTMLEscapeString(title))
	}
	for _, e := range j.Verdict.Excursions {
		if e.Alarm > 0 {
			block("broken", "", e.From, e.To, e.Limit+", from "+view.Moment(e.From)+" to "+view.Moment(e.To))
		}
	}
	for _, u := range c.Unmonitored {
		block("hole", ` fill="url(#hatch)"`, u.From, u.To, "unknown: "+dossier.Because(u.Reason)+", from "+view.Moment(u.From)+" to "+view.Moment(u.To))
	}
	for _, t := range j.Degrees() {
		fmt.Fprintf(&o, `<path class="grid" d="M%g %.2fH%g"/><text class="tick" x="%g" y="%.2f" text-anchor="end">%s</text>`, left, y(t), width, left-6, y(t)+4, strings.Replace(t.String(), "-", "−", 1))
	}
	word := left + 8 - apart
	for _, at := range c.Ticks() {
		fmt.Fprintf(&o, `<path class="grid" d="M%.2f 0V%g"/>`, x(at.At), height-bottom)
		if x(at.At) < width-20 && x(at.At) >= word+apart {
			word = x(at.At)
			fmt.Fprintf(&o, `<text class="tick" x="%.2f" y="%g" text-anchor="middle">%s</text>`, x(at.At), height-6, at.Word)
		}
	}
	for _, l := range j.Profile.Limits {
		if l.At > low && l.At < high {
			fmt.Fprintf(&o, `<path class="limit" d="M%g %.2fH%g"><title>%s %s</title></path>`, left, y(l.At), width, template.HTMLEscapeString(l.Name), dossier.Degrees(l.At))
		}
	}
	for _, run := range c.Runs() {
		middle := func(k dossier.Column) float64 { return x(k.At + c.Width/2) }
		o.WriteString(`<path class="band" d="`)
		for i, k := range run {
			fmt.Fprintf(&o, "%c%.1f %.1f", "ML"[min(i, 1)], middle(k), y(k.Max))
		}
		for i := len(run) - 1; i >= 0; i-- {
			fmt.Fprintf(&o, "L%.1f %.1f", middle(run[i]), y(run[i].Min))
		}
		o.WriteString(`z"/><path class="mean" d="`)
		for i, k := range run {
			fmt.Fprintf(&o, "%c%.1f %.1f", "ML"[min(i, 1)], middle(k), y(k.Mean))
		}
		o.WriteString(`"/>`)
	}
	o.WriteString(`</svg>`)
	return template.HTML(o.String())
}
