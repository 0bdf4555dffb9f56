package subscription

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"frostline/hub/store"
	"frostline/hub/trace/form"
)

// Order is what somebody who subscribes wants.
type Order struct {
	Dest           string    `json:"dest"`
	SignatureToken string    `json:"signatureToken,omitempty"`
	Stream         bool      `json:"stream,omitempty"`
	Schedule       *Schedule `json:"schedule,omitempty"`
	ReportIfEmpty  bool      `json:"reportIfEmpty,omitempty"`
	// InitialRecordTime is from when on events are told, RFC 3339; "" means now.
	InitialRecordTime string    `json:"initialRecordTime,omitempty"`
	Form              form.Form `json:"epcFormat,omitempty"`
}

// check fails for an order that makes no sense.
func (o *Order) check() (*times, error) {
	u, err := url.Parse(o.Dest)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || len(o.Dest) > 2000:
		return nil, fmt.Errorf("%w: dest %.100q: want an address such as https://example.com/epcis, without a password in it", ErrControls, o.Dest)
	case len(o.SignatureToken) > 512:
		return nil, fmt.Errorf("%w: signatureToken of %d bytes: want at most 512", ErrControls, len(o.SignatureToken))
	case o.Stream == (o.Schedule != nil):
		return nil, fmt.Errorf("%w: want either stream to be true or a schedule", ErrControls)
	case o.Schedule == nil:
		return nil, nil
	}
	t, err := o.Schedule.times()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrControls, err)
	}
	return &t, nil
}

// Subscription is who is sent the events of a query, and how that goes.
type Subscription struct {
	ID      string
	Query   string
	Actor   string
	Created int64 // Unix ms, as all times here
	Order
	Cursor   int64 // seq up to which events were delivered or do not match
	Asked    int64 // record time up to which the query was run
	Due      int64 // next run or attempt
	Failing  int64 // since when, 0 while it does not
	Attempts int64 // since then
	Error    string
	Told     int64 // last accepted delivery, 0 for never
	Failed   bool  // given up

	times *times
}

// Subscribe adds a subscription to a named query.
func (d *Desk) Subscribe(ctx context.Context, actor, query string, o Order) (Subscription, error) {
	s := Subscription{Query: query, Actor: actor, Order: o}
	var err error
	if s.times, err = s.check(); err != nil {
		return s, err
	}
	def, err := d.Query(ctx, query)
	if err != nil {
		return s, err
	}
	params, _, err := def.Parameters()
	if err != nil {
		return s, err
	}
	for _, name := range []string{"eventCountLimit", "maxEventCount", "orderBy", "orderDirection"} {
		if _, ok := params[name]; ok {
			return s, fmt.Errorf("%w: query %q has %s, which makes no sense for a subscription", ErrControls, query, name)
		}
	}
	now := d.now()
	s.Cursor, s.Created, s.Asked = d.repository.Last(), now.UnixMilli(), now.UnixMilli()
	if o.InitialRecordTime != "" {
		t, err := time.Parse(time.RFC3339Nano, o.InitialRecordTime)
		if err != nil {
			return s, fmt.Errorf("%w: initialRecordTime %.100q: want a time with its offset", ErrControls, o.InitialRecordTime)
		}
		if s.Cursor, err = d.repository.Before(ctx, t.UnixMilli()); err != nil {
			return s, err
		}
	}
	if s.Due = s.Created; s.times != nil {
		s.Due = s.times.next(now).UnixMilli()
	}
	var id [16]byte
	rand.Read(id[:])
	s.ID = hex.EncodeToString(id[:])
	shown := s.Order
	shown.SignatureToken = ""
	document, err := json.Marshal(shown)
	if err != nil {
		return s, err
	}
	err = d.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM epcis_subscription").Scan(&n); err != nil {
			return err
		}
		if n >= MaxSubscriptions {
			return fmt.Errorf("%w: there are %d, the most that are kept; end one", ErrControls, n)
		}
		if err := tx.QueryRow(ctx, "SELECT 1 FROM epcis_query WHERE name = $1", query).Scan(&n); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				err = fmt.Errorf("query %q: %w", query, ErrNotFound)
			}
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO epcis_subscription (id, query, actor, created_ms, dest, secret, document, cursor_seq, asked_ms, due_ms, failing_ms, attempts, error, told_ms, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '', 0, 'active')`,
			s.ID, query, actor, s.Created, o.Dest, o.SignatureToken, string(document), s.Cursor, s.Asked, s.Due)
		return err
	})
	if err != nil {
		return s, err
	}
	d.begin(s)
	return s, nil
}

const columns = "id, query, actor, created_ms, secret, document, cursor_seq, asked_ms, due_ms, failing_ms, attempts, error, told_ms, state"

func scan(scan func(...any) error) (s Subscription, err error) {
	var document, secret, state string
	if err := scan(&s.ID, &s.Query, &s.Actor, &s.Created, &secret, &document, &s.Cursor, &s.Asked, &s.Due, &s.Failing, &s.Attempts, &s.Error, &s.Told, &state); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(document), &s.Order); err != nil {
		return s, fmt.Errorf("subscription %s as it is stored: %w", s.ID, err)
	}
	s.SignatureToken, s.Failed = secret, state == "failed"
	if s.times, err = s.check(); err != nil {
		return s, fmt.Errorf("subscription %s as it is stored: %w", s.ID, err)
	}
	return s, nil
}

// Subscription gives a subscription of a query.
func (d *Desk) Subscription(ctx context.Context, query, id string) (Subscription, error) {
	s, err := scan(d.store.QueryRow(ctx, "SELECT "+columns+" FROM epcis_subscription WHERE id = $1 AND query = $2", id, query).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, fmt.Errorf("subscription %q of query %q: %w", id, query, ErrNotFound)
	}
	return s, err
}

// Subscriptions lists those of a query in the order of their ids, after one.
func (d *Desk) Subscriptions(ctx context.Context, query, after string, limit int) ([]Subscription, error) {
	if _, err := d.Query(ctx, query); err != nil {
		return nil, err
	}
	return d.list(ctx, "query = $1 AND id > $2 ORDER BY id LIMIT $3", query, after, limit)
}

func (d *Desk) list(ctx context.Context, where string, args ...any) (all []Subscription, err error) {
	rows, err := d.store.Query(ctx, "SELECT "+columns+" FROM epcis_subscription WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list subscriptions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// Unsubscribe ends a subscription.
func (d *Desk) Unsubscribe(ctx context.Context, query, id string) error {
	err := d.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM epcis_subscription WHERE id = $1 AND query = $2", id, query)
		if err == nil && n == 0 {
			err = fmt.Errorf("subscription %q of query %q: %w", id, query, ErrNotFound)
		}
		return err
	})
	if err == nil {
		d.endOf(func(s *Subscription) bool { return s.ID == id })
	}
	return err
}

// save notes how a subscription goes, also when the hub is ending: else what was
// accepted would be sent again. It does nothing where it was ended.
func (d *Desk) save(ctx context.Context, s *Subscription) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	state := "active"
	if s.Failed {
		state = "failed"
	}
	return d.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE epcis_subscription SET cursor_seq = $1, asked_ms = $2, due_ms = $3, failing_ms = $4, attempts = $5, error = $6, told_ms = $7, state = $8 WHERE id = $9`,
			s.Cursor, s.Asked, s.Due, s.Failing, s.Attempts, s.Error, s.Told, state, s.ID)
		return err
	})
}
