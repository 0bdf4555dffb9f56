package correlate

import (
	"context"
	"sort"
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

// memo keeps what was read of a sensor, so that packages that rode together
// read it once. It is used for the time of a slice, since readings may come.
type memo struct {
	join.Readings
	kept map[string]*excerpt
	held int
}

// maxMemo is how many readings are kept, at 24 bytes each.
const maxMemo = 2 << 20

type excerpt struct {
	from, to int64
	all      []kept
	undated  []join.Span
	asked    bool
}

type kept struct {
	at    int64
	value thermal.Temp
	state join.State
}

func newMemo(r join.Readings) *memo { return &memo{Readings: r, kept: map[string]*excerpt{}} }

func (m *memo) Temperatures(ctx context.Context, sensor string, from, to int64, yield func(int64, thermal.Temp, join.State) error) error {
	x := m.kept[sensor]
	if x == nil || from < x.from || to > x.to {
		n := &excerpt{from: from, to: to}
		if x != nil {
			n.from, n.to = min(from, x.from), max(to, x.to)
			n.all = make([]kept, 0, len(x.all)+1024)
			m.held -= len(x.all)
		}
		if m.held > maxMemo {
			clear(m.kept)
			m.held = 0
		}
		err := m.Readings.Temperatures(ctx, sensor, n.from, n.to, func(at int64, v thermal.Temp, s join.State) error {
			n.all = append(n.all, kept{at, v, s})
			return nil
		})
		if err != nil {
			delete(m.kept, sensor)
			return err
		}
		m.kept[sensor], x = n, n
		m.held += len(n.all)
	}
	for _, k := range x.all[sort.Search(len(x.all), func(i int) bool { return x.all[i].at >= from }):] {
		if k.at >= to {
			break
		}
		if err := yield(k.at, k.value, k.state); err != nil {
			return err
		}
	}
	return nil
}

func (m *memo) Undated(ctx context.Context, sensor string) ([]join.Span, error) {
	x := m.kept[sensor]
	if x == nil {
		return m.Readings.Undated(ctx, sensor)
	}
	if !x.asked {
		var err error
		if x.undated, err = m.Readings.Undated(ctx, sensor); err != nil {
			return nil, err
		}
		x.asked = true
	}
	return x.undated, nil
}
