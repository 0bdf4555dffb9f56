package history

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"frostline/proto/truetime"
	"slices"

	"frostline/proto/reading"
)

// Reading is one measurement with its time as far as that is known.
type Reading struct {
	Epoch   uint32
	Boot    uint32 // ordinal of the gateway's boot
	Tick    int64  // CLOCK_BOOTTIME of that boot, ms
	Value   int64  // in the quantity's unit; 0 where Quality.HasValue is false
	Quality reading.Quality

	// Dated is false while no anchor has said what UTC it was in this boot.
	// UTC, Uncertainty (ms) and Conflict then mean nothing.
	Dated       bool
	UTC         int64
	Uncertainty int64
	Conflict    bool

	Received int64 // hub's clock when the reading came, Unix ms; 0 where that is not kept
}

// segment is what one boot of a series has in a span of boottime.
type segment struct {
	epoch, boot uint32
	timeline    *truetime.Timeline
	from, to    int64 // boottime, to exclusive
	windows     []*stretch
	earliest    int64 // UTC: no reading is before it

	// Where it stands.
	next   int // window to be loaded
	base   int64
	reader reader
	ahead  map[int64][]byte // chunks that were read together
	batch  int              // how many were read together last
	dates  truetime.Cursor
	tick   int64 // of the reading that peek has found
	moment truetime.Moment
}

// maxAhead is how many chunks are read together at most. A span that is read
// through has many; of one that is skipped through few are read at all.
const maxAhead = 32

// stretch is a window of a segment: what the head had of it when the query
// began, and the chunk if there is one.
type stretch struct {
	number int64
	track  int64 // 0 without a chunk
	head   []points
	sum    summary // of the chunk
}

// segments finds what a series has between two UTCs, in order of UTC as far as
// boots do not overlap.
func (h *History) segments(ctx context.Context, k Key, from, to int64) ([]*segment, error) {
	var out []*segment
	for _, id := range h.identities(k) {
		dates, err := h.anchors.of(ctx, epochKey{k.Gateway, id.epoch})
		if err != nil {
			return nil, err
		}
		series := seriesKey{k.Gateway, id.epoch, id.series}
		heads := h.head.snapshot(series) // before the chunks
		tracks, err := h.tracks(ctx, series)
		if err != nil {
			return nil, err
		}
		for boot := range heads {
			if _, ok := tracks[boot]; !ok {
				tracks[boot] = 0
			}
		}
		for boot, track := range tracks {
			tl := dates(boot)
			if !tl.Dated() {
				continue
			}
			s := &segment{epoch: id.epoch, boot: boot, timeline: tl, from: tl.Boottime(from), to: tl.Boottime(to), dates: tl.Cursor()}
			if s.from >= s.to {
				continue
			}
			if err := h.stretches(ctx, s, track, heads[boot]); err != nil {
				return nil, err
			}
			if len(s.windows) > 0 {
				m, _ := tl.Resolve(max(s.from, min(s.windows[0].number*Window, truetime.MaxTick-1)))
				s.earliest = m.UTC
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.earliest, b.earliest), cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.boot, b.boot))
	})
	return out, nil
}

