package event

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"frostline/hub/store"
)

// Bounds on a document and its keys, in bytes.
const (
	MaxDocument = 4 << 20
	MaxKey      = 512
)

// Rows are the documents of a Table as a Fold sees them. It is not safe for
// concurrent use and not valid after the Fold has returned.
type Rows[T any] struct {
	table      *Table[T]
	ctx        context.Context
	q          store.Querier
	generation int64
	position   int64 // of the event being folded
	docs       map[string]*row[T]
	dirty      []*row[T] // in the order of their first change
	stored     *stored   // nil where the store has to be asked
	err        error     // the first; the fold's transaction fails with it
	size       int       // bytes of the bodies in docs
}

// row is a document that was asked for or written.
type row[T any] struct {
	id       string
	doc      *T // nil when there is none
	position int64
	dirty    bool
	known    bool  // the store has it
	keys     []Key // that the store has of it, in order
	size     int
}

// Get gives a document, nil when there is none. The caller may change it, and
// then calls Put.
func (r *Rows[T]) Get(id string) (*T, error) {
	row, err := r.load(id)
	if err != nil {
		return nil, err
	}
	return row.doc, nil
}

// Put stores a document, which belongs to the table from then on.
func (r *Rows[T]) Put(id string, doc *T) {
	if doc == nil {
		r.fail(fmt.Errorf("put %q: document is nil: use Delete", id))
		return
	}
	r.change(id, doc)
}

// Delete removes a document; one that is not there is no error.
func (r *Rows[T]) Delete(id string) { r.change(id, nil) }

func (r *Rows[T]) change(id string, doc *T) {
	row, err := r.load(id)
	if err != nil {
		return
	}
	row.doc, row.position = doc, r.position
	if !row.dirty {
		row.dirty = true
		r.dirty = append(r.dirty, row)
	}
}

func (r *Rows[T]) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return err
}

func (r *Rows[T]) load(id string) (*row[T], error) {
	if r.err != nil {
		return nil, r.err
	}
	if row := r.docs[id]; row != nil {
		return row, nil
	}
	if id == "" || len(id) > MaxKey {
		return nil, r.fail(fmt.Errorf("document id %.40q: want 1 to %d bytes", id, MaxKey))
	}
	row := &row[T]{id: id}
	if r.stored.mayHave(id) {
		if err := r.read(row); err != nil {
			return nil, r.fail(fmt.Errorf("read document %q: %w", id, err))
		}
	}
	r.docs[id] = row
	return row, nil
}

func (r *Rows[T]) read(row *row[T]) error {
	var body sql.RawBytes
	err := r.table.one(r.ctx, r.q, &body, func() error { return row.take(r, body) },
		"SELECT body FROM event_document WHERE model = $1 AND id = $2", r.generation, row.id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// take takes a document as the store has it.
func (row *row[T]) take(r *Rows[T], body []byte) (err error) {
	row.doc, row.known, row.size = new(T), true, len(body)
	if err := json.Unmarshal(body, row.doc); err != nil {
		return fmt.Errorf("document %q: %w", row.id, err)
	}
	r.size += row.size
	row.keys, err = r.table.keys(row.id, row.doc)
	return err
}

// prefetch reads the documents that several events will ask for.
func (r *Rows[T]) prefetch(ctx context.Context, events []Event) error {
	if r.table.schema.IDs == nil || len(events) < 2 {
		return nil
	}
	var ids []string
	for _, e := range events {
		for _, id := range r.table.schema.IDs(e) {
			if id != "" && len(id) <= MaxKey && r.docs[id] == nil {
				r.docs[id] = &row[T]{id: id}
				ids = append(ids, id)
			}
		}
	}
	err := among(ctx, r.q, documentOf, ids, func(rows *sql.Rows) error {
		var id string
		var body sql.RawBytes
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		if row := r.docs[id]; row.doc == nil {
			return row.take(r, body)
		}
		return nil
	}, r.generation)
	if err != nil {
		return fmt.Errorf("read documents: %w", err)
	}
	return nil
}

// keys gives the keys of a document, each once and in order.
func (t *Table[T]) keys(id string, doc *T) ([]Key, error) {
	if t.schema.Keys == nil || doc == nil {
		return nil, nil
	}
	keys := slices.Clone(t.schema.Keys(id, doc))
	for _, k := range keys {
		if k.Name == "" || len(k.Name) > MaxKey || len(k.Value) > MaxKey {
			return nil, fmt.Errorf("key %.40q %.40q of document %q: want a name and at most %d bytes each", k.Name, k.Value, id, MaxKey)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys), nil
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
}

// fold folds events in order.
func (r *Rows[T]) fold(ctx context.Context, events []Event) error {
	r.ctx = ctx
	for _, e := range events {
		r.position = e.Position
		err := r.table.schema.Fold(e, r)
		if err = cmp.Or(r.err, err); err != nil {
			return fmt.Errorf("event %s at position %d: %w", e.Type, e.Position, err)
		}
	}
	return nil
}

func (t *Table[T]) rows(q store.Querier, generation int64) *Rows[T] {
	return &Rows[T]{table: t, q: q, generation: generation, docs: map[string]*row[T]{}}
}

func (t *Table[T]) applyTo(ctx context.Context, tx *store.Tx, generation int64, events []Event) error {
	r := t.rows(tx, generation)
	if err := r.prefetch(ctx, events); err != nil {
		return err
	}
	if err := r.fold(ctx, events); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = r.flush(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
