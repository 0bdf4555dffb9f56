package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// chunk is a window's readings on their way to the store.
type chunk struct {
	key      chunkKey
	track    int64 // 0: not in the store yet
	old, new int64 // upto before and after
	data     []byte
	sum      summary
	repeated int
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
		h.recount, h.unsure = true, step // it may have been done
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

// settle finds out whether the last step was done that was reported failed, and
// drops from the head what is in chunks. Until then such readings are in both,
// which is all one to those who ask for readings and not to those who count.
func (h *History) settle(ctx context.Context) error {
	h.moving.Lock()
	defer h.moving.Unlock()
	for ; len(h.unsure) > 0; h.unsure = h.unsure[1:] {
		c := h.unsure[0]
		var upto int64
		err := h.store.QueryRow(ctx, `SELECT c.upto FROM history_chunk c JOIN history_track t ON t.id = c.track
			WHERE t.gateway = $1 AND t.epoch = $2 AND t.series = $3 AND t.boot = $4 AND c.win = $5`,
			c.key.gateway, int64(c.key.epoch), int64(c.key.series), int64(c.key.boot), c.key.window).Scan(&upto)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("find out what was merged: %w", err)
		case err == nil && upto >= c.new:
			h.head.end(c)
		}
	}
	return nil
}

// still keeps readings from moving to chunks until release is called.
func (h *History) still(ctx context.Context) (release func(), err error) {
	for {
		h.moving.RLock()
		if len(h.unsure) == 0 {
			return h.moving.RUnlock, nil
		}
		h.moving.RUnlock()
		if err := h.settle(ctx); err != nil {
			return nil, err
		}
	}
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
