package notify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// States of a delivery.
const (
	Pending = "pending"
	Sent    = "sent"
	Failed  = "failed" // given up; can be retried
)

// Delivery is one message to one recipient.
type Delivery struct {
	ID        string `json:"id"` // also webhook-id, and left part of Message-ID
	Position  int64  `json:"position"`
	Event     string `json:"event"`
	Type      string `json:"type"`
	About     string `json:"excursion"`         // of several, that of the first event
	Thread    string `json:"thread"`            // what is told in order: a group of excursions by e-mail, an excursion to a webhook
	ReplyTo   string `json:"replyTo,omitempty"` // first delivery of the group to this recipient, that this one brings up to date
	Members   int    `json:"excursions"`        // that it tells of
	Channel   string `json:"channel"`
	Recipient string `json:"recipient"`
	Address   string `json:"address,omitempty"`
	Why       string `json:"why"`
	Subject   string `json:"subject"`
	Body      string `json:"-"`
	State     string `json:"state"`
	Attempts  int    `json:"attempts"`        // since Since
	Since     int64  `json:"since"`           // created, or last retried by a person, Unix ms
	Due       int64  `json:"due,omitempty"`   // next attempt
	Created   int64  `json:"created"`         // Unix ms
	Done      int64  `json:"done,omitempty"`  // sent or given up
	Error     string `json:"error,omitempty"` // of the last attempt

	of message // that it is made of, until it is stored
}

const columns = "id, position, event, type, about, channel, recipient, address, why, subject, body, state, attempts, since_ms, due_ms, created_ms, done_ms, error, thread, reply_to, members"

// insert stores deliveries that are not there yet, and says how many were new.
func insert(ctx context.Context, tx *store.Tx, all []Delivery) (int64, error) {
	var added int64
	for _, d := range all {
		n, err := tx.Exec(ctx, "INSERT INTO notify_delivery ("+columns+`)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) ON CONFLICT (id) DO NOTHING`,
			d.ID, d.Position, d.Event, d.Type, d.About, d.Channel, d.Recipient, d.Address, d.Why, d.Subject, d.Body,
			d.State, d.Attempts, d.Since, d.Due, d.Created, d.Done, d.Error, d.Thread, d.ReplyTo, d.Members)
		if err != nil {
			return 0, fmt.Errorf("store delivery of %s: %w", d.Event, err)
		}
		added += n
	}
	return added, nil
}

// due gives for each receiver that has something due the oldest delivery that
// follows no other of its thread that is yet to be made.
func due(ctx context.Context, q store.Querier, before int64) ([]Delivery, error) {
	rows, err := q.Query(ctx, "SELECT channel, recipient, MIN(due_ms) FROM notify_delivery WHERE state = 'pending' AND due_ms <= $1 GROUP BY channel, recipient ORDER BY 3", before)
	if err != nil {
		return nil, fmt.Errorf("find due deliveries: %w", err)
	}
	defer rows.Close()
	type receiver struct{ channel, name string }
	var heads []receiver
	for rows.Next() {
		var r receiver
		var at int64
		if err := rows.Scan(&r.channel, &r.name, &at); err != nil {
			return nil, fmt.Errorf("find due deliveries: %w", err)
		}
		heads = append(heads, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("find due deliveries: %w", err)
	}
	var all []Delivery
	for _, r := range heads {
		one, err := query(ctx, q, `state = 'pending' AND channel = $1 AND recipient = $2 AND due_ms <= $3 AND NOT EXISTS (
	SELECT 1 FROM notify_delivery b WHERE b.state = 'pending' AND b.channel = $1 AND b.recipient = $2 AND b.thread = notify_delivery.thread
	AND (b.position < notify_delivery.position OR b.position = notify_delivery.position AND b.id < notify_delivery.id))
ORDER BY position, id LIMIT 1`, r.channel, r.name, before)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// settle writes down the outcome of an attempt.
func settle(ctx context.Context, tx *store.Tx, d Delivery) error {
	_, err := tx.Exec(ctx, "UPDATE notify_delivery SET state = $1, attempts = $2, due_ms = $3, done_ms = $4, error = $5 WHERE id = $6",
		d.State, d.Attempts, d.Due, d.Done, d.Error, d.ID)
	if err != nil {
		return fmt.Errorf("note outcome of delivery %s: %w", d.ID, err)
	}
	return nil
}

// retry makes a failed delivery pending again.
func retry(ctx context.Context, tx *store.Tx, id string, now int64) error {
	n, err := tx.Exec(ctx, "UPDATE notify_delivery SET state = 'pending', attempts = 0, since_ms = $1, due_ms = $1, done_ms = 0 WHERE id = $2 AND state = 'failed'", now, id)
	if err != nil {
		return fmt.Errorf("retry delivery %s: %w", id, err)
	}
	if n == 0 {
		if _, err := get(ctx, tx, id); err != nil {
			return err
		}
		return fmt.Errorf("delivery %s: %w", id, ErrNotFailed)
	}
	return nil
}

func get(ctx context.Context, q store.Querier, id string) (Delivery, error) {
	all, err := query(ctx, q, "id = $1", id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("delivery %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return Delivery{}, err
	}
	return all[0], nil
}

func list(ctx context.Context, q store.Querier, f Filter, after string, limit int) ([]Delivery, error) {
	return query(ctx, q, "id > $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR about = $3 OR id IN (SELECT delivery FROM notify_news WHERE about = $3)) ORDER BY id LIMIT $4", after, f.State, f.About, limit)
}

func query(ctx context.Context, q store.Querier, where string, args ...any) ([]Delivery, error) {
	rows, err := q.Query(ctx, "SELECT "+columns+" FROM notify_delivery WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	defer rows.Close()
	all := []Delivery{}
	for rows.Next() {
		var d Delivery
		if err := rows.Scan(&d.ID, &d.Position, &d.Event, &d.Type, &d.About, &d.Channel, &d.Recipient, &d.Address, &d.Why, &d.Subject, &d.Body,
			&d.State, &d.Attempts, &d.Since, &d.Due, &d.Created, &d.Done, &d.Error, &d.Thread, &d.ReplyTo, &d.Members); err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		all = append(all, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}

// next is when the next pending delivery is due, 0 when there is none.
func next(ctx context.Context, q store.Querier, after int64) (at int64, err error) {
	var ms sql.NullInt64
	err = q.QueryRow(ctx, "SELECT MIN(due_ms) FROM notify_delivery WHERE state = 'pending' AND due_ms > $1", after).Scan(&ms)
	if err != nil {
		return 0, fmt.Errorf("find next delivery: %w", err)
	}
	return ms.Int64, nil
}

// tally counts news that wait, and deliveries by state.
func tally(ctx context.Context, q store.Querier, c *Counts) error {
	err := q.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN state = 'pending' AND attempts > 1 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0)
FROM notify_delivery WHERE state IN ('pending', 'failed')`).Scan(&c.Pending, &c.Overdue, &c.Failed)
	if err == nil {
		err = q.QueryRow(ctx, "SELECT COUNT(*) FROM notify_news WHERE delivery = ''").Scan(&c.Waiting)
	}
	if err != nil {
		return fmt.Errorf("count deliveries: %w", err)
	}
	return nil
}
