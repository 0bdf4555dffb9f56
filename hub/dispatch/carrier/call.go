package carrier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"frostline/hub/record"
	"frostline/hub/store"
)

// States of a call, besides Due and Done.
const (
	Failed    = "failed"    // it was refused or given up; a person has it made again or drops it
	Withdrawn = "withdrawn" // it need not be made any more
)

// Call is one thing that a partner is told.
type Call struct {
	Number    int64  `json:"number"`
	ID        string `json:"id"` // by which the partner can tell a repetition
	Carrier   string `json:"carrier"`
	Kind      string `json:"kind" doc:"book, cancel, or a trigger: started, eta, arrival, completed, failed."`
	Route     string `json:"route"`
	Stop      string `json:"stop"`
	Job       string `json:"job"`
	Shipment  string `json:"shipment"`
	At        int64  `json:"at" doc:"Of what it tells, Unix ms."`
	State     string `json:"state" doc:"due, done, failed or withdrawn."`
	Attempts  int    `json:"attempts"`
	Since     int64  `json:"since,omitempty" doc:"When it was first tried, Unix ms."`
	Due       int64  `json:"due,omitempty" doc:"When it is tried next, Unix ms."`
	Reference string `json:"reference,omitempty" doc:"What the partner calls the booking."`
	Problem   string `json:"problem,omitempty" doc:"Of the last attempt."`

	booking string
}

const callColumns = "number, id, carrier, kind, route, stop, job, shipment, at_ms, booking, state, attempts, since_ms, due_ms, reference, problem"

func (c *Call) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&c.Number, &c.ID, &c.Carrier, &c.Kind, &c.Route, &c.Stop, &c.Job, &c.Shipment, &c.At, &c.booking, &c.State, &c.Attempts, &c.Since, &c.Due, &c.Reference, &c.Problem)
}

func calls(rows *sql.Rows, err error) ([]Call, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Call
	for rows.Next() {
		var c Call
		if err := c.scan(rows); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Calls lists up to limit calls of a partner after a number: of one state, or,
// where state is "", of all.
func (d *Desk) Calls(ctx context.Context, carrier, state string, after int64, limit int) ([]Call, error) {
	if err := d.has(carrier); err != nil {
		return nil, err
	}
	return calls(d.o.Store.Query(ctx, "SELECT "+callColumns+` FROM carrier_call
		WHERE carrier = $1 AND number > $2 AND ($3 = '' OR state = $3) ORDER BY number LIMIT $4`, carrier, after, state, limit))
}

// Call gives a call.
func (d *Desk) Call(ctx context.Context, carrier, id string) (c Call, err error) {
	err = c.scan(d.o.Store.QueryRow(ctx, "SELECT "+callColumns+" FROM carrier_call WHERE carrier = $1 AND id = $2", carrier, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("call %q of carrier %q: %w", id, carrier, record.ErrNotFound)
	}
	return c, err
}

// booked gives the shipment of a booking by what the partner calls it.
func (d *Desk) booked(ctx context.Context, carrier, reference string) (shipment string, err error) {
	err = d.o.Store.QueryRow(ctx, "SELECT shipment FROM carrier_call WHERE carrier = $1 AND reference = $2 AND kind = 'book' ORDER BY number DESC LIMIT 1", carrier, reference).Scan(&shipment)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("booking %q: %w; it was not booked from here", short(reference), record.ErrNotFound)
	}
	return shipment, err
}

// takenBack reports whether a booking was cancelled here.
func (d *Desk) takenBack(ctx context.Context, id string) (bool, error) {
	var n int64
	err := d.o.Store.QueryRow(ctx, "SELECT COUNT(*) FROM carrier_call WHERE booking = $1", id).Scan(&n)
	return n > 0, err
}

// insert writes a call down, once for its id.
func insert(ctx context.Context, tx *store.Tx, c Call) error {
	_, err := tx.Exec(ctx, `INSERT INTO carrier_call (number, id, carrier, kind, route, stop, job, shipment, at_ms, booking, state, attempts, since_ms, due_ms, reference, problem)
		SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, 'due', 0, 0, $10, '', '' FROM carrier_call WHERE true
		ON CONFLICT (id) DO NOTHING`, c.ID, c.Carrier, c.Kind, c.Route, c.Stop, c.Job, c.Shipment, c.At, c.booking, c.Due)
	return err
}

// save notes how an attempt went.
func (d *Desk) save(ctx context.Context, c Call) error {
	return d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE carrier_call SET state = $1, attempts = $2, since_ms = $3, due_ms = $4, reference = $5, problem = $6 WHERE id = $7 AND state = 'due'",
			c.State, c.Attempts, c.Since, c.Due, c.Reference, c.Problem, c.ID)
		return err
	})
}
