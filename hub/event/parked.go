package event

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

// Parked is an event that a consumer could not handle and has gone past.
type Parked struct {
	Consumer string    `json:"consumer"`
	Position int64     `json:"position"`
	Attempts int       `json:"attempts"`
	Reason   string    `json:"reason"` // the last error of the handler
	Since    time.Time `json:"since"`
	Again    bool      `json:"again"` // Retry was called, and it was not yet tried
}

// maxParkedReason bounds a reason in bytes; handlers' errors may be long.
const maxParkedReason = 2000

// Parked lists the parked events of a consumer, or of all where name is "", in
// the order of consumers and positions; up to limit, at most MaxRead.
func (l *Log) Parked(ctx context.Context, name string, limit int) ([]Parked, error) {
	return parked(ctx, l.store, "($1 = '' OR consumer = $1)", name, clamp(limit))
}

func parked(ctx context.Context, q store.Querier, where, name string, limit int) (all []Parked, err error) {
	rows, err := q.Query(ctx, `SELECT consumer, position, attempts, reason, parked_ms, again FROM event_parked
WHERE `+where+" ORDER BY consumer, position LIMIT $2", name, limit)
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Parked
		var since, again int64
		if err := rows.Scan(&p.Consumer, &p.Position, &p.Attempts, &p.Reason, &since, &again); err != nil {
			return nil, fmt.Errorf("list parked events: %w", err)
		}
		p.Since, p.Again = time.UnixMilli(since).UTC(), again == 1
		all = append(all, p)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// Retry has a parked event handled once more, by itself and soon: now where
// the consumer runs, and once it does where not. It stays parked until that has
// succeeded. That an actor asked for it is told by an event in the same
// transaction. The error wraps sql.ErrNoRows where no such event is parked.
func (l *Log) Retry(ctx context.Context, actor string, told New, name string, position int64) error {
	_, err := l.Command(ctx, actor, func(ctx context.Context, c Change) error {
		n, err := c.Tx().Exec(ctx, "UPDATE event_parked SET again = 1 WHERE consumer = $1 AND position = $2", name, position)
		if err == nil && n == 0 {
			err = fmt.Errorf("not parked: %w", sql.ErrNoRows)
		}
		if err == nil {
			_, err = c.Append(ctx, told)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("retry event at position %d for %s: %w", position, name, err)
	}
	l.mu.Lock()
	if c := l.consumers[name]; c != nil {
		c.again = true
	}
	l.mu.Unlock()
	l.advance(l.Last())
	return nil
}

// park puts an event aside and saves the cursor after it. It reports false
// where there are too many already.
func (c *consumer) park(ctx context.Context, position int64, cause error) (done bool) {
	c.l.mu.Lock()
	attempts := c.attempts
	c.l.mu.Unlock()
	c.insist(ctx, func(ctx context.Context) error {
		return c.l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			var n int
			if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM event_parked WHERE consumer = $1", c.name).Scan(&n); err != nil {
				return err
			}
			if done = n < maxParked; !done {
				return nil
			}
			if err := storeParked(ctx, tx, c.name, position, attempts, cause, c.l.nowMS()); err != nil {
				return err
			}
			return saveCursor(ctx, tx, c.name, position, c.l.nowMS())
		})
	})
	if done && ctx.Err() == nil {
		c.l.log.Error("consumer could not handle an event and parked it", "consumer", c.name, "position", position, "attempts", attempts, "error", cause)
		c.l.mu.Lock()
		c.attempts = 0
		c.l.mu.Unlock()
	}
	return done
}

func storeParked(ctx context.Context, tx *store.Tx, name string, position int64, attempts int, cause error, now int64) error {
	reason := cause.Error()
	_, err := tx.Exec(ctx, `INSERT INTO event_parked (consumer, position, attempts, reason, parked_ms, again) VALUES ($1, $2, $3, $4, $5, 0)
ON CONFLICT (consumer, position) DO UPDATE SET attempts = event_parked.attempts + excluded.attempts, reason = excluded.reason, again = 0`,
		name, position, attempts, plain(reason[:min(len(reason), maxParkedReason)]), now)
	if err != nil {
		return fmt.Errorf("park event: %w", err)
	}
	return nil
}

// retryParked handles the parked events that are to be tried again: those
// marked since the last look, and at the first those marked earlier.
func (c *consumer) retryParked(ctx context.Context) {
	c.l.mu.Lock()
	look := c.again
	c.again = false
	c.l.mu.Unlock()
	if !look {
		return
	}
	var all []Parked
	c.insist(ctx, func(ctx context.Context) (err error) {
		all, err = parked(ctx, c.l.store, "consumer = $1 AND again = 1", c.name, maxParked)
		return err
	})
	for _, p := range all {
		c.retry(ctx, p.Position)
	}
}

func (c *consumer) retry(ctx context.Context, position int64) {
	var events []Event
	c.insist(ctx, func(ctx context.Context) (err error) { events, err = c.l.Read(ctx, position-1, 1); return err })
	if ctx.Err() != nil || len(events) == 0 || events[0].Position != position {
		return
	}
	cause := guard(func() error { return c.handle(ctx, events) })
	if cause != nil && ctx.Err() != nil {
		return // it stays marked
	}
	c.insist(ctx, func(ctx context.Context) error {
		return c.l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			if cause != nil {
				return storeParked(ctx, tx, c.name, position, 1, cause, c.l.nowMS())
			}
			_, err := tx.Exec(ctx, "DELETE FROM event_parked WHERE consumer = $1 AND position = $2", c.name, position)
			return err
		})
	})
	if cause != nil {
		c.note(cause)
		c.l.log.Error("consumer could not handle a parked event again", "consumer", c.name, "position", position, "error", cause)
		return
	}
	c.l.log.Info("consumer handled a parked event", "consumer", c.name, "position", position)
}
