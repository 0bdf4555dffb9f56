package history

import (
	"context"

	"frostline/proto/reading"
)

// Temperatures calls visit for each dated reading of temperature of a sensor
// from UTC from (inclusive) to to (exclusive), in order of UTC: its value in
// thousandths of a degree, whether its quality is OK, and whether the anchors
// that date it contradict one another. It ends with visit's error if that is
// not nil.
func (h *History) Temperatures(ctx context.Context, gateway, sensor string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error {
	return h.walk(ctx, Key{gateway, sensor, reading.Temperature}, from, to, nil, func(s *segment, value int64, q reading.Quality) error {
		return visit(s.moment.UTC, value, q == reading.OK, s.moment.Conflict)
	})
}

// UndatedTemperatures is UndatedSpans for the temperature of a sensor: each
// span as its start and end.
func (h *History) UndatedTemperatures(ctx context.Context, gateway, sensor string) ([][2]int64, error) {
	spans, err := h.UndatedSpans(ctx, Key{gateway, sensor, reading.Temperature})
	out := make([][2]int64, 0, len(spans))
	for _, s := range spans {
		out = append(out, [2]int64{s.From, s.To})
	}
	return out, err
}
