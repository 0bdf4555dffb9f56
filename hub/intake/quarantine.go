package intake

import (
	"context"
	"database/sql"
	"fmt"

	"frostline/hub/store"
)

// quarantine keeps what could not be accepted, within limits for each gateway.
func (r *round) quarantine(ctx context.Context, tx *store.Tx, it *item, no *refusal) error {
	r.tally.Refused++
	payload := it.payload
	if len(payload) > MaxParcelBytes {
		payload = payload[:MaxParcelBytes]
	}
	sum := digest(it.payload)
	n, err := tx.Exec(ctx, `UPDATE intake_quarantine SET times = times + 1, last_ms = $4 WHERE gateway = $1 AND lane = $2 AND digest = $3`,
		it.gateway, string(it.lane), sum, r.now)
	if err != nil {
		return fmt.Errorf("count quarantined: %w", err)
	}
	if n > 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `INSERT INTO intake_quarantine (id, gateway, lane, epoch, first, last, reason, times, first_ms, last_ms, digest, payload)
		VALUES ((SELECT coalesce(max(id), 0) + 1 FROM intake_quarantine), $1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9)`,
		it.gateway, string(it.lane), int64(no.epoch), int64(no.first), int64(no.last), clean(no.reason), r.now, sum, nonNil(payload)); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	limit := r.limits.Quarantine
	if it.reject != nil && !it.reject.known {
		limit = r.limits.QuarantineStrangers
	}
	n, err = tx.Exec(ctx, `DELETE FROM intake_quarantine WHERE gateway = $1 AND id <=
		(SELECT id FROM intake_quarantine WHERE gateway = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, it.gateway, limit)
	if err != nil {
		return fmt.Errorf("bound quarantine: %w", err)
	}
	r.tally.QuarantineEvicted += uint64(n)
	return nil
}

// Quarantined is a message that was not accepted.
type Quarantined struct {
	ID          int64
	Gateway     string
	Lane        string
	Epoch       uint32 // 0 where it could not be read
	First, Last uint64 // blocks refused; 0 where none can be named
	Reason      string
	Times       uint64 // that the same message came
	FirstSeen   int64  // hub's clock, Unix ms
	LastSeen    int64
	Bytes       int
}

// Quarantine lists what was not accepted, newest first: of one gateway, or of
// all where gateway is "". limit is at most 1000.
func (in *Intake) Quarantine(ctx context.Context, gateway string, limit int) ([]Quarantined, error) {
	out := []Quarantined{}
	err := each(ctx, in.store, `SELECT id, gateway, lane, epoch, first, last, reason, times, first_ms, last_ms, length(payload)
		FROM intake_quarantine WHERE $1 = '' OR gateway = $1 ORDER BY id DESC LIMIT $2`, []any{gateway, min(max(limit, 1), 1000)},
		func(rows *sql.Rows) error {
			var q Quarantined
			err := rows.Scan(&q.ID, &q.Gateway, &q.Lane, &q.Epoch, &q.First, &q.Last, &q.Reason, &q.Times, &q.FirstSeen, &q.LastSeen, &q.Bytes)
			out = append(out, q)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	return out, nil
}

// QuarantineCounts counts the messages in quarantine for each gateway.
func (in *Intake) QuarantineCounts(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	err := each(ctx, in.store, `SELECT gateway, count(*) FROM intake_quarantine GROUP BY gateway`, nil, func(rows *sql.Rows) error {
		var gateway string
		var n uint64
		err := rows.Scan(&gateway, &n)
		out[gateway] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count quarantine: %w", err)
	}
	return out, nil
}

// QuarantinedPayload gives the bytes of a quarantined message.
func (in *Intake) QuarantinedPayload(ctx context.Context, id int64) (payload []byte, err error) {
	err = in.store.QueryRow(ctx, `SELECT payload FROM intake_quarantine WHERE id = $1`, id).Scan(&payload)
	if err != nil {
		return nil, fmt.Errorf("read quarantined message %d: %w", id, err)
	}
	return payload, nil
}
