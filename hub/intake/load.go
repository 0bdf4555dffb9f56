package intake

import (
	"context"
	"database/sql"
	"fmt"

	"frostline/hub/store"
	"frostline/proto/block"
)

// load reads chains from the store: of one key, or all where gateway is "".
func load(ctx context.Context, q store.Querier, only chainKey) (map[chainKey]*chainState, error) {
	out := map[chainKey]*chainState{}
	where, args := "", []any(nil)
	if only.gateway != "" {
		where, args = " AND gateway = $1 AND epoch = $2", []any{only.gateway, int64(only.epoch)}
	}
	err := each(ctx, q, `SELECT gateway, epoch, version, first_ms, committed_ms, readings, restart_reason, sealed_number,
		sealed_readings, stated_ms, stated_last, stated_readings, stated_pending_blocks, stated_pending_readings
		FROM intake_chain WHERE 1 = 1`+where, args, func(rows *sql.Rows) error {
		c := &chainState{}
		if err := rows.Scan(&c.gateway, &c.epoch, &c.version, &c.since, &c.committed, &c.readings, &c.restart,
			&c.sealed.number, &c.sealed.readings, &c.stated.at, &c.stated.last, &c.stated.readings,
			&c.stated.pendingBlocks, &c.stated.pendingReadings); err != nil {
			return err
		}
		out[c.chainKey] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load chains: %w", err)
	}
	find := func(k chainKey) (*chainState, error) {
		if c := out[k]; c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("gateway %s, epoch %d has rows and no chain: the store is damaged, restore it from a backup", k.gateway, k.epoch)
	}
	err = each(ctx, q, `SELECT gateway, epoch, first, last, count_before, count_after, head_before, head_after
		FROM intake_range WHERE 1 = 1`+where+` ORDER BY gateway, epoch, first`, args, func(rows *sql.Rows) error {
		var k chainKey
		var s span
		var before, after []byte
		if err := rows.Scan(&k.gateway, &k.epoch, &s.first, &s.last, &s.before.count, &s.after.count, &before, &after); err != nil {
			return err
		}
		c, err := find(k)
		if err != nil {
			return err
		}
		if s.before, err = scanMark(before, int64(s.before.count)); err != nil {
			return err
		}
		if s.after, err = scanMark(after, int64(s.after.count)); err != nil {
			return err
		}
		c.ranges = append(c.ranges, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load ranges: %w", err)
	}
	err = each(ctx, q, `SELECT gateway, epoch, number, readings, head FROM intake_seal WHERE verified = 0`+where+
		` ORDER BY gateway, epoch, number`, args, func(rows *sql.Rows) error {
		var k chainKey
		var w waiting
		var head []byte
		if err := rows.Scan(&k.gateway, &k.epoch, &w.number, &w.count, &head); err != nil {
			return err
		}
		c, err := find(k)
		if err != nil {
			return err
		}
		if w.mark, err = scanMark(head, int64(w.count)); err != nil {
			return err
		}
		c.waiting = append(c.waiting, w)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load seals: %w", err)
	}
	err = each(ctx, q, `SELECT gateway, epoch, body FROM intake_event WHERE kind IN ('gap', 'epoch-start', 'thinned')`+where+
		` ORDER BY gateway, epoch, block, position`, args, func(rows *sql.Rows) error {
		var k chainKey
		var body []byte
		if err := rows.Scan(&k.gateway, &k.epoch, &body); err != nil {
			return err
		}
		c, err := find(k)
		if err != nil {
			return err
		}
		e, err := block.DecodeEvent(body)
		if err != nil {
			return err
		}
		c.learn(e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load events: %w", err)
	}
	return out, nil
}

// each runs a query and calls scan for every row.
func each(ctx context.Context, q store.Querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// nextID is the id for the next row of a table that numbers its rows.
func nextID(ctx context.Context, q store.Querier, table string) (id int64, err error) {
	if err := q.QueryRow(ctx, `SELECT coalesce(max(id), 0) + 1 FROM `+table).Scan(&id); err != nil {
		return 0, fmt.Errorf("number rows of %s: %w", table, err)
	}
	return id, nil
}
