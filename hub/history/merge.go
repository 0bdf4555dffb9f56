package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"frostline/hub/store"
)

// A step of a merge is one transaction of so many chunks or bytes at most, so
// that it takes a few milliseconds and commits of intake wait no longer.
const (
	stepChunks = 16
	stepBytes  = 64 << 10
)

// Waits of the merger.
const (
	mergeRetry    = 5 * time.Second
	mergeRetryMax = time.Minute
)

// Run merges the head into chunks until ctx ends. A merge that fails is tried
// again: nothing is lost by waiting but memory.
func (h *History) Run(ctx context.Context) error {
	wait, failing := mergeRetry, false
	for {
		every := time.NewTimer(h.mergeEvery)
		select {
		case <-ctx.Done():
			every.Stop()
			return nil
		case <-every.C:
		case <-h.wake:
		}
		every.Stop()
		err := h.merge(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			if failing {
				h.log.Info("history merges again")
			}
			wait, failing = mergeRetry, false
			continue
		case !failing:
			failing = true
			h.log.Error("history cannot merge; readings stay in memory and are tried again", "error", err, "held", h.head.held())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, mergeRetryMax)
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
}

// chunk is a window's readings on their way to the store.
type chunk struct {
	key      chunkKey
	track    int64 // 0: not in the store yet
	old, new int64 // upto before and after
	data     []byte
	sum      summary
	repeated int
}

// merge moves all that the head holds now into chunks.
func (h *History) merge(ctx context.Context) error {
	if h.recount {
		if err := h.readState(ctx); err != nil {
			return err
		}
		h.recount = false
	}
	target, keys := h.head.list()
	var step []*chunk
	size := 0
	for i, k := range keys {
		runtime.Gosched() // what is live does not wait for a merge
		c, err := h.prepare(ctx, k)
		if err != nil {
			return err
		}
		if c != nil {
			step = append(step, c)
			size += len(c.data)
		}
		if last := i == len(keys)-1; len(step) > 0 && (last || len(step) >= stepChunks || size >= stepBytes) {
			if err := h.commit(ctx, step); err != nil {
				return err
			}
			step, size = nil, 0
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if target == h.merged.Load() {
		return nil
	}
	if err := h.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE history_state SET value = $1 WHERE name = 'merged' AND value < $1`, target)
		return err
	}); err != nil {
		h.recount = true
		return fmt.Errorf("note what is merged: %w", err)
	}
	h.merged.Store(target)
	return nil
}

// list gives the windows that the head holds, and the last batch applied: once
// all of them are merged, so is that batch and all before it.
func (h *head) list() (applied int64, keys []chunkKey) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, b := range h.boots {
		b.each(func(t *track) {
			for _, w := range t.windows {
				keys = append(keys, chunkKey{t.key, w.number})
			}
		})
	}
	slices.SortFunc(keys, func(a, b chunkKey) int {
		return cmp.Or(cmp.Compare(a.gateway, b.gateway), cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.boot, b.boot),
			cmp.Compare(a.series, b.series), cmp.Compare(a.window, b.window))
	})
	return h.applied, keys
}

func (b *bootHead) each(f func(*track)) {
	for _, t := range b.few {
		if t != nil {
			f(t)
		}
	}
	for _, t := range b.many {
		f(t)
	}
}

// begin hands out the readings of a window to be merged with a chunk that was
// merged up to old, and up to which batch they are complete. What an earlier
// attempt has left is in the chunk, or it is merged now: the attempt may have
// been done though it was reported failed.
func (h *head) begin(k chunkKey, old int64) (runs []points, upto int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.find(k.trackKey)
	if t == nil {
		return nil, 0
	}
	for _, w := range t.windows {
		if w.number != k.window {
			continue
		}
		if w.merging != nil && old >= w.upto {
			h.readings -= length(w.merging)
			w.merging = nil
		}
		w.merging, w.runs, w.upto = w.all(), nil, h.applied
		return w.merging, w.upto
	}
	return nil, 0
}

func length(runs []points) (n int) {
	for _, r := range runs {
		n += r.len()
	}
	return n
}

// end drops what was merged.
func (h *head) end(c *chunk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.find(c.key.trackKey)
	if t == nil {
		return
	}
	for i, w := range t.windows {
		if w.number != c.key.window {
			continue
		}
		h.readings -= length(w.merging)
		w.merging = nil
		if len(w.runs) == 0 {
			t.windows = slices.Delete(slices.Clone(t.windows), i, i+1)
		}
		break
	}
	if len(t.windows) > 0 {
		return
	}
	h.forget(t)
}

// forget drops a track that holds nothing.
func (h *head) forget(t *track) {
	if boots := h.inBoots[t.key.of()]; boots != nil {
		if delete(boots, t.key.boot); len(boots) == 0 {
			delete(h.inBoots, t.key.of())
		}
	}
	k := bootKey{t.key.gateway, t.key.epoch, t.key.boot}
	b := h.boots[k]
	delete(b.many, t.key.series)
	if t.key.series < fewSeries {
		b.few[t.key.series] = nil
	}
	empty := len(b.many) == 0
	for _, t := range b.few {
		empty = empty && t == nil
	}
	if empty {
		delete(h.boots, k)
	}
}

// prepare makes the chunk of a window from what is stored and what the head
// holds. It is nil where there is nothing to merge.
func (h *History) prepare(ctx context.Context, k chunkKey) (*chunk, error) {
	c := &chunk{key: k}
	var data []byte
	err := h.store.QueryRow(ctx, `SELECT t.id, coalesce(c.upto, -1), c.data FROM history_track t
		LEFT JOIN history_chunk c ON c.track = t.id AND c.win = $5
		WHERE t.gateway = $1 AND t.epoch = $2 AND t.series = $3 AND t.boot = $4`,
		k.gateway, int64(k.epoch), int64(k.series), int64(k.boot), k.window).Scan(&c.track, &c.old, &data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		c.old = -1
	case err != nil:
		return nil, fmt.Errorf("read chunk: %w", err)
	}
	var runs []points
	if runs, c.new = h.head.begin(k, c.old); len(runs) == 0 {
		h.head.end(c)
		return nil, nil
	}
	all := make([]points, 0, len(runs)+1)
	if c.old >= 0 {
		stored, err := decode(data)
		if err != nil {
			return nil, fmt.Errorf("read chunk of gateway %s, epoch %d, boot %d, series %d, window %d: %w", k.gateway, k.epoch, k.boot, k.series, k.window, err)
		}
		all = append(all, stored)
	}
	all = append(all, runs...)
	whole, repeated := merge(all)
	c.data, c.sum, c.repeated = whole.encode(), whole.summary(), repeated
	return c, nil
}

var errAnotherMerger = errors.New("chunk has changed since it was read: is another hub using the store?")

// commit writes chunks in one transaction, then drops them from the head.
func (h *History) commit(ctx context.Context, step []*chunk) error {
	h.moving.Lock()
	defer h.moving.Unlock()
	repeated := 0
	err := h.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		repeated = 0
		for _, c := range step {
			repeated += c.repeated
			if err := c.write(ctx, tx); err != nil {
				return err
			}
		}
		if repeated > 0 {
			if _, err := tx.Exec(ctx, `UPDATE history_state SET value = value + $1 WHERE name = 'repeated'`, repeated); err != nil {
				return fmt.Errorf("count repeated readings: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		h.recount = true // it may have been done
		return fmt.Errorf("write chunks: %w", err)
	}
	for _, c := range step {
		h.head.end(c)
		if c.repeated > 0 && len(h.repeaters) < 1000 && !h.repeaters[c.key.gateway] {
			h.repeaters[c.key.gateway] = true
			h.log.Error("a gateway has put the same tick of a series into several blocks; one of each is shown", "gateway", c.key.gateway,
				"epoch", c.key.epoch, "boot", c.key.boot, "series", c.key.series, "readings", c.repeated)
		}
	}
	h.repeated.Add(int64(repeated))
	h.merges.Add(uint64(len(step)))
	return nil
}

func (c *chunk) write(ctx context.Context, tx *store.Tx) error {
	track := c.track
	if track == 0 {
		err := tx.QueryRow(ctx, `INSERT INTO history_track (id, gateway, epoch, series, boot)
			VALUES ((SELECT coalesce(max(id), 0) + 1 FROM history_track), $1, $2, $3, $4)
			ON CONFLICT (gateway, epoch, series, boot) DO UPDATE SET boot = excluded.boot RETURNING id`,
			c.key.gateway, int64(c.key.epoch), int64(c.key.series), int64(c.key.boot)).Scan(&track)
		if err != nil {
			return fmt.Errorf("number track: %w", err)
		}
	}
	start := c.key.window * Window
	values := []any{
		track, c.key.window, c.new, c.sum.readings, c.sum.usable, c.sum.min, c.sum.max, c.sum.mean,
		start + int64(c.sum.firstOff), start + int64(c.sum.lastOff), c.sum.longest, c.data,
	}
	var n int64
	var err error
	if c.old < 0 {
		n, err = tx.Exec(ctx, `INSERT INTO history_chunk (track, win, upto, readings, usable, min_value, max_value, mean_value,
			first_tick, last_tick, longest_step, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, values...)
	} else {
		n, err = tx.Exec(ctx, `UPDATE history_chunk SET upto = $3, readings = $4, usable = $5, min_value = $6, max_value = $7,
			mean_value = $8, first_tick = $9, last_tick = $10, longest_step = $11, data = $12
			WHERE track = $1 AND win = $2 AND upto = $13`, append(values, c.old)...)
	}
	if errors.Is(err, store.ErrConflict) || err == nil && n != 1 {
		return errAnotherMerger
	}
	return err
}
