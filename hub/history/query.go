package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"frostline/proto/reading"
)

// MaxPoints is the most readings that one Query gives.
const MaxPoints = 1_000_000

// Page is the answer to a Query.
type Page struct {
	Points []Reading // in order of UTC
	// More is set when there are readings after the last of Points: ask again
	// from its UTC + 1, or, where many have the same UTC, for more points.
	More    bool
	Undated uint64 // readings of the series that nobody can date so far, at any time
}

// Query gives the readings of a series from UTC from (inclusive) to to
// (exclusive), at most so many as most says, which is 1 to MaxPoints.
func (h *History) Query(ctx context.Context, k Key, from, to int64, most int) (Page, error) {
	var p Page
	if most < 1 || most > MaxPoints {
		return p, fmt.Errorf("query for %d points: want 1 to %d", most, MaxPoints)
	}
	err := h.Readings(ctx, k, from, to, func(r Reading) error {
		if len(p.Points) == most {
			p.More = true
			return errEnough
		}
		p.Points = append(p.Points, r)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return p, err
	}
	p.Undated, err = h.Undated(ctx, k)
	return p, err
}

var errEnough = errors.New("enough")

// Readings calls visit for each dated reading of a series from UTC from
// (inclusive) to to (exclusive), in order of UTC. It ends with visit's error if
// that is not nil. It sees what was committed when it was called; what is
// committed meanwhile may be among it.
func (h *History) Readings(ctx context.Context, k Key, from, to int64, visit func(Reading) error) error {
	return h.walk(ctx, k, from, to, nil, func(s *segment, value int64, q reading.Quality) error { return visit(s.reading(value, q)) })
}

// visitor takes the reading that a segment stands at, whose tick and moment the
// segment tells.
type visitor func(s *segment, value int64, q reading.Quality) error

// walk goes through the readings in order of UTC. skip, if not nil, is asked
// before a chunk is read that no other readings lie between; where it takes
// the chunk's summary, its readings are not visited.
func (h *History) walk(ctx context.Context, k Key, from, to int64, skip func(s *segment, sum *stretch) bool, visit visitor) error {
	if from >= to {
		return nil
	}
	waiting, err := h.segments(ctx, k, from, to)
	if err != nil {
		return fmt.Errorf("query %s/%s/%s: %w", k.Gateway, k.Sensor, k.Quantity, err)
	}
	type running struct {
		*segment
		utc int64
	}
	var active []running
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		// Of the active ones the earliest; segments join once they could have
		// readings before it.
		best := 0
		for i := range active {
			if active[i].utc < active[best].utc {
				best = i
			}
		}
		if len(waiting) > 0 && (len(active) == 0 || waiting[0].earliest <= active[best].utc) {
			s := waiting[0]
			waiting = waiting[1:]
			for skip != nil && len(active) == 0 && s.skippable(waiting) && skip(s, s.windows[s.next]) {
				s.next++
			}
			utc, ok, err := h.peek(ctx, s)
			if err != nil {
				return err
			}
			if ok {
				active = append(active, running{s, utc})
			}
			continue
		}
		if len(active) == 0 {
			return nil
		}
		s := active[best].segment
		if skip == nil && len(active) == 1 {
			until := int64(math.MaxInt64)
			if len(waiting) > 0 {
				until = waiting[0].earliest
			}
			if err := s.through(from, to, until, visit); err != nil {
				return err
			}
			utc, ok, err := h.peek(ctx, s)
			if err != nil {
				return err
			}
			if active[0].utc = utc; !ok {
				active = active[:0]
			}
			continue
		}
		_, value, q := s.reader.take()
		if utc := s.moment.UTC; utc >= from && utc < to {
			if err := visit(s, value, q); err != nil {
				return err
			}
		}
		for skip != nil && len(active) == 1 && s.reader.done() && s.skippable(waiting) && skip(s, s.windows[s.next]) {
			s.next++
		}
		utc, ok, err := h.peek(ctx, s)
		if err != nil {
			return err
		}
		if ok {
			active[best].utc = utc
		} else {
			active = slices.Delete(active, best, best+1)
		}
	}
}

// through visits the reading that peek has found and those after it in the same
// window that are dated before until: nothing else lies between.
func (s *segment) through(from, to, until int64, visit visitor) error {
	for {
		_, value, q := s.reader.take()
		if utc := s.moment.UTC; utc >= from && utc < to {
			if err := visit(s, value, q); err != nil {
				return err
			}
		}
		if s.reader.done() {
			return nil
		}
		if s.tick = s.base + int64(s.reader.offset()); s.tick >= s.to {
			return nil
		}
		if s.moment, _ = s.dates.Resolve(s.tick); s.moment.UTC >= until {
			return nil
		}
	}
}

// skippable reports whether the next window lies wholly in the span, is wholly
// in a chunk, and ends before any other segment begins.
func (s *segment) skippable(others []*segment) bool {
	if s.next >= len(s.windows) {
		return false
	}
	w := s.windows[s.next]
	first, last := w.ticks()
	if w.track == 0 || len(w.head) > 0 || first < s.from || last >= s.to {
		return false
	}
	m, ok := s.timeline.Resolve(last)
	return ok && (len(others) == 0 || m.UTC < others[0].earliest)
}

// ticks are those of the first and last reading of the chunk.
func (w *stretch) ticks() (first, last int64) {
	return w.number*Window + int64(w.sum.firstOff), w.number*Window + int64(w.sum.lastOff)
}
