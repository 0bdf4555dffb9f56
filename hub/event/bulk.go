package event

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"frostline/hub/store"
)

// bulk is how many events AppendAll handles together: what they say and what
// read models make of them is in memory, beyond what the caller has.
const bulk = 1000

// AppendAll is as Change says.
func (c *change) AppendAll(ctx context.Context, all []New) ([]Event, error) {
	if c.failed != nil {
		return nil, c.failed
	}
	first := len(c.events)
	for len(all) > 0 {
		some := all[:min(len(all), bulk)]
		if err := c.appendSome(ctx, some); err != nil {
			return nil, c.fail(err)
		}
		all = all[len(some):]
	}
	return c.events[first:len(c.events):len(c.events)], nil
}

func (c *change) appendSome(ctx context.Context, all []New) error {
	events := make([]Event, len(all))
	var ids, streams []string
	for i, n := range all {
		var err error
		if events[i], err = c.event(n); err != nil {
			return fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err)
		}
		if n.ID != "" {
			ids = append(ids, n.ID)
		}
		streams = append(streams, n.Stream)
	}
	known, err := byIDs(ctx, c.tx, ids)
	if err != nil {
		return err
	}
	versions, err := streamVersions(ctx, c.tx, streams)
	if err != nil {
		return err
	}
	if c.last < 0 {
		if c.last, err = lastPosition(ctx, c.tx); err != nil {
			return err
		}
	}
	before := c.last
	var fresh []Event
	rows := insertEvents.Into(c.tx)
	for i, n := range all {
		e := &events[i]
		if stored, found := known[n.ID]; found {
			if err := e.repeats(&stored); err != nil {
				return fmt.Errorf("append %s to %s: %w", n.Type, n.Stream, err)
			}
			c.events = append(c.events, stored)
			continue
		}
		version := versions[e.Stream]
		if n.Expect >= 0 && n.Expect != version {
			return stale(e, version, n.Expect)
		}
		c.last++
		e.Position, e.Version = c.last, version+1
		versions[e.Stream] = e.Version
		if n.ID != "" {
			known[n.ID] = *e
		}
		if err := rows.Add(ctx, e.Position, e.ID, e.Stream, e.Version, e.Type, e.Schema, e.At, e.Actor, e.Reason, string(e.Data)); err != nil {
			return fmt.Errorf("store events: %w", err)
		}
		fresh = append(fresh, *e)
		c.events = append(c.events, *e)
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := rows.Flush(ctx); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	if c.l.outbox {
		if _, err := c.tx.Exec(ctx, "INSERT INTO event_outbox (position) SELECT position FROM event WHERE position > $1 AND position <= $2", before, c.last); err != nil {
			return fmt.Errorf("store in outbox: %w", err)
		}
	}
	c.newest = fresh[len(fresh)-1]
	c.appended += len(fresh)
	return c.l.apply(ctx, c.tx, fresh)
}

// repeats checks that an event whose ID is known says what is stored.
func (e *Event) repeats(stored *Event) error {
	if stored.Stream != e.Stream || stored.Type != e.Type || stored.Schema != e.Schema || string(stored.Data) != string(e.Data) {
		return fmt.Errorf("id %s: %w, %s on %s at position %d", e.ID, ErrReused, stored.Type, stored.Stream, stored.Position)
	}
	return nil
}

func stale(e *Event, version, expect int64) error {
	return fmt.Errorf("append %s to %s: %w: it has version %d, not %d", e.Type, e.Stream, ErrStale, version, expect)
}

var insertEvents = store.NewInsert("event", "", "position BIGINT", "id TEXT", "stream TEXT", "version BIGINT", "type TEXT", "schema BIGINT", "at_ms BIGINT", "actor TEXT", "reason TEXT", "data TEXT")

// byIDs gives the events of those IDs that are known.
func byIDs(ctx context.Context, q store.Querier, ids []string) (map[string]Event, error) {
	known := map[string]Event{}
	err := among(ctx, q, "SELECT "+columns+" FROM event WHERE id = $?", ids, func(rows *sql.Rows) error {
		e, err := scan(rows)
		known[e.ID] = e
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return known, nil
}

// streamVersions gives the versions of those streams that exist.
func streamVersions(ctx context.Context, q store.Querier, streams []string) (map[string]int64, error) {
	versions := map[string]int64{}
	const newest = "SELECT stream, version FROM (SELECT stream, version FROM event WHERE stream = $? ORDER BY version DESC LIMIT 1) AS newest"
	err := among(ctx, q, newest, streams, func(rows *sql.Rows) error {
		var stream string
		var version int64
		err := rows.Scan(&stream, &version)
		versions[stream] = version
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read versions of streams: %w", err)
	}
	return versions, nil
}

// among asks about many values, up to 64 in one query, which is that for one
// value, $?, after the fixed arguments, for each of them. It gives a row several
// times where a value is given so often, and may at the end.
//
// That is not said by IN: PostgreSQL would plan it while the table is small, by
// reading what other columns leave, and keep to that while the transaction
// makes the table large.
func among(ctx context.Context, q store.Querier, one string, values []string, visit func(*sql.Rows) error, fixed ...any) error {
	for len(values) > 0 {
		n := amongMost // few numbers are used: the store keeps a prepared statement for each
		for n > 1 && n/4 >= len(values) {
			n /= 4
		}
		some := values[:min(n, len(values))]
		values = values[len(some):]
		args := append(make([]any, 0, len(fixed)+n), fixed...)
		for i := range n {
			args = append(args, some[min(i, len(some)-1)])
		}
		if err := each(ctx, q, repeatedText(one, len(fixed)+1, n), visit, args...); err != nil {
			return err
		}
	}
	return nil
}

const amongMost = 64

// repeatedText is the query for so many values, whose parameters have numbers
// from first on.
func repeatedText(one string, first, n int) string {
	type key struct {
		one string
		n   int
	}
	if text, ok := texts.Load(key{one, n}); ok {
		return text.(string)
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		b.WriteString(strings.ReplaceAll(one, "$?", "$"+strconv.Itoa(first+i)))
	}
	texts.Store(key{one, n}, b.String())
	return b.String()
}

var texts sync.Map
