package dossier

import (
	"math"
	"time"

	"frostline/proto/thermal"
)

// Bounds of the temperature axis of a judgement's chart: what was measured, and
// the ends of the labelled range, with some room. An end that is much further
// away than what was measured reaches is left out: it would leave no room to
// see anything.
func (j *Judgement) Bounds() (low, high thermal.Temp) {
	low, high = math.MaxInt32, math.MinInt32
	see := func(t thermal.Temp) { low, high = min(low, t), max(high, t) }
	for _, c := range j.Chart.Columns {
		see(c.Min)
		see(c.Max)
	}
	warmest, coldest := high, low
	reach := max(2*(warmest-coldest), 8_000)
	for _, t := range []*thermal.Temp{j.Profile.Low, j.Profile.High} {
		if t != nil && (len(j.Chart.Columns) == 0 || *t >= coldest-reach && *t <= warmest+reach) {
			see(*t)
		}
	}
	if low > high {
		low, high = 0, 10_000
	}
	margin := max((high-low)/12, 300)
	return low - margin, high + margin
}

// Runs cuts the columns of a chart where something between them is not known:
// a line is drawn within a run and never from one to the next.
func (c *Chart) Runs() (runs [][]Column) {
	for begin := 0; begin < len(c.Columns); {
		end := begin + 1
		for end < len(c.Columns) && c.Columns[end].At-c.Columns[end-1].At <= c.Width && !c.unknownBetween(c.Columns[end-1].At, c.Columns[end].At) {
			end++
		}
		runs = append(runs, c.Columns[begin:end])
		begin = end
	}
	return runs
}

func (c *Chart) unknownBetween(from, to int64) bool {
	for _, u := range c.Unmonitored {
		if u.From < to+c.Width && u.To > from {
			return true
		}
	}
	return false
}

// Degrees gives about five round temperatures of an axis.
func (j *Judgement) Degrees() (out []thermal.Temp) {
	low, high := j.Bounds()
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

// Tick is an instant of a time axis with its word.
type Tick struct {
	At   int64
	Word string
}

// Ticks gives at most nine round instants of a chart, in UTC.
func (c *Chart) Ticks() (out []Tick) {
	steps := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour}
	step := steps[0].Milliseconds()
	for _, s := range steps {
		if step = s.Milliseconds(); (c.To-c.From)/step <= 8 {
			break
		}
	}
	form := "15:04"
	if step >= (12 * time.Hour).Milliseconds() {
		form = "2 Jan"
	}
	for at := (c.From/step + 1) * step; at < c.To; at += step {
		out = append(out, Tick{at, time.UnixMilli(at).UTC().Format(form)})
	}
	return out
}
