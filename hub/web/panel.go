package web

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"

	"frostline/hub/view"
	"frostline/proto/reading"
)

// fineBuckets is how finely a span is looked at for words: 0.1 % of it.
const fineBuckets = 1000

// panel makes the words and the table of one quantity over a span; the page
// fetches the chart itself from data.
func (s *Server) panel(ctx context.Context, g view.Gateway, sensor view.Sensor, c view.Channel, sp span, now int64) (panelView, error) {
	q := c.Quantity
	unit, decimals := q.Unit()
	series := view.Series{Gateway: g.ID, Sensor: sensor.Name, Quantity: q}
	fine := view.NewPlot(sp.From, sp.To, fineBuckets, c.Interval)
	coarse, err := s.rows(sp, c)
	if err != nil {
		return panelView{}, err
	}
	certified := newTouched(sp.rowWidth())
	err = s.cfg.History.Readings(ctx, series, sp.From, sp.To, func(r view.Reading) error {
		fine.Add(r)
		coarse.Add(r)
		certified.add(r)
		return nil
	})
	if err != nil {
		return panelView{}, err
	}
	undated, err := s.cfg.History.Undated(ctx, series)
	if err != nil {
		return panelView{}, err
	}
	e := fine.Envelope(now)
	p := panelView{
		Of: g.ID + "/" + sensor.Name, Quantity: q.String(), Title: view.Title(q), Unit: unit, Decimals: decimals, Steps: steps(q),
		HoleAfter: view.HoleAfter(c.Interval).Milliseconds(), SpanWord: sp.word(),
		Source:  "/data/" + url.PathEscape(g.ID) + "/" + url.PathEscape(sensor.Name) + "/" + q.String() + "?",
		Now:     []readingView{s.readingView(g.ID, sensor.Name, c, true, now)},
		Said:    slices.Concat(measured(e, q), certified.said(), doubts(e, undated, g, now)),
		Exports: []link{exports(g.ID, sensor.Name, q, sp)},
	}
	rows := coarse.Envelope(now)
	p.Caption = fmt.Sprintf("%s, a row for each %s", p.Title, view.Span(rows.Width))
	for _, b := range rows.Buckets {
		r := rowOf(b, rows, q, now)
		r.Remark = strings.Join(append(slices.DeleteFunc([]string{r.Remark}, func(s string) bool { return s == "" }), certified.remark(b.At)...), ", ")
		p.Rows = append(p.Rows, r)
	}
	return p, nil
}

// rows is the plot of a panel's table, its buckets of a round length.
func (s *Server) rows(sp span, c view.Channel) (*view.Plot, error) {
	width := sp.rowWidth()
	from := sp.From / width * width
	n := (sp.To - from + width - 1) / width
	return view.NewPlot(from, from+n*width, int(n), c.Interval), nil
}

func rowOf(b view.Bucket, e view.Envelope, q reading.Quantity, now int64) row {
	r := row{At: view.Moment(b.At), N: view.Count(b.N), Cells: []string{noValue, noValue, noValue}, Hole: b.Missing*2 > e.Width}
	if b.N > 0 {
		mean := view.Value(q, int64(math.Round(b.Mean)))
		if steps(q) {
			mean = fmt.Sprintf("%.0f %%", 100*b.Mean)
		}
		r.Cells = []string{view.Value(q, b.Min), mean, view.Value(q, b.Max)}
	}
	var remarks []string
	if b.At > now {
		remarks = append(remarks, "yet to come")
	}
	if b.Missing > 0 {
		remarks = append(remarks, "no readings for "+view.Span(b.Missing))
	}
	if b.Bad > 0 {
		remarks = append(remarks, fmt.Sprintf("%s not usable", view.Count(b.Bad)))
	}
	r.Remark = strings.Join(remarks, ", ")
	return r
}

// measured says what the usable readings were.
func measured(e view.Envelope, q reading.Quantity) []said {
	if e.Usable == 0 {
		return []said{{Text: "No usable readings in this time.", Warn: true}}
	}
	text := view.Count(e.Usable) + " usable reading"
	if e.Usable != 1 {
		text += "s"
	}
	if steps(q) {
		return []said{{Text: text + ": " + share(q, e.Mean) + "."}}
	}
	unit, _ := q.Unit()
	of := func(v int64) string { return strings.TrimSpace(view.Value(q, v) + " " + unit) }
	return []said{{Text: fmt.Sprintf("%s: lowest %s, mean %s, highest %s.", text, of(e.Min), of(int64(math.Round(e.Mean))), of(e.Max))}}
}

