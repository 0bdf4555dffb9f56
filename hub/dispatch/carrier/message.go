package carrier

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"frostline/hub/record"
	"frostline/hub/store"
)

// States of a message.
const (
	Due     = "due"     // it is kept, and not worked in yet
	Done    = "done"    // all of it was worked in
	Aside   = "aside"   // see Problem; a person has it tried again or drops it
	Dropped = "dropped" // a person has said that it does not count
)

// Message is what a partner has sent.
type Message struct {
	Number   int64  `json:"number"`
	Carrier  string `json:"carrier"`
	Digest   string `json:"digest" doc:"SHA-256 of its text."`
	Received int64  `json:"received" doc:"Hub's clock, Unix ms."`
	State    string `json:"state" doc:"due, done, aside or dropped."`
	Problem  string `json:"problem,omitempty" doc:"Why it is aside."`
	Settled  int64  `json:"settled,omitempty" doc:"When it was done or dropped, Unix ms."`
}

const (
	maxAside = 10_000              // of one partner, that wait for a person
	keepText = 30 * 24 * time.Hour // after a message was settled
	keepEach = time.Hour
	keepMost = 1000 // texts removed at once
)

// errFull means that a person has to look first.
var errFull = errors.New("too many messages wait for a person")

// take keeps a message; again tells that it was known already.
func (d *Desk) take(ctx context.Context, carrier string, body []byte) (again bool, err error) {
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	err = d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var n int64
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM carrier_message WHERE carrier = $1 AND digest = $2", carrier, digest).Scan(&n); err != nil || n > 0 {
			again = n > 0
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM carrier_message WHERE carrier = $1 AND state IN ('due', 'aside')", carrier).Scan(&n); err != nil {
			return err
		}
		if n >= maxAside {
			return errFull
		}
		_, err := tx.Exec(ctx, `INSERT INTO carrier_message (number, carrier, digest, received_ms, body, state, problem, settled_ms)
			SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, 'due', '', 0 FROM carrier_message`, carrier, digest, d.now(), body)
		return err
	})
	return again, err
}

const messageColumns = "number, carrier, digest, received_ms, state, problem, settled_ms"

func (m *Message) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&m.Number, &m.Carrier, &m.Digest, &m.Received, &m.State, &m.Problem, &m.Settled)
}

// Messages lists up to limit messages of a partner after a number: of one
// state, or, where state is "", of all.
func (d *Desk) Messages(ctx context.Context, carrier, state string, after int64, limit int) ([]Message, error) {
	if err := d.has(carrier); err != nil {
		return nil, err
	}
	rows, err := d.o.Store.Query(ctx, "SELECT "+messageColumns+` FROM carrier_message
		WHERE carrier = $1 AND number > $2 AND ($3 = '' OR state = $3) ORDER BY number LIMIT $4`, carrier, after, state, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Message
	for rows.Next() {
		var m Message
		if err := m.scan(rows); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// Message gives a message with its text, nil where that was removed.
func (d *Desk) Message(ctx context.Context, carrier string, number int64) (m Message, body []byte, err error) {
	err = m.scan(d.o.Store.QueryRow(ctx, "SELECT "+messageColumns+" FROM carrier_message WHERE carrier = $1 AND number = $2", carrier, number))
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil, fmt.Errorf("message %d of carrier %q: %w", number, carrier, record.ErrNotFound)
	}
	if err == nil {
		err = d.o.Store.QueryRow(ctx, "SELECT body FROM carrier_message WHERE number = $1", number).Scan(&body)
	}
	return m, body, err
}

func (d *Desk) has(carrier string) error {
	if d.carriers[carrier] == nil {
		return fmt.Errorf("carrier %q: %w; name its mapping file in carriers of the hub's configuration", carrier, record.ErrNotFound)
	}
	return nil
}

// keep removes the texts of messages that were settled long ago.
func (d *Desk) keep(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := d.Forget(ctx)
		if err != nil && ctx.Err() == nil {
			d.o.Log.Warn("texts of messages of carriers were not removed; trying again later", "error", err)
		}
		if n < keepMost {
			wait(ctx, keepEach, nil)
		}
	}
}

// Forget removes the texts of messages that were settled long ago, and says of
// how many. Their digests stay.
func (d *Desk) Forget(ctx context.Context) (n int64, err error) {
	err = d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, `UPDATE carrier_message SET body = NULL WHERE number IN (SELECT number FROM carrier_message
			WHERE state IN ('done', 'dropped') AND settled_ms < $1 AND body IS NOT NULL ORDER BY number LIMIT $2)`, d.now()-keepText.Milliseconds(), keepMost)
		return err
	})
	return n, err
}
