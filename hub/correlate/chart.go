package correlate

import (
	"context"
	"fmt"
	"math"

	"frostline/proto/thermal"
)

// MaxBuckets bounds a chart.
const MaxBuckets = 2000

// maxChartGaps bounds the unmonitored spans of a chart; of more, neighbours are
// drawn as one where what lies between is narrower than a column.
const maxChartGaps = 200

// Chart is a package's temperature in columns. Where nothing is known in a
// column its values are null: nothing is drawn across.
type Chart struct {
	Package     string                `json:"package"`
	Profile     string                `json:"profile"`
	Version     int                   `json:"version"`
	From        int64                 `json:"from"` // UTC, Unix ms
	To          int64                 `json:"to"`
	Width       int64                 `json:"width"` // of a column, ms
	Low         *thermal.Temp         `json:"low,omitempty"`
	High        *thermal.Temp         `json:"high,omitempty"`
	Min         []*thermal.Temp       `json:"min"`
	Mean        []*thermal.Temp       `json:"mean"` // weighted by time
	Max         []*thermal.Temp       `json:"max"`
	Unmonitored []thermal.Unmonitored `json:"unmonitored"`       // in order
	Omitted     int                   `json:"omitted,omitempty"` // unmonitored spans, narrower than a column, that are not listed
}

// Chart draws a package from from to to (0 and 0: the whole watch so far) in so
// many columns, as a profile counts it ("": the first that judges it). Thirty
// days of readings every 10 s take some 15 ms.
func (e *Engine) Chart(ctx context.Context, id, profile string, from, to int64, buckets int) (Chart, error) {
	if buckets < 1 || buckets > MaxBuckets {
		return Chart{}, fmt.Errorf("buckets %d: want 1 to %d", buckets, MaxBuckets)
	}
	c, err := e.take(id)
	if err != nil {
		return Chart{}, err
	}
	j, err := judgeOf(c, profile)
	if err != nil {
		return Chart{}, err
	}
	h, err := c.History(ctx, e.readings(), &j.Profile)
	if err != nil {
		return Chart{}, fmt.Errorf("chart of package %s: %w", id, err)
	}
	p := &j.Profile
	if from == 0 {
		from = h.From
	}
	if to == 0 {
		to = h.To
	}
	out := draw(&h, from, max(from+1, to), buckets)
	out.Package, out.Profile, out.Version, out.Low, out.High = id, p.ID, p.Version, p.Low, p.High
	return out, nil
}

// column gathers one bucket.
type column struct {
	min, max thermal.Temp
	area     float64 // temperature times ms
	time     int64
	known    bool
}

// draw puts a history into columns.
func draw(h *thermal.History, from, to int64, buckets int) Chart {
	width := (to - from + int64(buckets) - 1) / int64(buckets)
	n := int((to - from + width - 1) / width)
	columns := make([]column, n)
	for i := range h.Stretches {
		s := &h.Stretches[i]
		for k := 1; k < len(s.Samples); k++ {
			line(columns, from, width, max(s.From, from), min(s.To, to), s.Samples[k-1], s.Samples[k])
		}
	}
	out := Chart{From: from, To: to, Width: width, Min: make([]*thermal.Temp, n), Mean: make([]*thermal.Temp, n), Max: make([]*thermal.Temp, n), Unmonitored: []thermal.Unmonitored{}}
	values := make([]thermal.Temp, 3*n)
	for i := range columns {
		if c := &columns[i]; c.known {
			v := values[3*i : 3*i+3]
			v[0], v[1], v[2] = c.min, c.min, c.max
			if c.time > 0 {
				v[1] = thermal.Temp(math.Round(c.area / float64(c.time)))
			}
			out.Min[i], out.Mean[i], out.Max[i] = &v[0], &v[1], &v[2]
		}
	}
	for _, u := range h.Unmonitored {
		if u.From, u.To = max(u.From, from), min(u.To, to); u.From < u.To {
			out.gap(u)
		}
	}
	return out
}

// gap adds an unmonitored span.
func (c *Chart) gap(u thermal.Unmonitored) {
	switch n := len(c.Unmonitored); {
	case n < maxChartGaps:
		c.Unmonitored = append(c.Unmonitored, u)
	case u.From-c.Unmonitored[n-1].To < c.Width:
		c.Unmonitored[n-1].To = u.To
	case u.To-u.From < c.Width:
		c.Omitted++
	default: // at most one for each column
		c.Unmonitored = append(c.Unmonitored, u)
	}
}

// line adds the straight line between two samples, cut to a span.
func line(columns []column, origin, width, from, to int64, a, b thermal.Sample) {
	from, to = max(from, a.At), min(to, b.At)
	if from > to || b.At == a.At {
		return
	}
	value := func(t int64) thermal.Temp {
		return a.Value + thermal.Temp(int64(b.Value-a.Value)*(t-a.At)/(b.At-a.At))
	}
	for at := from; at < to; {
		i := (at - origin) / width
		end := min(to, origin+(i+1)*width)
		columns[i].add(value(at), value(end), end-at)
		at = end
	}
}

func (c *column) add(v, w thermal.Temp, ms int64) {
	low, high := min(v, w), max(v, w)
	if !c.known {
		c.min, c.max, c.known = low, high, true
	}
	c.min, c.max = min(c.min, low), max(c.max, high)
	c.area += float64(v+w) / 2 * float64(ms)
	c.time += ms
}
