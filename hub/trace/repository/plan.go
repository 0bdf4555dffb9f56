package repository

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
)

// condition is a filter whose values were looked up.
type condition struct {
	values []int64 // any of them
	roles  []Role
	field  int64 // of intervals
	ranges []Interval
	seqs   []int64 // of the events that have one of some ids
	size   int     // of events, at most few+1; -1 until it is estimated
}

// plan is how a query is answered.
type plan struct {
	conditions []condition
	driver     int   // the condition that is read from its index; -1 for none
	best       int   // the one that fewest events meet; -1 where that was not found out
	small      bool  // it matches few events: read them all, then put them in order
	low, high  int64 // bounds of seq, inclusive
	from, to   int64 // bounds of event time, inclusive and exclusive
	byRecord   bool
	descending bool
	after      *Position
}

const (
	few         = 1000   // events are read whole and put in order
	many        = 30_000 // are counted to find which of several conditions leads
	maxBranches = 64     // values of a condition that are read from its index one after the other
	maxPrefixed = 1000   // values with a prefix
)

// plan looks up what the query names. It gives nil where nothing can match.
func (r *Repository) plan(ctx context.Context, q Query, at Position) (*plan, error) {
	p := &plan{driver: -1, best: -1, low: q.AfterSeq + 1, high: at.Snapshot, from: math.MinInt64, to: math.MaxInt64, byRecord: q.ByRecord, descending: q.Descending}
	if q.UptoSeq > 0 {
		p.high = min(p.high, q.UptoSeq)
	}
	if q.FromTime != nil {
		p.from = *q.FromTime
	}
	if q.BeforeTime != nil {
		p.to = *q.BeforeTime
	}
	if err := r.recorded(ctx, q, p); err != nil {
		return nil, err
	}
	if p.low > p.high || p.from >= p.to {
		return nil, nil
	}
	for _, f := range q.Filters {
		if f.Field != "" {
			ids, err := r.numbers(ctx, Measured, []string{f.Field})
			if err != nil || len(ids) == 0 {
				return nil, err
			}
			// Events that have the field at all are in order; they lead where the
			// range excludes few.
			p.conditions = append(p.conditions, condition{values: ids, size: -1}, condition{field: ids[0], ranges: f.Intervals, size: -1})
			continue
		}
		values := f.Values
		if f.Within {
			var err error
			if values, err = r.descendants(ctx, values); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		ids, err := r.numbers(ctx, f.Kind, values)
		if err != nil {
			return nil, err
		}
		more, err := r.prefixed(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if ids = append(ids, more...); len(ids) == 0 {
			return nil, nil
		}
		p.conditions = append(p.conditions, condition{values: ids, roles: f.Roles, size: -1})
	}
	for _, ids := range q.IDs {
		seqs, err := r.seqs(ctx, ids)
		if err != nil || len(seqs) == 0 {
			return nil, err
		}
		p.conditions = append(p.conditions, condition{seqs: seqs})
	}
	return p, r.choose(ctx, p)
}

// recorded turns bounds of record time into bounds of seq: both rise together.
func (r *Repository) recorded(ctx context.Context, q Query, p *plan) error {
	first := func(from int64) (seq int64, err error) {
		err = r.store.QueryRow(ctx, "SELECT seq FROM epcis_event WHERE recorded_ms >= $1 ORDER BY recorded_ms, seq LIMIT 1", from).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			return math.MaxInt64, nil
		}
		return seq, err
	}
	if q.FromRecord != nil {
		seq, err := first(*q.FromRecord)
		if err != nil {
			return fmt.Errorf("look up record time: %w", err)
		}
		p.low = max(p.low, seq)
	}
	if q.BeforeRecord != nil {
		seq, err := first(*q.BeforeRecord)
		if err != nil {
			return fmt.Errorf("look up record time: %w", err)
		}
		p.high = min(p.high, seq-1)
	}
	return nil
}

// numbers gives the numbers of those values that are known.
func (r *Repository) numbers(ctx context.Context, kind Kind, values []string) (ids []int64, err error) {
	var args []any
	for _, v := range values {
		args = append(args, int64(kind), indexed(v))
	}
	seen := map[int64]bool{}
	err = valueByText.each(ctx, r.store, args, func(rows *sql.Rows) error {
		var id int64
		var t text
		if err := rows.Scan(&id, &t.kind, &t.value); err != nil {
			return err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up values: %w", err)
	}
	return ids, nil
}

var seqByKey = &lookup{one: "SELECT seq, id FROM epcis_event WHERE id_key = $1 ", width: 1}

// seqs gives the events that have one of some ids.
func (r *Repository) seqs(ctx context.Context, ids []string) (all []int64, err error) {
	var keys []any
	for _, id := range ids {
		keys = append(keys, idKey(id))
	}
	err = seqByKey.each(ctx, r.store, keys, func(rows *sql.Rows) error {
		var seq int64
		var id string
		err := rows.Scan(&seq, &id)
		if slices.Contains(ids, id) && !slices.Contains(all, seq) {
			all = append(all, seq)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up ids of events: %w", err)
	}
	if len(all) > few {
		return nil, fmt.Errorf("%w: more than %d events have these ids", ErrTooComplex, few)
	}
	return all, nil
}

// prefixed gives the numbers of the values that begin as a filter says.
func (r *Repository) prefixed(ctx context.Context, f Filter) (ids []int64, err error) {
	for _, prefix := range f.Prefixes {
		err := rowsOf(ctx, r.store, "SELECT id FROM epcis_value WHERE kind = $1 AND value >= $2 AND value < $3 ORDER BY value LIMIT $4", func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, int64(f.Kind), prefix, prefix+"\U0010ffff", maxPrefixed+1)
		if err != nil {
			return nil, fmt.Errorf("look up pattern: %w", err)
		}
		if len(ids) > maxPrefixed {
			return nil, fmt.Errorf("%w: more than %d identifiers match the pattern", ErrTooComplex, maxPrefixed)
		}
	}
	return ids, nil
}

// choose picks the condition to read from its index.
func (r *Repository) choose(ctx context.Context, p *plan) error {
	if len(p.conditions) == 0 {
		return nil
	}
	if c := p.conditions[0]; len(p.conditions) == 1 && len(c.values) == 1 && !p.byRecord {
		p.driver = 0 // in order as it is
		return nil
	}
	best, err := r.smallest(ctx, p, few)
	if err == nil && p.conditions[best].size > few && len(p.conditions) > 1 {
		best, err = r.smallest(ctx, p, many) // all are frequent: which is less so?
	}
	if err != nil {
		return err
	}
	p.best = best
	c := p.conditions[best]
	p.small = c.size <= few
	if p.small || !p.byRecord && len(c.ranges) == 0 && len(c.values) <= maxBranches {
		p.driver = best
	}
	return nil
}

// smallest gives the condition that fewest events meet, each counted up to a
// limit; of equal ones that with the fewest values.
func (r *Repository) smallest(ctx context.Context, p *plan, limit int) (best int, err error) {
	for i := range p.conditions {
		c := &p.conditions[i]
		if err := r.estimate(ctx, c, p, limit); err != nil {
			return 0, err
		}
		if b := p.conditions[best]; c.size < b.size || c.size == b.size && len(c.values)+len(c.ranges) < len(b.values)+len(b.ranges) {
			best = i
		}
	}
	return best, nil
}

// estimate counts what a condition matches, up to one more than a limit.
func (r *Repository) estimate(ctx context.Context, c *condition, p *plan, limit int) error {
	c.size = len(c.seqs)
	add := func(query string, args ...any) error {
		var n int
		if err := r.store.QueryRow(ctx, "SELECT COUNT(*) FROM ("+query+") AS part", args...).Scan(&n); err != nil {
			return fmt.Errorf("estimate query: %w", err)
		}
		c.size += n
		return nil
	}
	for _, v := range c.values {
		if c.size > limit {
			return nil
		}
		if err := add("SELECT 1 AS hit FROM epcis_term WHERE value = $1 AND time_ms >= $2 AND time_ms < $3 LIMIT $4", v, p.from, p.to, limit+1); err != nil {
			return err
		}
	}
	for _, i := range c.ranges {
		if c.size > limit {
			return nil
		}
		if err := add("SELECT 1 AS hit FROM epcis_number WHERE field = $1 AND number >= $2 AND number <= $3 LIMIT $4", c.field, i.Low, i.High, limit+1); err != nil {
			return err
		}
	}
	return nil
}

// Before gives the seq of the last event recorded before a time, 0 for none.
func (r *Repository) Before(ctx context.Context, recorded int64) (seq int64, err error) {
	err = r.store.QueryRow(ctx, "SELECT seq FROM epcis_event WHERE recorded_ms < $1 ORDER BY recorded_ms DESC, seq DESC LIMIT 1", recorded).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up record time: %w", err)
	}
	return seq, nil
}
