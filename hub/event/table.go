package event

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"frostline/hub/store"
)

// Schema says what a Table makes of events.
//
// T is written as JSON by encoding/json and read again between events, or not
// read again: both must come to the same. So T has no state outside its JSON,
// and Fold calls Put with whatever it changed. Package eventtest checks it.
type Schema[T any] struct {
	// Version is that of Fold, Keys and T's JSON, from 1; 0 means 1. Raise it
	// whenever one of them changes: the table is then rebuilt when the hub starts.
	Version int
	// Fold takes one event. It is deterministic, looks at nothing but the event
	// and rows, and ignores types it does not know. An error fails the command
	// that appends the event.
	Fold func(e Event, rows *Rows[T]) error
	// IDs names documents that Fold will ask for because of an event, so that
	// those of many events are read together. It may leave some out, and name
	// some for nothing. nil names none.
	IDs func(e Event) []string
	// Keys gives the values by which Find finds a document. nil for none.
	Keys func(id string, t *T) []Key
}

// Key is a value by which documents are found, such as {"order", "O-17"}.
type Key struct{ Name, Value string }

// Entry is a document of a Table.
type Entry[T any] struct {
	ID       string
	Position int64 // of the last event folded into it
	Doc      T
}

// Table is a read model of documents, kept in tables that all of them share.
// It is safe for concurrent use. Its documents change in the transaction of
// the command whose event changes them.
type Table[T any] struct {
	name   string
	schema Schema[T]
}

// NewTable makes a Table; name is unique in the store and stays the same.
// Hand it to Open among the models.
func NewTable[T any](name string, s Schema[T]) *Table[T] { return &Table[T]{name, s} }

// Name is as in Model.
func (t *Table[T]) Name() string { return t.name }

// Version is as in Versioned.
func (t *Table[T]) Version() int { return max(t.schema.Version, 1) }

// Apply is as in Model.
func (t *Table[T]) Apply(ctx context.Context, tx *store.Tx, events []Event) error {
	generation, err := t.generation(ctx, tx)
	if err != nil {
		return err
	}
	return t.applyTo(ctx, tx, generation, events)
}

// Reset is as in Model.
func (t *Table[T]) Reset(ctx context.Context, tx *store.Tx) error {
	generation, err := t.generation(ctx, tx)
	if err != nil {
		return err
	}
	for _, q := range []string{"DELETE FROM event_document WHERE model = $1", "DELETE FROM event_key WHERE model = $1"} {
		if _, err := tx.Exec(ctx, q, generation); err != nil {
			return fmt.Errorf("reset read model %s: %w", t.name, err)
		}
	}
	return nil
}

func (t *Table[T]) generation(ctx context.Context, q store.Querier) (generation int64, err error) {
	err = q.QueryRow(ctx, "SELECT generation FROM event_model WHERE name = $1 AND live = 1", t.name).Scan(&generation)
	if err != nil {
		return 0, fmt.Errorf("read model %s: find its generation: %w", t.name, err)
	}
	return generation, nil
}

// live is the generation that answers, in a query whose $1 is the name.
const live = "(SELECT generation FROM event_model WHERE name = $1 AND live = 1)"

// Get gives the document of an id, and whether there is one. q is the store,
// a Snapshot, or a command's Change, which sees what it has appended.
func (t *Table[T]) Get(ctx context.Context, q store.Querier, id string) (doc T, found bool, err error) {
	var body sql.RawBytes
	err = t.one(ctx, q, &body, func() error { return json.Unmarshal(body, &doc) },
		"SELECT body FROM event_document WHERE model = "+live+" AND id = $2", t.name, id)
	if errors.Is(err, sql.ErrNoRows) {
		return doc, false, nil
	}
	if err != nil {
		return doc, false, fmt.Errorf("get %s %q: %w", t.name, id, err)
	}
	return doc, true, nil
}

