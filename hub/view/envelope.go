package view

import (
	"time"

	"frostline/proto/reading"
)

// MaxBuckets bounds an envelope: more than the pixels of a wall of screens.
const MaxBuckets = 8192

// Bucket is what one pixel column of a chart stands for: the smallest, mean
// and largest usable value that was taken in it. An average alone hides a
// short excursion.
type Bucket struct {
	At          int64   // UTC of its start
	N           int64   // usable readings; Min to Last mean nothing when 0
	Min, Max    int64   // in the quantity's integer unit
	Mean        float64 // likewise
	First, Last int64   // UTC of the first and last usable reading in it
	Bad         int64   // readings in it that may not be used
	Missing     int64   // how much of it lies in holes, ms
	// Break says that a line to it from the bucket before would bridge a hole
	// or readings that may not be used.
	Break bool
}

// Hole is a stretch without any reading.
type Hole struct {
	From, To int64 // UTC
	Open     bool  // reaches to now: a reading may still come
}

// Stretch is a run of readings that may not be used.
type Stretch struct {
	From, To int64 // UTC of its first and last reading
	Quality  reading.Quality
	Mixed    bool // for other reasons too, too close together to tell apart here
	N        int64
}

// Envelope is a series over a span of time, ready to be drawn. Holes and Bad
// are in order; those closer together than a bucket are joined, so that they
// may be drawn wider than they are but are never left out.
type Envelope struct {
	From, To int64 // UTC, To exclusive
	Width    int64 // of a bucket, ms
	Buckets  []Bucket
	Holes    []Hole
	NHoles   int   // before neighbours were joined
	Missing  int64 // their total length, ms
	Bad      []Stretch
	NBad     map[reading.Quality]int64

	Readings  int64 // dated readings in the span, usable or not
	Usable    int64
	Min, Max  int64 // of the usable ones
	Mean      float64
	Uncertain int64 // the widest uncertainty among the readings, ms
	Conflict  bool  // some are dated by anchors that contradict one another
}

// Plot gathers an Envelope. It is not safe for concurrent use.
type Plot struct {
	env      Envelope
	interval time.Duration
	last     int64 // UTC of the newest reading so far; From before the first
	broken   bool  // the next usable reading begins a new line
	sum      float64
}

// NewPlot begins the envelope of [from, to) in n buckets, for a series read at
// interval. n is brought into 1 to MaxBuckets, and a bucket is at least 1 ms.
func NewPlot(from, to int64, n int, interval time.Duration) *Plot {
	to = max(to, from+1)
	count := int64(min(max(n, 1), MaxBuckets))
	width := (to - from + count - 1) / count
	count = (to - from + width - 1) / width
	p := &Plot{interval: interval, last: from, broken: true}
	p.env = Envelope{From: from, To: to, Width: width, Buckets: make([]Bucket, count), NBad: map[reading.Quality]int64{}}
	for i := range p.env.Buckets {
		p.env.Buckets[i].At = from + int64(i)*width
	}
	return p
}

// HoleAfter is the distance between two readings from which at least one is
// missing between them. Undeclared intervals are judged as a minute.
func HoleAfter(interval time.Duration) time.Duration {
	if interval <= 0 {
		interval = assumedInterval
	}
	return interval * 7 / 4
}

// Add takes the next reading in order of UTC. Undated ones, and those outside
// the span, are left out: an undated reading has no place on an axis of time.
func (p *Plot) Add(r Reading) {
	e := &p.env
	if !r.Dated || r.UTC < e.From || r.UTC >= e.To {
		return
	}
	e.Readings++
	e.Uncertain = max(e.Uncertain, r.Uncertainty)
	e.Conflict = e.Conflict || r.Conflict
	if r.UTC-p.last >= HoleAfter(p.interval).Milliseconds() {
		p.hole(Hole{From: p.last, To: r.UTC})
	}
	p.last = max(p.last, r.UTC)
	if !r.Usable() {
		p.bad(r)
		return
	}
	b := &e.Buckets[(r.UTC-e.From)/e.Width]
	if b.N == 0 {
		b.Min, b.Max, b.First, b.Last, b.Break = r.Value, r.Value, r.UTC, r.UTC, p.broken
	}
	p.broken = false
	b.N++
	b.Min, b.Max, b.Last = min(b.Min, r.Value), max(b.Max, r.Value), max(b.Last, r.UTC)
	b.Mean += (float64(r.Value) - b.Mean) / float64(b.N)
	if e.Usable == 0 {
		e.Min, e.Max = r.Value, r.Value
	}
	e.Usable++
	e.Min, e.Max = min(e.Min, r.Value), max(e.Max, r.Value)
	p.sum += float64(r.Value)
}

func (p *Plot) hole(h Hole) {
	e := &p.env
	p.broken = true
	e.NHoles++
	e.Missing += h.To - h.From
	// Holes do not overlap, so all of them together visit each bucket about once.
	for i := (h.From - e.From) / e.Width; i < int64(len(e.Buckets)) && e.Buckets[i].At < h.To; i++ {
		b := &e.Buckets[i]
		b.Missing += min(h.To, b.At+e.Width) - max(h.From, b.At)
	}
	if n := len(e.Holes); n > 0 && h.From-e.Holes[n-1].To < e.Width {
		e.Holes[n-1].To, e.Holes[n-1].Open = h.To, h.Open
		return
	}
	e.Holes = append(e.Holes, h)
}

func (p *Plot) bad(r Reading) {
	e := &p.env
	p.broken = true
	e.NBad[r.Quality]++
	e.Buckets[(r.UTC-e.From)/e.Width].Bad++
	if n := len(e.Bad); n > 0 {
		prev := &e.Bad[n-1]
		same := prev.Quality == r.Quality && !prev.Mixed
		near := r.UTC-prev.To < e.Width
		if near || same && r.UTC-prev.To < HoleAfter(p.interval).Milliseconds() {
			prev.To = max(prev.To, r.UTC)
			prev.N++
			prev.Mixed = prev.Mixed || prev.Quality != r.Quality
			return
		}
	}
	e.Bad = append(e.Bad, Stretch{From: r.UTC, To: r.UTC, Quality: r.Quality, N: 1})
}

// Envelope ends the gathering. now is the hub's UTC: time after it is no hole,
// and the last moments before it are not one yet, since readings are under
// way.
func (p *Plot) Envelope(now int64) Envelope {
	e := &p.env
	end := min(e.To, now)
	limit, open := HoleAfter(p.interval), false
	if now-end < SilentAfter(p.interval).Milliseconds() {
		limit, open = SilentAfter(p.interval), true
	}
	if end-p.last >= limit.Milliseconds() {
		p.hole(Hole{From: p.last, To: end, Open: open})
	}
	if e.Usable > 0 {
		e.Mean = p.sum / float64(e.Usable)
	}
	return *e
}
