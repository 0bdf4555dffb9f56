package repository

import (
	"context"
	"database/sql"
	"fmt"

	"frostline/hub/store"
)

// text is a value of a kind, as epcis_value has it.
type text struct {
	kind  Kind
	value string
}

// values gives texts their numbers. It belongs to whoever writes.
type values struct {
	known, before map[text]int64 // committed; what is used moves from before to known
	fresh         map[text]int64 // of the transaction
	next          int64          // 0 until it is read
}

const maxKnown = 50_000 // of each generation

func newValues() *values {
	return &values{known: map[text]int64{}, before: map[text]int64{}, fresh: map[text]int64{}}
}

// committed keeps what the transaction has given numbers to; dropped forgets it.
func (v *values) committed() {
	for t, id := range v.fresh {
		v.keep(t, id)
	}
	clear(v.fresh)
}

func (v *values) dropped() {
	clear(v.fresh)
	v.next = 0
}

func (v *values) keep(t text, id int64) {
	if len(v.known) >= maxKnown {
		v.before, v.known = v.known, make(map[text]int64, maxKnown)
	}
	v.known[t] = id
}

func (v *values) get(t text) (int64, bool) {
	if id, ok := v.fresh[t]; ok {
		return id, true
	}
	if id, ok := v.known[t]; ok {
		return id, true
	}
	id, ok := v.before[t]
	if ok {
		v.keep(t, id)
	}
	return id, ok
}

var valueByText = &lookup{one: "SELECT id, kind, value FROM epcis_value WHERE kind = $1 AND value = $2 ", width: 2, arrays: []string{"bigint", "text"}}

// resolve makes sure that each text has a number, which get then gives.
func (v *values) resolve(ctx context.Context, tx *store.Tx, all []text) error {
	var missing []text
	var args []any
	wanted := map[text]bool{}
	for _, t := range all {
		if _, ok := v.get(t); !ok && !wanted[t] {
			wanted[t] = true
			missing = append(missing, t)
			args = append(args, int64(t.kind), t.value)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	err := valueByText.each(ctx, tx, args, func(rows *sql.Rows) error {
		var id int64
		var t text
		if err := rows.Scan(&id, &t.kind, &t.value); err != nil {
			return err
		}
		v.fresh[t] = id
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up values: %w", err)
	}
	if v.next == 0 {
		if err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(id), 0) + 1 FROM epcis_value").Scan(&v.next); err != nil {
			return fmt.Errorf("read last value: %w", err)
		}
	}
	rows := valueRows.Into(tx)
	for _, t := range missing {
		if _, ok := v.fresh[t]; ok {
			continue
		}
		v.fresh[t] = v.next
		if err := rows.Add(ctx, v.next, int64(t.kind), t.value); err != nil {
			return err
		}
		v.next++
	}
	return rows.Flush(ctx)
}
