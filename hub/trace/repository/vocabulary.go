package repository

import (
	"context"
	"database/sql"
	"fmt"
)

// Element is what master data say of a thing.
type Element struct {
	Type     string // of the vocabulary, such as urn:epcglobal:epcis:vtype:BusinessLocation
	ID       string
	Document []byte   // JSON
	Children []string // ids of what is part of it
}

const upsertElement = `INSERT INTO epcis_vocabulary (type, id, document, capture) VALUES ($1, $2, $3, $4)
	ON CONFLICT (type, id) DO UPDATE SET document = excluded.document, capture = excluded.capture`

// masters writes the master data of a job, unless it failed as a whole. What is
// said of a thing replaces what was said before; what is part of it is added to.
func (t *transaction) masters(ctx context.Context, w *waiter) error {
	if !w.job.Success && w.capture.Behaviour == Rollback {
		return nil
	}
	children := childRows.Into(t.tx)
	for _, e := range w.capture.Masters {
		if _, err := t.tx.Exec(ctx, upsertElement, e.Type, e.ID, string(e.Document), w.job.ID); err != nil {
			return fmt.Errorf("store master data of %s: %w", e.ID, err)
		}
		for _, c := range e.Children {
			if err := children.Add(ctx, e.ID, c); err != nil {
				return err
			}
		}
	}
	return children.Flush(ctx)
}

const (
	maxDescendants = 2000 // of the places of one parameter
	maxDepth       = 32
)

var childrenOf = &lookup{one: "SELECT child FROM epcis_child WHERE parent = $1 ", width: 1}

// descendants gives ids with all that is, directly or not, part of them.
func (r *Repository) descendants(ctx context.Context, ids []string) ([]string, error) {
	all := append([]string(nil), ids...)
	seen := map[string]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	level := ids
	for range maxDepth {
		var args []any
		for _, id := range level {
			args = append(args, id)
		}
		level = nil
		err := childrenOf.each(ctx, r.store, args, func(rows *sql.Rows) error {
			var c string
			if err := rows.Scan(&c); err != nil || seen[c] {
				return err
			}
			seen[c] = true
			level = append(level, c)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read what is part of %v: %w", ids, err)
		}
		if all = append(all, level...); len(all) > maxDescendants {
			return nil, fmt.Errorf("%w: more than %d places are part of those", ErrTooComplex, maxDescendants)
		}
		if len(level) == 0 {
			break
		}
	}
	return all, nil
}