// GetAll gives the documents of those ids that there are, in few queries. q is
// a Snapshot, or a command's Change.
func (t *Table[T]) GetAll(ctx context.Context, q store.Querier, ids []string) (map[string]T, error) {
	generation, err := t.generation(ctx, q)
	if err != nil {
		return nil, err
	}
	docs := make(map[string]T, len(ids))
	err = among(ctx, q, documentOf, ids, func(rows *sql.Rows) error {
		var id string
		var body sql.RawBytes
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		var doc T
		if err := json.Unmarshal(body, &doc); err != nil {
			return fmt.Errorf("document %q: %w", id, err)
		}
		docs[id] = doc
		return nil
	}, generation)
	if err != nil {
		return nil, fmt.Errorf("get documents of %s: %w", t.name, err)
	}
	return docs, nil
}

const documentOf = "SELECT id, body FROM event_document WHERE model = $1 AND id = $?"

// one reads one row while its bytes are valid.
func (t *Table[T]) one(ctx context.Context, q store.Querier, body *sql.RawBytes, use func() error, query string, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(sql.ErrNoRows, rows.Err())
	}
	if err := rows.Scan(body); err != nil {
		return err
	}
	if err := use(); err != nil {
		return err
	}
	return rows.Close()
}

// List gives up to limit documents whose ids come after one, in the order of
// the store's ids; at most MaxRead.
func (t *Table[T]) List(ctx context.Context, q store.Querier, after string, limit int) ([]Entry[T], error) {
	return t.entries(ctx, q, "SELECT id, position, body FROM event_document WHERE model = "+live+
		" AND id > $2 ORDER BY id LIMIT $3", t.name, after, clamp(limit))
}

// Find gives up to limit documents that have a key of that value, whose ids
// come after one, in the order of ids; at most MaxRead.
func (t *Table[T]) Find(ctx context.Context, q store.Querier, key, value, after string, limit int) ([]Entry[T], error) {
	return t.entries(ctx, q, `SELECT d.id, d.position, d.body FROM event_key k
JOIN event_document d ON d.model = k.model AND d.id = k.id
WHERE k.model = `+live+` AND k.name = $2 AND k.value = $3 AND k.id > $4 ORDER BY k.id LIMIT $5`,
		t.name, key, value, after, clamp(limit))
}

// Having tells which values of a key any document has. q is a Snapshot, or a
// command's Change.
func (t *Table[T]) Having(ctx context.Context, q store.Querier, key string, values []string) (map[string]bool, error) {
	generation, err := t.generation(ctx, q)
	if err != nil {
		return nil, err
	}
	had := map[string]bool{}
	const one = "SELECT value FROM (SELECT value FROM event_key WHERE model = $1 AND name = $2 AND value = $? LIMIT 1) AS had"
	err = among(ctx, q, one, values, func(rows *sql.Rows) error {
		var value string
		err := rows.Scan(&value)
		had[value] = true
		return err
	}, generation, key)
	if err != nil {
		return nil, fmt.Errorf("look for keys of %s: %w", t.name, err)
	}
	return had, nil
}

// Count gives the number of documents.
func (t *Table[T]) Count(ctx context.Context, q store.Querier) (n int64, err error) {
	err = q.QueryRow(ctx, "SELECT COUNT(*) FROM event_document WHERE model = "+live, t.name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", t.name, err)
	}
	return n, nil
}

func (t *Table[T]) entries(ctx context.Context, q store.Querier, query string, args ...any) ([]Entry[T], error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	defer rows.Close()
	var all []Entry[T]
	var body sql.RawBytes
	for rows.Next() {
		var e Entry[T]
		if err := rows.Scan(&e.ID, &e.Position, &body); err != nil {
			return nil, fmt.Errorf("list %s: %w", t.name, err)
		}
		if err := json.Unmarshal(body, &e.Doc); err != nil {
			return nil, fmt.Errorf("list %s: document %q: %w", t.name, e.ID, err)
		}
		all = append(all, e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	return all, nil
}
