package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"frostline/proto/truetime"

	"frostline/proto/reading"
)

// Count is how many readings of an epoch can be asked for, in all its series.
func (h *History) Count(ctx context.Context, gateway string, epoch uint32) (uint64, error) {
	release, err := h.still(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	held := h.head.count(func(k trackKey) bool { return k.gateway == gateway && k.epoch == epoch })
	var stored int64
	err = h.store.QueryRow(ctx, `SELECT CAST(coalesce(sum(c.readings), 0) AS BIGINT) FROM history_chunk c JOIN history_track t ON t.id = c.track
		WHERE t.gateway = $1 AND t.epoch = $2`, gateway, int64(epoch)).Scan(&stored)
	if err != nil {
		return 0, fmt.Errorf("count readings: %w", err)
	}
	return uint64(stored) + uint64(held), nil
}

// count adds up the readings of tracks in the head.
func (h *head) count(want func(trackKey) bool) (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, b := range h.boots {
		b.each(func(t *track) {
			if want(t.key) {
				for _, w := range t.windows {
					n += length(w.merging) + length(w.runs)
				}
			}
		})
	}
	return n
}

// Undated counts the readings of a series that no anchor has dated so far.
func (h *History) Undated(ctx context.Context, k Key) (uint64, error) {
	var total uint64
	for _, id := range h.identities(k) {
		n, err := h.undated(ctx, seriesKey{k.Gateway, id.epoch, id.series})
		if err != nil {
			return 0, fmt.Errorf("count undated readings: %w", err)
		}
		total += n
	}
	return total, nil
}

func (h *History) undated(ctx context.Context, k seriesKey) (uint64, error) {
	dates, err := h.anchors.of(ctx, epochKey{k.gateway, k.epoch})
	if err != nil {
		return 0, err
	}
	release, err := h.still(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	var total uint64
	for boot, windows := range h.head.snapshot(k) {
		dated := dates(boot).Dated()
		for number, runs := range windows {
			if !dated || beyond(number) {
				total += uint64(length(runs))
			}
		}
	}
	err = each(ctx, h.store, `SELECT t.boot, CAST(sum(c.readings) AS BIGINT), CAST(sum(CASE WHEN c.win < $4 OR c.win > $5 THEN c.readings ELSE 0 END) AS BIGINT)
		FROM history_track t JOIN history_chunk c ON c.track = t.id
		WHERE t.gateway = $1 AND t.epoch = $2 AND t.series = $3 GROUP BY t.boot`,
		[]any{k.gateway, int64(k.epoch), int64(k.series), int64(-truetime.MaxTick / Window), int64(truetime.MaxTick / Window)}, func(rows *sql.Rows) error {
			var boot uint32
			var all, far int64
			err := rows.Scan(&boot, &all, &far)
			if !dates(boot).Dated() {
				far = all
			}
			total += uint64(far)
			return err
		})
	return total, err
}

// beyond reports whether the ticks of a window are no boottimes of this world.
func beyond(number int64) bool {
	return number < -truetime.MaxTick/Window || number > truetime.MaxTick/Window
}

// Latest gives the newest reading of a series by epoch, boot and tick; ok is
// false where there is none. Whether it is dated says Reading.Dated.
func (h *History) Latest(ctx context.Context, k Key) (r Reading, ok bool, err error) {
	ids := h.identities(k)
	for i := len(ids) - 1; i >= 0; i-- {
		l, err := h.latest(ctx, seriesKey{k.Gateway, ids[i].epoch, ids[i].series})
		if err != nil {
			return r, false, fmt.Errorf("latest reading of %s/%s/%s: %w", k.Gateway, k.Sensor, k.Quantity, err)
		}
		if !l.known {
			continue
		}
		r = Reading{Epoch: ids[i].epoch, Boot: l.boot, Tick: l.tick, Value: l.value, Quality: l.quality, Received: l.received}
		dates, err := h.anchors.of(ctx, epochKey{k.Gateway, ids[i].epoch})
		if err != nil {
			return r, false, err
		}
		if m, ok := dates(l.boot).Resolve(l.tick); ok {
			r.Dated, r.UTC, r.Uncertainty, r.Conflict = true, m.UTC, m.Uncertainty, m.Conflict
		}
		return r, true, nil
	}
	return r, false, nil
}

// latest finds the newest reading of a series: in memory, or at first in its
// last chunk.
func (h *History) latest(ctx context.Context, k seriesKey) (latest, error) {
	h.head.mu.RLock()
	l := h.head.latest[k]
	var now latest
	if l != nil {
		now = *l
	}
	h.head.mu.RUnlock()
	if now.whole {
		return now, nil
	}
	stored, err := h.lastStored(ctx, k)
	if err != nil {
		return latest{}, err
	}
	h.head.mu.Lock()
	defer h.head.mu.Unlock()
	if l = h.head.latest[k]; l == nil {
		l = &latest{}
		h.head.latest[k] = l
	}
	if stored.known && (!l.known || stored.boot > l.boot || stored.boot == l.boot && stored.tick > l.tick) {
		*l = stored
	}
	l.whole = true
	return *l, nil
}

func (h *History) lastStored(ctx context.Context, k seriesKey) (l latest, err error) {
	var window int64
	var data []byte
	err = h.store.QueryRow(ctx, `SELECT t.boot, c.win, c.data FROM history_track t JOIN history_chunk c ON c.track = t.id
		WHERE t.gateway = $1 AND t.epoch = $2 AND t.series = $3 ORDER BY t.boot DESC, c.win DESC LIMIT 1`,
		k.gateway, int64(k.epoch), int64(k.series)).Scan(&l.boot, &window, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return latest{}, nil
	}
	if err != nil {
		return latest{}, err
	}
	p, err := decode(data)
	if err != nil || p.len() == 0 {
		return latest{}, err
	}
	n := p.len() - 1
	l.known, l.tick, l.value, l.quality = true, window*Window+int64(p.offsets[n]), p.values[n], reading.OK
	if f := len(p.flaws); f > 0 && int(p.flaws[f-1].at) == n {
		l.quality = p.flaws[f-1].quality
	}
	return l, nil
}
