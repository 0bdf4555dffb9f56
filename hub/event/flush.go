package event

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	documents, keys := upsertDocument.into(tx), insertKey.into(tx)
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
			if err := documents.add(ctx, r.generation, row.id, row.position, string(body)); err != nil {
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
	if err := documents.rest(ctx); err != nil {
		return false, fmt.Errorf("store documents: %w", err)
	}
	slices.SortFunc(fresh, func(a, b entry) int { return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.id, b.id)) })
	for _, e := range fresh {
		if err := keys.add(ctx, r.generation, e.Name, e.Value, e.id); err != nil {
			return false, fmt.Errorf("store keys: %w", err)
		}
	}
	if err := keys.rest(ctx); err != nil {
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

// statement inserts many rows at once.
type statement struct {
	head, tail string
	width      int // parameters of a row
	texts      sync.Map
}

var (
	upsertDocument = &statement{
		head: "INSERT INTO event_document (model, id, position, body) VALUES ", width: 4,
		tail: " ON CONFLICT (model, id) DO UPDATE SET position = excluded.position, body = excluded.body",
	}
	insertKey = &statement{
		head: "INSERT INTO event_key (model, name, value, id) VALUES ", width: 4,
		tail: " ON CONFLICT (model, name, value, id) DO NOTHING",
	}
)

// text is the statement for a number of rows. Few numbers are used: the store
// keeps a prepared statement for each.
func (s *statement) text(rows int) string {
	if t, ok := s.texts.Load(rows); ok {
		return t.(string)
	}
	var b strings.Builder
	b.WriteString(s.head)
	for i := range rows * s.width {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%s.width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")" + s.tail)
	s.texts.Store(rows, b.String())
	return b.String()
}

// insertion collects the rows of one statement.
type insertion struct {
	*statement
	tx   *store.Tx
	rows int // of one statement
	args []any
}

// Rows of one statement: SQLite looks for each parameter among all of them, and
// to PostgreSQL each statement is a round trip.
const (
	rowsAtOnce         = 16
	rowsAtOncePostgres = 64
)

func (s *statement) into(tx *store.Tx) *insertion {
	i := &insertion{statement: s, tx: tx, rows: rowsAtOnce}
	if tx.Dialect() == store.Postgres {
		i.rows = rowsAtOncePostgres
	}
	return i
}

func (i *insertion) add(ctx context.Context, args ...any) error {
	i.args = append(i.args, args...)
	if len(i.args) < i.rows*i.width {
		return nil
	}
	return i.send(ctx, i.rows)
}

// rest writes what is left, in sixteens, fours and ones.
func (i *insertion) rest(ctx context.Context) error {
	for _, rows := range []int{rowsAtOnce, 4, 1} {
		for len(i.args) >= rows*i.width {
			if err := i.send(ctx, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *insertion) send(ctx context.Context, rows int) error {
	n := rows * i.width
	if _, err := i.tx.Exec(ctx, i.text(rows), i.args[:n]...); err != nil {
		return err
	}
	i.args = i.args[:copy(i.args, i.args[n:])]
	return nil
}
