package event

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// rebuildOther resets a model that keeps tables of its own and replays to it.
func (l *Log) rebuildOther(ctx context.Context, m *model, verify bool, progress func(done, total int64)) (Rebuilt, error) {
	r := Rebuilt{Model: m.Name()}
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-l.commands:
	}
	defer func() { l.commands <- struct{}{} }()
	l.surely = false
	if err := l.refresh(ctx); err != nil {
		return r, err
	}
	if verify {
		before, err := l.Digest(ctx, m.Name())
		if err != nil && !errors.Is(err, errNeverBuilt) {
			return r, err
		}
		r.Before = before
	}
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// Not live until it is done: a crash meanwhile makes Open begin again.
		if _, err := tx.Exec(ctx, "UPDATE event_model SET live = 0 WHERE name = $1", m.Name()); err != nil {
			return err
		}
		return guard(func() error { return m.Reset(ctx, tx) })
	})
	for position := int64(0); err == nil && position < l.Last(); progress(position, l.Last()) {
		err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			events, err := read(ctx, tx, position, 1000)
			if err != nil || len(events) == 0 {
				return errors.Join(err, errEmpty(len(events), position))
			}
			position = events[len(events)-1].Position
			return guard(func() error { return m.Apply(ctx, tx, events) })
		})
	}
	if err == nil {
		err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := l.newGeneration(ctx, tx, m, 1)
			return err
		})
	}
	if err != nil {
		return r, err
	}
	if err := l.removeDead(ctx); err != nil {
		l.log.Warn("old row of read model stays until the next start", "model", m.Name(), "error", err)
	}
	if r.Events = l.Last(); verify {
		r.After, err = l.Digest(ctx, m.Name())
	}
	return r, err
}

func errEmpty(n int, position int64) error {
	if n > 0 {
		return nil
	}
	return fmt.Errorf("no event after position %d, where there must be one", position)
}
