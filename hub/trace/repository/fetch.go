package repository

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// window is how many events are looked at one by one; a test makes it small.
var window int64 = 50_000

const (
	queryWithin = 10 * time.Second
	pageBytes   = 8 << 20 // after which a page ends early

)

// Fetch gives up to limit events from a position on, nil for the first, and
// the position of the next page, nil where there is none. A page may have
// fewer events than there are, where they are large.
func (r *Repository) Fetch(ctx context.Context, q Query, from *Position, limit int) (page []Row, next *Position, err error) {
	within, cancel := context.WithTimeout(ctx, queryWithin)
	defer cancel()
	page, next, err = r.fetch(within, q, from, limit)
	if err != nil && ctx.Err() == nil && (errors.Is(within.Err(), context.DeadlineExceeded)) {
		err = fmt.Errorf("%w: it takes more than %v; narrow it down by time, EPC or place", ErrTooComplex, queryWithin)
	}
	return page, next, err
}

func (r *Repository) fetch(ctx context.Context, q Query, from *Position, limit int) ([]Row, *Position, error) {
	at := Position{Snapshot: r.Last()}
	if from != nil {
		at = *from
	}
	if q.Limit > 0 {
		limit = int(min(int64(limit), q.Limit-at.Given))
	}
	if limit <= 0 {
		return nil, nil, nil
	}
	p, err := r.plan(ctx, q, at)
	if err != nil || p == nil {
		return nil, nil, err
	}
	if q.Most > 0 && from == nil {
		if err := r.count(ctx, p, q.Most); err != nil {
			return nil, nil, err
		}
	}
	if from != nil {
		p.after = from
	}
	page, more, err := r.scan(ctx, p, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("query events: %w", err)
	}
	if !more {
		return page, nil, nil
	}
	last := page[len(page)-1]
	next := &Position{Key: last.Time, Seq: last.Seq, Snapshot: at.Snapshot, Given: at.Given + int64(len(page))}
	if q.ByRecord {
		next.Key = last.Seq
	}
	if q.Limit > 0 && next.Given >= q.Limit {
		next = nil
	}
	return page, next, nil
}

// scan reads a page. Frequent events in the order of record time are mostly
// found among the first that are looked at; where they are not, all that match
// are read and put in order.
func (r *Repository) scan(ctx context.Context, p *plan, limit int) ([]Row, bool, error) {
	if p.driver >= 0 || p.best < 0 || !p.byRecord || p.high-p.low < window {
		return r.read(ctx, p, limit)
	}
	first := *p
	switch {
	case p.descending && p.after != nil:
		first.high = min(p.high, p.after.Seq-1)
		first.low = max(p.low, first.high-window)
	case p.descending:
		first.low = max(p.low, p.high-window)
	case p.after != nil:
		first.low = max(p.low, p.after.Seq+1)
		first.high = min(p.high, first.low+window)
	default:
		first.high = min(p.high, p.low+window)
	}
	if page, more, err := r.read(ctx, &first, limit); err != nil || more {
		return page, more, err
	}
	all := *p
	all.driver = p.best
	return r.read(ctx, &all, limit)
}

// read runs a plan.
func (r *Repository) read(ctx context.Context, p *plan, limit int) (page []Row, more bool, err error) {
	text, args := p.rows(limit + 1)
	bytes := 0
	err = rowsOf(ctx, r.store, text, func(rows *sql.Rows) error {
		var one Row
		var document string
		if more || len(page) == limit || bytes > pageBytes {
			more = true
			return nil
		}
		if err := rows.Scan(&one.Seq, &one.ID, &one.Time, &one.Recorded, &document); err != nil {
			return err
		}
		one.Document = []byte(document)
		bytes += len(document)
		page = append(page, one)
		return nil
	}, args...)
	return page, more, err
}

// count fails where more events match than there may.
func (r *Repository) count(ctx context.Context, p *plan, most int64) error {
	text, args := p.keys(int(most + 1))
	var n int64
	if err := r.store.QueryRow(ctx, "SELECT COUNT(*) FROM ("+text+") AS found", args...).Scan(&n); err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	if n > most {
		return fmt.Errorf("%w: more than %d", ErrTooMany, most)
	}
	return nil
}

// Event gives all events with an id, the oldest first: the event itself and
// its error declarations. It gives none where the id is not known.
func (r *Repository) Event(ctx context.Context, id string) (all []Row, err error) {
	err = rowsOf(ctx, r.store, "SELECT seq, id, time_ms, recorded_ms, document FROM epcis_event WHERE id_key = $1 AND id = $2 ORDER BY seq LIMIT 1000", func(rows *sql.Rows) error {
		var one Row
		var document string
		err := rows.Scan(&one.Seq, &one.ID, &one.Time, &one.Recorded, &document)
		one.Document = []byte(document)
		all = append(all, one)
		return err
	}, idKey(id), id)
	if err != nil {
		return nil, fmt.Errorf("read event %q: %w", id, err)
	}
	return all, nil
}