// doubts says what is missing or uncertain, outright.
func doubts(e view.Envelope, undated uint64, g view.Gateway, now int64) []said {
	var out []said
	warn := func(format string, a ...any) { out = append(out, said{fmt.Sprintf(format, a...), true}) }
	if e.NHoles > 0 {
		text := fmt.Sprintf("No readings for %s", view.Span(e.Missing))
		if e.NHoles > 1 {
			text += fmt.Sprintf(" in %s stretches", view.Count(e.NHoles))
		}
		if len(e.Holes) <= 4 {
			var each []string
			for _, h := range e.Holes {
				each = append(each, stretch(h.From, h.To, h.Open))
			}
			text += ": " + joinWords(each)
		}
		text += "."
		switch {
		case view.JudgeLink(g, now).Link != view.Online:
			text += " The gateway is not connected; what it has kept since comes when it is."
		case g.PendingBlocks > inFlight:
			text += fmt.Sprintf(" The gateway still holds %s readings that may belong here.", view.Count(g.PendingReadings))
		}
		warn("%s", text)
	}
	if len(e.NBad) > 0 {
		var n int64
		var each []string
		for _, q := range slices.Sorted(maps.Keys(e.NBad)) {
			n += e.NBad[q]
			each = append(each, view.Count(e.NBad[q])+" "+view.QualityWord(q))
		}
		warn("%s readings could not be used: %s.", view.Count(n), joinWords(each))
	}
	if undated > 0 {
		warn("%s readings of this sensor cannot be dated, because the gateway had no source of time then. They are kept and counted, and not drawn.", view.Count(undated))
	}
	if e.Conflict {
		warn("The gateway's sources of time contradicted one another for some of these readings; their times are sure to %s only.", view.Uncertain(e.Uncertain))
	} else if e.Readings > 0 {
		out = append(out, said{Text: "Times are sure to " + view.Uncertain(e.Uncertain) + ".", Warn: e.Uncertain > 60_000})
	}
	return out
}

func stretch(from, to int64, open bool) string {
	end := view.TimeOfDay(to)
	if open {
		end = "now"
	} else if view.Date(from) != view.Date(to) {
		end = view.Moment(to)
	}
	begin := view.TimeOfDay(from)
	if view.Date(from) != view.Date(to) {
		begin = view.Moment(from)
	}
	return begin + " to " + end
}

// placePanel shows latitude and longitude together as a path.
func (s *Server) placePanel(ctx context.Context, g view.Gateway, sensor view.Sensor, sp span, now int64) (panelView, error) {
	lat, _ := sensor.Channel(reading.Latitude)
	lon, _ := sensor.Channel(reading.Longitude)
	series := view.Series{Gateway: g.ID, Sensor: sensor.Name, Quantity: reading.Latitude}
	fine := view.NewPlot(sp.From, sp.To, fineBuckets, lat.Interval)
	err := s.cfg.History.Readings(ctx, series, sp.From, sp.To, func(r view.Reading) error { fine.Add(r); return nil })
	if err != nil {
		return panelView{}, err
	}
	undated, err := s.cfg.History.Undated(ctx, series)
	if err != nil {
		return panelView{}, err
	}
	t, err := s.trail(ctx, g.ID, sensor, sp.From, sp.To)
	if err != nil {
		return panelView{}, err
	}
	e := fine.Envelope(now)
	p := panelView{
		Quantity: "position", Title: "Position", SpanWord: sp.word(),
		Now: []readingView{s.readingView(g.ID, sensor.Name, lat, true, now), s.readingView(g.ID, sensor.Name, lon, true, now)},
		Trail: template.HTML(`<figure class="trail">` + t.svg(900, 360) + `<figcaption class="muted">` + t.caption() +
			`; the ring is where it began, the disc where it was last</figcaption></figure>`),
		Caption: "Position at the first fix of each stretch",
		Exports: []link{exports(g.ID, sensor.Name, reading.Latitude, sp), exports(g.ID, sensor.Name, reading.Longitude, sp)},
	}
	if e.Usable > 0 {
		p.Said = []said{{Text: view.Count(e.Usable) + " positions, " + t.across() + "."}}
	} else {
		p.Said = []said{{Text: "No usable position in this time.", Warn: true}}
	}
	p.Said = append(p.Said, doubts(e, undated, g, now)...)
	width := sp.rowWidth()
	for i, pl := range t.points {
		if i > 0 && pl.at/width == t.points[i-1].at/width {
			continue
		}
		r := row{At: view.Moment(pl.at), N: "1", Cells: []string{view.Value(reading.Latitude, pl.lat), view.Value(reading.Longitude, pl.lon)}}
		if pl.first && i > 0 {
			r.Remark = "after a stretch without position"
		}
		p.Rows = append(p.Rows, r)
	}
	return p, nil
}
