package web

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/view"
)

// laneView is a lane below a chart, on its axis of time, and what it says in words.
type laneView struct {
	Name string
	SVG  template.HTML
	Rows []laneRow
	Heads
}

// Heads are those of a lane's table.
type Heads struct{ What, More string }

type laneRow struct {
	From, To   int64
	What, More string
}

// bar is a span of a lane.
type bar struct {
	From, To    int64
	Class, Word string
}

// lanesOf makes the lanes of what is shown: who had it, where it was, who vouched,
// what was done, and each stability budget of each lot.
func lanesOf(l *dossier.Look, c *dossier.Case, p *dossier.Package) (out []laneView) {
	from, to := l.Verdict.From, l.Verdict.To
	if to <= from {
		return nil
	}
	within := func(a, b int64) (int64, int64, bool) { a, b = max(a, from), min(b, to); return a, b, a < b }
	lane := func(name string, heads Heads, bars []bar, rows []laneRow) {
		if len(rows) > 0 {
			out = append(out, laneView{Name: name, Heads: heads, Rows: rows, SVG: drawBars(from, to, name, bars)})
		}
	}
	var bars []bar
	var rows []laneRow
	for i, h := range p.Custody {
		end := to
		if i+1 < len(p.Custody) {
			end = p.Custody[i+1].At
		}
		if a, b, ok := within(h.At, end); ok {
			bars = append(bars, bar{a, b, "kind-" + fmt.Sprint(i%2), h.To})
			more := h.Role + ", seal " + strings.ReplaceAll(h.Seal, "_", " ")
			rows = append(rows, laneRow{a, b, h.To, strings.Join(append([]string{more}, h.Flags...), "; ")})
		}
	}
	lane("Who had it", Heads{"custodian", "as"}, bars, rows)
	bars, rows = nil, nil
	for i, a := range p.Attachments {
		end := a.To
		if end == 0 {
			end = to
		}
		if f, t, ok := within(a.From, end); ok {
			class := "kind-" + fmt.Sprint(i%2)
			if a.In == "" {
				class = "hole"
			}
			bars, rows = append(bars, bar{f, t, class, placeWord(a.In)}), append(rows, laneRow{f, t, placeWord(a.In), a.Via})
		}
	}
	lane("Where it was", Heads{"place", "told by"}, bars, rows)
	bars, rows = nil, nil
	for i, s := range l.Sources {
		name := "sensor " + s.Sensor + " of " + s.Gateway
		bars, rows = append(bars, bar{s.From, s.To, "kind-" + fmt.Sprint(i%2), name}), append(rows, laneRow{s.From, s.To, name, placeWord(s.In)})
	}
	for _, u := range l.Chart.Unmonitored {
		bars, rows = append(bars, bar{u.From, u.To, "hole", "nobody"}), append(rows, laneRow{u.From, u.To, "nobody", dossier.Because(u.Reason)})
	}
	slices.SortStableFunc(rows, func(a, b laneRow) int { return cmp.Compare(a.From, b.From) })
	lane("Who vouched", Heads{"sensor", "in, or why nobody"}, bars, rows)
	bars, rows = nil, nil
	for _, step := range c.Steps {
		if step.At >= from && step.At <= to {
			bars, rows = append(bars, bar{step.At, step.At, "step", step.What}), append(rows, laneRow{step.At, 0, step.What, step.Actor})
		}
	}
	lane("What was done about it", Heads{"step", "by"}, bars, rows)
	for i := range l.Budgets {
		out = append(out, budgetLane(&l.Budgets[i], from, to))
	}
	return out
}

func lotWord(lot string) string {
	if lot == "" {
		return "of no known lot"
	}
	return "of lot " + lot
}