// tracks gives the boots in which a series has chunks.
func (h *History) tracks(ctx context.Context, k seriesKey) (map[uint32]int64, error) {
	out := map[uint32]int64{}
	err := each(ctx, h.store, `SELECT boot, id FROM history_track WHERE gateway = $1 AND epoch = $2 AND series = $3`,
		[]any{k.gateway, int64(k.epoch), int64(k.series)}, func(rows *sql.Rows) error {
			var boot uint32
			var id int64
			err := rows.Scan(&boot, &id)
			out[boot] = id
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read tracks: %w", err)
	}
	return out, nil
}

// stretches lists the windows of a segment.
func (h *History) stretches(ctx context.Context, s *segment, track int64, heads map[int64][]points) error {
	first, last := windowOf(s.from), windowOf(s.to-1)
	chunked := map[int64]bool{}
	if track != 0 {
		err := each(ctx, h.store, `SELECT win, readings, usable, min_value, max_value, mean_value, first_tick, last_tick, longest_step
			FROM history_chunk WHERE track = $1 AND win BETWEEN $2 AND $3`, []any{track, first, last}, func(rows *sql.Rows) error {
			w := &stretch{track: track}
			var a, b int64
			if err := rows.Scan(&w.number, &w.sum.readings, &w.sum.usable, &w.sum.min, &w.sum.max, &w.sum.mean, &a, &b, &w.sum.longest); err != nil {
				return err
			}
			w.sum.firstOff, w.sum.lastOff = int32(a-w.number*Window), int32(b-w.number*Window)
			w.head = heads[w.number]
			chunked[w.number] = true
			s.windows = append(s.windows, w)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read chunks: %w", err)
		}
	}
	for number, runs := range heads {
		if !chunked[number] && first <= number && number <= last {
			s.windows = append(s.windows, &stretch{number: number, head: runs})
		}
	}
	slices.SortFunc(s.windows, func(a, b *stretch) int { return cmp.Compare(a.number, b.number) })
	return nil
}

// snapshot gives the readings of a series in the head, by boot and window. It
// copies no reading.
func (h *head) snapshot(k seriesKey) map[uint32]map[int64][]points {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := map[uint32]map[int64][]points{}
	for boot := range h.inBoots[k] {
		t := h.find(trackKey{k.gateway, k.epoch, k.series, boot})
		if t == nil {
			continue
		}
		windows := map[int64][]points{}
		for _, w := range t.windows {
			windows[w.number] = w.all()
		}
		if len(windows) > 0 {
			out[boot] = windows
		}
	}
	return out
}

// load makes the reader stand in the next window.
func (h *History) load(ctx context.Context, s *segment) error {
	w := s.windows[s.next]
	s.next++
	all := make([]points, 0, len(w.head)+1)
	if w.track != 0 {
		data, err := h.chunk(ctx, s, w)
		if err != nil {
			return fmt.Errorf("read chunk: %w", err)
		}
		stored, err := decode(data)
		if err != nil {
			return fmt.Errorf("read chunk %d of epoch %d, boot %d: %w", w.number, s.epoch, s.boot, err)
		}
		all = append(all, stored)
	}
	whole, _ := merge(append(all, w.head...)) // what moved since the query began is in both
	s.base, s.reader = w.number*Window, reader{points: whole}
	for !s.reader.done() && s.base+int64(s.reader.offset()) < s.from {
		s.reader.take()
	}
	return nil
}

// chunk gives the data of the window that is loaded, reading those after it
// too. It was read after the head was, so nothing that moves is missed.
func (h *History) chunk(ctx context.Context, s *segment, w *stretch) ([]byte, error) {
	if data := s.ahead[w.number]; data != nil {
		delete(s.ahead, w.number)
		return data, nil
	}
	s.batch = min(max(2*s.batch, 1), maxAhead)
	last := w.number
	for _, o := range s.windows[s.next:min(s.next+s.batch-1, len(s.windows))] {
		if o.track == w.track {
			last = o.number
		}
	}
	s.ahead = make(map[int64][]byte, s.batch)
	err := each(ctx, h.store, `SELECT win, data FROM history_chunk WHERE track = $1 AND win BETWEEN $2 AND $3`,
		[]any{w.track, w.number, last}, func(rows *sql.Rows) error {
			var number int64
			var data []byte
			err := rows.Scan(&number, &data)
			s.ahead[number] = data
			return err
		})
	if err != nil {
		return nil, err
	}
	data := s.ahead[w.number]
	if data == nil {
		return nil, sql.ErrNoRows
	}
	delete(s.ahead, w.number)
	return data, nil
}

// peek dates the next reading; ok is false at the end.
func (h *History) peek(ctx context.Context, s *segment) (utc int64, ok bool, err error) {
	for s.reader.done() {
		if s.next == len(s.windows) {
			return 0, false, nil
		}
		if err := h.load(ctx, s); err != nil {
			return 0, false, err
		}
	}
	if s.tick = s.base + int64(s.reader.offset()); s.tick >= s.to {
		return 0, false, nil
	}
	s.moment, _ = s.dates.Resolve(s.tick)
	return s.moment.UTC, true, nil
}

// reading is the one that was taken last.
func (s *segment) reading(value int64, q reading.Quality) Reading {
	return Reading{
		Epoch: s.epoch, Boot: s.boot, Tick: s.tick, Value: value, Quality: q,
		Dated: true, UTC: s.moment.UTC, Uncertainty: s.moment.Uncertainty, Conflict: s.moment.Conflict,
	}
}
