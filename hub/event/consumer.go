package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

type consumer struct{}

func cursor(ctx context.Context, q store.Querier, name string) (position int64, found bool, err error) {
	err = q.QueryRow(ctx, "SELECT position FROM event_cursor WHERE consumer = $1", name).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read cursor of %s: %w", name, err)
	}
	return position, true, nil
}

func saveCursor(ctx context.Context, tx *store.Tx, name string, position, now int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO event_cursor (consumer, position, saved_ms) VALUES ($1, $2, $3)
ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, saved_ms = excluded.saved_ms`, name, position, now)
	if err != nil {
		return fmt.Errorf("save cursor of %s: %w", name, err)
	}
	return nil
}

// Consume hands events to handle.
func (l *Log) Consume(ctx context.Context, name string, handle func(context.Context, []Event) error) error {
	position, _, err := cursor(ctx, l.store, name)
	if err != nil {
		return err
	}
	wake, stop := l.Watch()
	defer stop()
	for {
		events, err := l.Read(ctx, position, 100)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-wake:
			case <-time.After(5 * time.Second):
			}
			continue
		}
		if err := handle(ctx, events); err != nil {
			return err
		}
		position = events[len(events)-1].Position
		err = l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return saveCursor(ctx, tx, name, position, l.nowMS()) })
		if err != nil {
			return err
		}
	}
}
