package correlate

import (
	"context"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/proto/thermal"
)

// readings gives history's readings as join wants them.
func (e *Engine) readings() join.Readings { return source{e.history} }

type source struct{ history History }

func (s source) Temperatures(ctx context.Context, sensor string, from, to int64, yield func(int64, thermal.Temp, join.State) error) error {
	gateway, name := split(sensor)
	return s.history.Temperatures(ctx, gateway, name, from, to, func(utc, value int64, ok, conflict bool) error {
		state := join.Usable
		switch {
		case conflict:
			state = join.Conflicting
		case !ok:
			state = join.Bad
		}
		return yield(utc, thermal.Temp(value), state)
	})
}

func (s source) Undated(ctx context.Context, sensor string) ([]join.Span, error) {
	gateway, name := split(sensor)
	spans, err := s.history.UndatedTemperatures(ctx, gateway, name)
	out := make([]join.Span, 0, len(spans))
	for _, v := range spans {
		out = append(out, join.Span{From: v[0], To: v[1]})
	}
	return out, err
}

func split(sensor string) (gateway, name string) {
	gateway, name, _ = strings.Cut(sensor, "/")
	return gateway, name
}

func cutPrefix(s, prefix string) (string, bool) { return strings.CutPrefix(s, prefix) }

// maxShelf is how many readings are kept for the packages that are judged next,
// at 16 bytes each.
const maxShelf = 4 << 20
