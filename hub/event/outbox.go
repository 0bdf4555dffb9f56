package event

import (
	"context"
	"fmt"

	"frostline/hub/store"
)

// relayName is the consumer whose cursor says what has been published.
const relayName = "relay"

// fillOutbox puts into the outbox what was appended while none was kept.
func (l *Log) fillOutbox(ctx context.Context) error {
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO event_outbox (position) SELECT position FROM event
WHERE position > COALESCE((SELECT position FROM event_cursor WHERE consumer = $1), 0)
AND position > COALESCE((SELECT MAX(position) FROM event_outbox), 0)`, relayName)
		return err
	})
	if err != nil {
		return fmt.Errorf("fill outbox: %w", err)
	}
	return nil
}

// dropOutbox empties the outbox: nobody would ever take anything out of it, and
// the relay's cursor says where to begin again.
func (l *Log) dropOutbox(ctx context.Context) error {
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM event_outbox")
		return err
	})
	if err != nil {
		return fmt.Errorf("empty outbox: %w", err)
	}
	return nil
}

// Outbox gives up to limit events that wait to be published, in order. ok is
// false when no outbox is kept.
func (l *Log) Outbox(ctx context.Context, limit int) (waiting []Event, ok bool, err error) {
	if !l.outbox {
		return nil, false, nil
	}
	waiting, err = query(ctx, l.store, "SELECT "+columns+` FROM event
WHERE position IN (SELECT position FROM event_outbox ORDER BY position LIMIT $1) ORDER BY position`, clamp(limit))
	return waiting, true, err
}

// Waiting is the number of events in the outbox.
func (l *Log) Waiting(ctx context.Context) (n int64, err error) {
	if err := l.store.QueryRow(ctx, "SELECT COUNT(*) FROM event_outbox").Scan(&n); err != nil {
		return 0, fmt.Errorf("count outbox: %w", err)
	}
	return n, nil
}

// Published takes events out of the outbox, up to and with a position, all of
// which have been published and acknowledged.
func (l *Log) Published(ctx context.Context, upTo int64) error {
	err := l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM event_outbox WHERE position <= $1", upTo); err != nil {
			return err
		}
		return saveCursor(ctx, tx, relayName, upTo, l.nowMS())
	})
	if err != nil {
		return fmt.Errorf("take published events out of outbox: %w", err)
	}
	return nil
}
