package panel

import (
	"sync"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// The span of a History.
const (
	bucketMs = 30_000 // a bucket's length
	buckets  = 240    // kept of each series: two hours
)

// History is the course of the temperatures in the last two hours, for the small
// charts and for the estimate of what is ahead. It keeps least, mean and greatest
// value of each half minute, so that no peak is averaged away; a half minute
// without a usable reading is missing, and is never filled in. It takes some 8 KB
// a series. It begins empty with the agent, and is no evidence: the journal is.
// Its methods are safe for concurrent use.
type History struct {
	mu     sync.Mutex
	series map[uint32]*trail
}

// trail is the course of one series. History.mu guards it.
type trail struct {
	intervalMs int64
	since      int64               // boottime of the first usable reading, ms
	newest     int64               // number of the newest bucket, which may get more
	ring       [buckets + 1]bucket // one more, which is being filled
}

// bucket is half a minute. n is 0 where it has nothing.
type bucket struct {
	number        int64 // boottime / bucketMs
	n             int32
	min, max      int32 // thousandths of °C
	sum           int64
	first, newest int64 // boottimes of its readings, ms
}

// NewHistory makes one that takes nothing yet.
func NewHistory() *History { return &History{series: map[uint32]*trail{}} }

// Take has it take the temperatures of these series, by the interval between
// their readings, ms; what it has of others is forgotten.
func (h *History) Take(intervals map[uint32]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.series {
		if _, stays := intervals[id]; !stays {
			delete(h.series, id)
		}
	}
	for id, ms := range intervals {
		if h.series[id] == nil {
			h.series[id] = &trail{}
		}
		h.series[id].intervalMs = ms
	}
}

// Observe takes readings, of which only the usable ones of its series count.
func (h *History) Observe(readings []reading.Reading) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range readings {
		if t := h.series[r.Series]; t != nil && r.Quality == reading.OK {
			t.add(r.Tick, int32(max(min(r.Value, 1<<30), -1<<30)))
		}
	}
}

func (t *trail) add(tick int64, v int32) {
	number := tick / bucketMs
	if t.since == 0 {
		t.since = tick
	}
	b := &t.ring[number%(buckets+1)]
	switch {
	case b.n > 0 && b.number > number: // so late that its place is taken
		return
	case b.n == 0 || b.number < number:
		*b = bucket{number: number, min: v, max: v, first: tick}
	}
	b.n, b.sum = b.n+1, b.sum+int64(v)
	b.min, b.max = min(b.min, v), max(b.max, v)
	b.newest = max(b.newest, tick)
	t.newest = max(t.newest, number)
}

// course is a copy of what there is of a series.
type course struct {
	IntervalMs int64
	Since      int64    // boottime of the first usable reading, ms; 0 for none
	Buckets    []bucket // that have something, in the order of time
}

// course gives the closed buckets of a series at a boottime: those that get no
// more, so that it is the same for half a minute.
func (h *History) course(series uint32, now int64) course {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.series[series]
	if t == nil {
		return course{}
	}
	c := course{IntervalMs: t.intervalMs, Since: t.since}
	last := now/bucketMs - 1
	for n := max(last-buckets+1, 0); n <= last; n++ {
		if b := t.ring[n%(buckets+1)]; b.n > 0 && b.number == n {
			c.Buckets = append(c.Buckets, b)
		}
	}
	return c
}

// gap says whether readings are missing between two buckets.
func (c course) gap(a, b bucket) bool { return late(b.first-a.newest, c.IntervalMs) }

// samples are the means of the newest stretch without a gap.
func (c course) samples() []thermal.Sample {
	begin := 0
	for i := 1; i < len(c.Buckets); i++ {
		if c.gap(c.Buckets[i-1], c.Buckets[i]) {
			begin = i
		}
	}
	var out []thermal.Sample
	for _, b := range c.Buckets[begin:] {
		out = append(out, thermal.Sample{At: (b.first + b.newest) / 2, Value: thermal.Temp(b.sum / int64(b.n))})
	}
	return out
}
