package history

import (
	"cmp"
	"context"
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

// merge moves all that the head holds now into chunks.
func (h *History) merge(ctx context.Context) error {
	if err := h.settle(ctx); err != nil {
		return err
	}
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
