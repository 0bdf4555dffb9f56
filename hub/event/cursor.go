package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"frostline/hub/store"
)

// cursor is the position of the last event a consumer is done with, 0 before
// the first.
func cursor(ctx context.Context, q store.Querier, name string) (position int64, err error) {
	err = q.QueryRow(ctx, "SELECT position FROM event_cursor WHERE consumer = $1", name).Scan(&position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cursor of %s: %w", name, err)
	}
	return position, nil
}

func saveCursor(ctx context.Context, tx *store.Tx, name string, position, now int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO event_cursor (consumer, position, saved_ms) VALUES ($1, $2, $3)
ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, saved_ms = excluded.saved_ms`, name, position, now)
	if err != nil {
		return fmt.Errorf("save cursor of %s: %w", name, err)
	}
	return nil
}

// plain makes a text that every database takes.
func plain(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�") }
