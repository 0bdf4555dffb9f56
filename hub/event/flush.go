package event

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"frostline/hub/store"
)

// flushAtOnce bounds the documents written by one flush, so that a rebuild
// holds up the store's other writers for tens of milliseconds only.
const flushAtOnce = 2000

// flush writes the changed documents, each once, and what changed of its keys.
func (r *Rows[T]) flush(ctx context.Context, tx *store.Tx) (more bool, err error) {
	// In the order of the tables, whose neighbours are cheap.
	slices.SortFunc(r.dirty, func(a, b *row[T]) int { return cmp.Compare(a.id, b.id) })
	n := min(len(r.dirty), flushAtOnce)
	var fresh []entry
	documents, keys := upsertDocument.Into(tx), insertKey.Into(tx)
	for _, row := range r.dirty[:n] {
		after, err := r.table.keys(row.id, row.doc)
		if err != nil {
			return false, err
		}
		for _, k := range without(row.keys, after) {
			if _, err := tx.Exec(ctx, "DELETE FROM event_key WHERE model = $1 AND name = $2 AND value = $3 AND id = $4",
				r.generation, k.Name, k.Value, row.id); err != nil {
				return false, fmt.Errorf("remove key of document %q: %w", row.id, err)
			}
		}
		for _, k := range without(after, row.keys) {
			fresh = append(fresh, entry{k, row.id})
		}
		r.size -= row.size
		row.size = 0
		switch {
		case row.doc != nil:
			body, err := json.Marshal(row.doc)
			if err == nil && len(body) > MaxDocument {
				err = fmt.Errorf("%w: %d bytes, at most %d allowed", ErrTooLarge, len(body), MaxDocument)
			}
			if err != nil {
				return false, fmt.Errorf("document %q: %w", row.id, err)
			}
			row.size = len(body)
			if err := documents.Add(ctx, r.generation, row.id, row.position, string(body)); err != nil {
				return false, fmt.Errorf("store documents: %w", err)
			}
		case row.known:
			if _, err := tx.Exec(ctx, "DELETE FROM event_document WHERE model = $1 AND id = $2", r.generation, row.id); err != nil {
				return false, fmt.Errorf("remove document %q: %w", row.id, err)
			}
		}
		r.size += row.size
		row.known, row.keys, row.dirty = row.doc != nil, after, false
	}
	r.dirty = r.dirty[n:]
	if err := documents.Flush(ctx); err != nil {
		return false, fmt.Errorf("store documents: %w", err)
	}
	slices.SortFunc(fresh, func(a, b entry) int { return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.id, b.id)) })
	for _, e := range fresh {
		if err := keys.Add(ctx, r.generation, e.Name, e.Value, e.id); err != nil {
			return false, fmt.Errorf("store keys: %w", err)
		}
	}
	if err := keys.Flush(ctx); err != nil {
		return false, fmt.Errorf("store keys: %w", err)
	}
	return len(r.dirty) > 0, nil
}

// entry is a row of the table of keys.
type entry struct {
	Key
	id string
}

// without gives what of a is not in b; both are in order.
func without(a, b []Key) []Key {
	if slices.Equal(a, b) {
		return nil
	}
	var rest []Key
	for _, k := range a {
		if _, found := slices.BinarySearchFunc(b, k, compareKeys); !found {
			rest = append(rest, k)
		}
	}
	return rest
}

var (
	upsertDocument = store.NewInsert("event_document", "ON CONFLICT (model, id) DO UPDATE SET position = excluded.position, body = excluded.body",
		"model BIGINT", "id TEXT", "position BIGINT", "body TEXT")
	insertKey = store.NewInsert("event_key", "ON CONFLICT (model, name, value, id) DO NOTHING", "model BIGINT", "name TEXT", "value TEXT", "id TEXT")
)
