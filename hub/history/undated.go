package history

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"frostline/proto/truetime"
)

// Span is a stretch of UTC, To exclusive; math.MinInt64 and math.MaxInt64
// stand for no bound.
type Span struct{ From, To int64 }

// extent is the ticks that a series has in a boot.
type extent struct {
	epoch, boot uint32
	first, last int64
	timeline    *truetime.Timeline
}

// UndatedSpans bounds the times of a series' undated readings: boots follow one
// another, so that what an undated boot measured lies between what dated ones
// before and after it did. The spans are in order and may overlap.
func (h *History) UndatedSpans(ctx context.Context, k Key) ([]Span, error) {
	var boots []*extent
	for _, id := range h.identities(k) {
		dates, err := h.anchors.of(ctx, epochKey{k.Gateway, id.epoch})
		if err != nil {
			return nil, fmt.Errorf("bound undated readings: %w", err)
		}
		note := func(boot uint32, first, last int64) {
			boots = append(boots, &extent{id.epoch, boot, first, last, dates(boot)})
		}
		series := seriesKey{k.Gateway, id.epoch, id.series}
		for boot, windows := range h.head.snapshot(series) { // before the chunks
			for number, runs := range windows {
				for _, r := range runs {
					if r.len() > 0 {
						note(boot, number*Window+int64(r.offsets[0]), number*Window+int64(r.last()))
					}
				}
			}
		}
		err = each(ctx, h.store, `SELECT t.boot, min(c.first_tick), max(c.last_tick) FROM history_track t JOIN history_chunk c ON c.track = t.id
			WHERE t.gateway = $1 AND t.epoch = $2 AND t.series = $3 GROUP BY t.boot`,
			[]any{k.Gateway, int64(id.epoch), int64(id.series)}, func(rows *sql.Rows) error {
				var boot uint32
				var first, last int64
				err := rows.Scan(&boot, &first, &last)
				note(boot, first, last)
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("bound undated readings: %w", err)
		}
	}
	slices.SortFunc(boots, func(a, b *extent) int { return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.boot, b.boot)) })
	return between(boots), nil
}

// between gives the spans of the boots that are undated.
func between(boots []*extent) (out []Span) {
	before := int64(math.MinInt64)
	for i, b := range boots {
		if b.timeline.Dated() {
			if m, ok := b.timeline.Resolve(b.last); ok {
				before = max(before, m.UTC)
			}
			continue
		}
		s := Span{before, math.MaxInt64}
		for _, later := range boots[i+1:] {
			if !later.timeline.Dated() {
				continue
			}
			if m, ok := later.timeline.Resolve(later.first); ok {
				s.To = min(s.To, m.UTC)
			}
		}
		if s.From < s.To && (len(out) == 0 || out[len(out)-1] != s) {
			out = append(out, s)
		}
	}
	return out
}
