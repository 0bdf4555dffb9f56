package people

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/store"
)

// StrangersKept is how long it is known how many passwords were tried with ids
// that nobody signs in by.
const StrangersKept = 90 * 24 * time.Hour

// stranger counts a password that was tried with an id that nobody signs in by.
// It writes as much as the refusal of a person, so that how long the answer
// takes does not tell who there is; and one row a day, so that nobody can fill
// the store.
func (k *Keeper) stranger(ctx context.Context, tx *store.Tx) error {
	now := k.now().UTC()
	_, err := tx.Exec(ctx, `INSERT INTO people_stranger (day, refused, last_ms) VALUES ($1, 1, $2)
		ON CONFLICT (day) DO UPDATE SET refused = people_stranger.refused + 1, last_ms = $2`, now.Format(time.DateOnly), now.UnixMilli())
	if err != nil {
		return fmt.Errorf("count an unknown person: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM people_stranger WHERE day < $1`, now.Add(-StrangersKept).Format(time.DateOnly)); err != nil {
		return fmt.Errorf("forget unknown persons of long ago: %w", err)
	}
	return nil
}

// Strangers gives how many passwords were tried with ids that nobody signs in
// by, in the last StrangersKept, and when the last was, in Unix ms; 0 for never.
func (k *Keeper) Strangers(ctx context.Context) (refused, last int64, err error) {
	from := k.now().UTC().Add(-StrangersKept).Format(time.DateOnly)
	if err := k.db.QueryRow(ctx, `SELECT COALESCE(SUM(refused), 0), COALESCE(MAX(last_ms), 0) FROM people_stranger WHERE day >= $1`, from).Scan(&refused, &last); err != nil {
		return 0, 0, fmt.Errorf("read how many unknown persons tried: %w", err)
	}
	return refused, last, nil
}
