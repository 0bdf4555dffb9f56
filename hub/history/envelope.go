package history

import (
	"context"
	"fmt"
	"frostline/proto/truetime"
	"time"

	"frostline/proto/reading"
)

// MaxBuckets bounds an envelope.
const MaxBuckets = 8192

// Bucket is what one column of a chart stands for.
type Bucket struct {
	At       int64   // UTC of its start
	N        int64   // usable readings; the values mean nothing when 0
	Bad      int64   // readings whose quality is not OK: they are no values
	Min, Max int64   // of the usable ones, in the quantity's unit
	Mean     float64 // likewise
}

// Gap is a stretch without readings.
type Gap struct {
	From, To int64 // UTC: of the readings on either side, or the ends of the span
}

// Envelope is a series over a span of UTC in columns. A column without
// readings has none: nothing is drawn across it.
type Envelope struct {
	From, To int64 // UTC, To exclusive
	Width    int64 // of a bucket, ms
	Buckets  []Bucket
	Gaps     []Gap  // in order
	Readings int64  // in the span, usable or not
	Usable   int64  // of these
	Undated  uint64 // readings of the series that nobody can date so far, at any time
	// Uncertainty is the widest among the readings, ms. Conflict is set when
	// some are dated by anchors that contradict one another.
	Uncertainty int64
	Conflict    bool
}

// DefaultGapFactor times the interval of a series is the time without a
// reading that counts as a gap: at least one is missing by then.
const DefaultGapFactor = 1.75

// assumedInterval judges a series that declared none.
const assumedInterval = time.Minute

// Envelope gives a series from UTC from (inclusive) to to (exclusive) in so
// many buckets, 1 to MaxBuckets. gapAfter is the time without a reading that
// counts as a gap; 0 is DefaultGapFactor times the declared interval. now is
// the hub's UTC: time after it is no gap.
//
// Chunks that lie within a bucket and have neither gaps nor bad readings are
// not read but taken by what they tell of themselves.
func (h *History) Envelope(ctx context.Context, k Key, from, to int64, buckets int, gapAfter time.Duration, now int64) (Envelope, error) {
	if buckets < 1 || buckets > MaxBuckets || from >= to || to-from > truetime.MaxTick {
		return Envelope{}, fmt.Errorf("envelope of %d to %d in %d buckets: want a span and 1 to %d buckets", from, to, buckets, MaxBuckets)
	}
	if gapAfter <= 0 {
		gapAfter = assumedInterval
		if ids := h.identities(k); len(ids) > 0 && ids[len(ids)-1].interval > 0 {
			gapAfter = ids[len(ids)-1].interval
		}
		gapAfter = time.Duration(float64(gapAfter) * DefaultGapFactor)
	}
	d := newDrawing(from, to, buckets, gapAfter.Milliseconds())
	if err := h.walk(ctx, k, from, to, d.chunk, func(s *segment, value int64, q reading.Quality) error { return d.reading(s.reading(value, q)) }); err != nil {
		return Envelope{}, err
	}
	d.gap(min(to, now))
	var err error
	d.env.Undated, err = h.Undated(ctx, k)
	return d.env, err
}

// drawing gathers an envelope.
type drawing struct {
	env  Envelope
	hole int64 // ms
	last int64 // UTC of the newest reading so far; From before the first
}

func newDrawing(from, to int64, buckets int, hole int64) *drawing {
	width := (to - from + int64(buckets) - 1) / int64(buckets)
	count := (to - from + width - 1) / width
	d := &drawing{env: Envelope{From: from, To: to, Width: width, Buckets: make([]Bucket, count)}, hole: hole, last: from}
	for i := range d.env.Buckets {
		d.env.Buckets[i].At = from + int64(i)*width
	}
	return d
}

func (d *drawing) gap(until int64) {
	if until-d.last >= d.hole {
		d.env.Gaps = append(d.env.Gaps, Gap{From: d.last, To: until})
	}
	d.last = max(d.last, until)
}

func (d *drawing) reading(r Reading) error {
	d.gap(r.UTC)
	d.env.Readings++
	d.dated(r.Uncertainty, r.Conflict)
	b := &d.env.Buckets[(r.UTC-d.env.From)/d.env.Width]
	if r.Quality != reading.OK {
		b.Bad++
		return nil
	}
	d.env.Usable++
	b.put(1, r.Value, r.Value, float64(r.Value))
	return nil
}

func (d *drawing) dated(uncertainty int64, conflict bool) {
	d.env.Uncertainty = max(d.env.Uncertainty, uncertainty)
	d.env.Conflict = d.env.Conflict || conflict
}

func (b *Bucket) put(n, least, most int64, mean float64) {
	if b.N == 0 {
		b.Min, b.Max = least, most
	}
	b.N += n
	b.Min, b.Max = min(b.Min, least), max(b.Max, most)
	b.Mean += (mean - b.Mean) * float64(n) / float64(b.N)
}

// chunk takes a chunk by its summary where that says all.
func (d *drawing) chunk(s *segment, w *stretch) bool {
	if w.sum.usable != w.sum.readings || w.sum.longest >= d.hole {
		return false
	}
	first, last := w.ticks()
	a, _ := s.timeline.Resolve(first)
	b, _ := s.timeline.Resolve(last)
	at := (a.UTC - d.env.From) / d.env.Width
	if a.UTC < d.env.From || b.UTC >= d.env.To || (b.UTC-d.env.From)/d.env.Width != at {
		return false
	}
	d.gap(a.UTC)
	d.last = max(d.last, b.UTC)
	d.env.Readings += w.sum.readings
	d.env.Usable += w.sum.usable
	d.dated(max(a.Uncertainty, b.Uncertainty), a.Conflict || b.Conflict)
	d.env.Buckets[at].put(w.sum.usable, w.sum.min, w.sum.max, w.sum.mean)
	return true
}