// budgetLane shows how a stability budget was used up in what is shown.
func budgetLane(b *dossier.LotLane, from, to int64) laneView {
	units := "1 unit "
	if b.Units != 1 {
		units = fmt.Sprintf("%d units ", b.Units)
	}
	name := fmt.Sprintf("Budget %s, %s%s: %s of %s used", b.Name, units, lotWord(b.Lot), view.Span(b.After), view.Span(b.Allowed))
	switch used := b.After - b.Before; {
	case b.After > b.Allowed:
		name += fmt.Sprintf(", overspent by %s", view.Span(b.After-b.Allowed))
	case used > 0:
		name += fmt.Sprintf(", %s left", view.Span(b.Allowed-b.After))
	}
	if b.Lives > 1 {
		name += fmt.Sprintf("; the worst of %d that were treated differently", b.Lives)
	}
	if b.Unmonitored > 0 {
		name += fmt.Sprintf("; at least: for %s nobody knows", view.Span(b.Unmonitored))
	}
	v := laneView{Name: name, Heads: Heads{"used by then", "in this span"}, SVG: drawBudget(b, from, to, name)}
	for i := 1; i < len(b.Points); i++ {
		if was, is := b.Points[i-1], b.Points[i]; is.Spent != was.Spent || i == len(b.Points)-1 {
			v.Rows = append(v.Rows, laneRow{was.At, is.At, view.Span(is.Spent), view.Span(is.Spent - was.Spent)})
		}
	}
	return v
}

// laneLeft is where the axis of a chart begins, so that lanes lie below it.
const laneLeft, laneHeight = 40.0, 26.0

// laneSVG draws the same for a desk and a phone, in the proportions of the chart.
func laneSVG(label string, draw func(o *strings.Builder, x func(int64) float64, width float64), from, to int64) template.HTML {
	var o strings.Builder
	for _, size := range []struct {
		class string
		width float64
	}{{"desk", 1040}, {"phone", 360}} {
		fmt.Fprintf(&o, `<svg class="story-chart lane-chart %s" viewBox="0 0 %g %g" role="img" aria-label="%s">`, size.class, size.width, laneHeight, template.HTMLEscapeString(label))
		x := func(at int64) float64 {
			return laneLeft + (size.width-laneLeft)*float64(min(max(at, from), to)-from)/float64(to-from)
		}
		fmt.Fprintf(&o, `<rect class="lane-ground" x="%g" y="0" width="%g" height="%g"/>`, laneLeft, size.width-laneLeft, laneHeight)
		draw(&o, x, size.width)
		o.WriteString(`</svg>`)
	}
	return template.HTML(o.String())
}

func drawBars(from, to int64, label string, bars []bar) template.HTML {
	return laneSVG(label, func(o *strings.Builder, x func(int64) float64, _ float64) {
		for _, b := range bars {
			left := x(b.From)
			if b.Class == "step" {
				fmt.Fprintf(o, `<path class="lane-step" d="M%.1f 3l7 10-7 10-7-10z"><title>%s</title></path>`, left, template.HTMLEscapeString(view.Moment(b.From)+" "+b.Word))
				continue
			}
			wide := math.Max(x(b.To)-left, 1.5)
			fill := ""
			if b.Class == "hole" {
				fill = ` fill="url(#hatch)"`
			}
			title := template.HTMLEscapeString(b.Word + ", from " + view.Moment(b.From) + " to " + view.Moment(b.To))
			fmt.Fprintf(o, `<svg x="%.1f" y="0" width="%.1f" height="%g"><rect class="lane-bar %s"%s x="0.5" y="1" width="%.1f" height="%g" rx="3"><title>%s</title></rect>`,
				left, wide, laneHeight, b.Class, fill, math.Max(wide-1, 0.5), laneHeight-2, title)
			if wide > 40 {
				fmt.Fprintf(o, `<text class="lane-word" x="7" y="17">%s</text>`, template.HTMLEscapeString(b.Word))
			}
			o.WriteString(`</svg>`)
		}
	}, from, to)
}

func drawBudget(b *dossier.LotLane, from, to int64, label string) template.HTML {
	top := float64(max(b.Allowed, b.After, 1))
	return laneSVG(label, func(o *strings.Builder, x func(int64) float64, width float64) {
		y := func(spent int64) float64 { return laneHeight - (laneHeight-3)*float64(max(spent, 0))/top }
		fmt.Fprintf(o, `<path class="lane-spent%s" d="M%g %g`, map[bool]string{true: " over"}[b.After > b.Allowed], laneLeft, laneHeight)
		for _, p := range b.Points {
			fmt.Fprintf(o, "L%.1f %.2f", x(p.At), y(p.Spent))
		}
		fmt.Fprintf(o, `L%g %gz"/><path class="limit" d="M%g %.2fH%g"/>`, width, laneHeight, laneLeft, y(b.Allowed), width)
	}, from, to)
}
