package panel

import (
	"fmt"
	"strings"
	"sync"

	"frostline/proto/thermal"
)

// spark is a small chart in units of its view box: the span of least and greatest
// values, limits as lines, and hatches where there are no readings. It is never
// drawn through a gap.
type spark struct {
	Width, Height int
	Band          string // path of the values' span
	Gaps          []span
	Limits        []tick
	Says          string // what it shows, for who does not see it
}

type span struct{ X, Width int }

// tick is a limit of the profile.
type tick struct {
	Y    int
	Text string
}

const (
	sparkWidth  = 480
	sparkHeight = 100
)

// leastSpan is the shortest time that is worth a chart, ms.
const leastSpan = 2 * bucketMs

// spark draws a course until now, boottime ms. It is nil
// where there is nothing to draw yet.
func (l *locale) spark(c course, w Watched, now int64) *spark {
	end := now / bucketMs * bucketMs
	begin := max(end-buckets*bucketMs, c.Since)
	if len(c.Buckets) == 0 || end-begin < leastSpan {
		return nil
	}
	s := &spark{Width: sparkWidth, Height: sparkHeight}
	low, high := c.Buckets[0].min, c.Buckets[0].max
	for _, b := range c.Buckets {
		low, high = min(low, b.min), max(high, b.max)
	}
	least, greatest := low, high
	// Both limits, where they are not so far away that the course would be flat.
	for _, at := range []*int32{int32Of(w.Low), int32Of(w.High)} {
		if at != nil && *at > least-15_000 && *at < greatest+15_000 {
			low, high = min(low, *at), max(high, *at)
		}
	}
	pad := max((high-low)/8, 250)
	low, high = low-pad, high+pad
	x := func(at int64) int {
		return int(max(min((at-begin)*sparkWidth/(end-begin), sparkWidth), 0))
	}
	y := func(v int32) int {
		return sparkHeight - int(int64(v-low)*sparkHeight/int64(high-low))
	}
	for _, at := range []*int32{int32Of(w.High), int32Of(w.Low)} {
		if at != nil && *at >= low && *at <= high {
			s.Limits = append(s.Limits, tick{y(*at), bound(temp(*at)) + "°"})
		}
	}
	var path strings.Builder
	var run []bucket
	flush := func() {
		if len(run) == 0 {
			return
		}
		for i, b := range run {
			fmt.Fprintf(&path, "%s%d %d", choose(i == 0, "M", "L"), x((b.first+b.newest)/2), y(b.max)-1)
		}
		for i := len(run) - 1; i >= 0; i-- {
			fmt.Fprintf(&path, "L%d %d", x((run[i].first+run[i].newest)/2), y(run[i].min)+1)
		}
		path.WriteString("Z")
		run = run[:0]
	}
	hatch := func(from, to int64) {
		if a, b := x(from), x(to); b > a {
			s.Gaps = append(s.Gaps, span{a, max(b-a, 2)})
		}
	}
	if first := c.Buckets[0].first; late(first-begin, c.IntervalMs) {
		hatch(begin, first)
	}
	for i, b := range c.Buckets {
		if i > 0 && c.gap(c.Buckets[i-1], b) {
			flush()
			hatch(c.Buckets[i-1].newest, b.first)
		}
		run = append(run, b)
	}
	flush()
	if newest := c.Buckets[len(c.Buckets)-1].newest; late(end-newest, c.IntervalMs) {
		hatch(newest, end)
	}
	s.Band = path.String()
	span := FormatAge((end - begin + 30_000) / 60_000 * 60_000)
	lowest, highest := shownTemp(temp(least), w.Low, w.High), shownTemp(temp(greatest), w.Low, w.High)
	s.Says = l.say(choose(len(s.Gaps) > 0, "spark.gaps", "spark.whole"), span, lowest, highest)
	return s
}

// sparks remembers what was drawn, which is the same for half a minute. The zero
// value is ready; it is safe for concurrent use.
type sparks struct {
	mu    sync.Mutex
	drawn map[sparkKey]*spark
	at    int64 // bucket of now
}

type sparkKey struct {
	language, watch, profile string
	series                   uint32
}

func (m *sparks) of(h *History, l *locale, w Watched, series uint32, now int64) *spark {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.drawn == nil || m.at != now/bucketMs {
		m.drawn, m.at = map[sparkKey]*spark{}, now/bucketMs
	}
	key := sparkKey{l.tag, w.ID, w.Profile, series}
	s, ok := m.drawn[key]
	if !ok {
		s = l.spark(h.course(series, now), w, now)
		m.drawn[key] = s
	}
	return s
}

func int32Of(t *thermal.Temp) *int32 {
	if t == nil {
		return nil
	}
	v := int32(max(min(*t, 1<<30), -1<<30))
	return &v
}

func temp(v int32) thermal.Temp { return thermal.Temp(v) }
