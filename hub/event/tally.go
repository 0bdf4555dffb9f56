package event

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// Tally counts the documents that have a key, by the key's value.
func (t *Table[T]) Tally(ctx context.Context, q store.Querier, key string) (map[string]int64, error) {
	rows, err := q.Query(ctx, "SELECT value, COUNT(*) FROM event_key WHERE model = "+live+" AND name = $2 GROUP BY value", t.name, key)
	if err != nil {
		return nil, fmt.Errorf("tally %s by %s: %w", t.name, key, err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var value string
		var n int64
		if err := rows.Scan(&value, &n); err != nil {
			return nil, fmt.Errorf("tally %s by %s: %w", t.name, key, err)
		}
		all[value] = n
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("tally %s by %s: %w", t.name, key, err)
	}
	return all, nil
}
