package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Insert says how rows of a table are inserted, many by one statement. It is made
// once, for its texts are prepared once, and is safe for concurrent use.
type Insert struct {
	head, tail string
	columns    []column
	arrays     string   // the statement for any number of rows, in PostgreSQL
	texts      sync.Map // that for a number of rows, in SQLite
}

// column is a column by its type.
type column struct{ name, kind string }

// NewInsert says how rows are inserted. Columns are names with their types: BIGINT,
// TEXT, DOUBLE PRECISION or BLOB. tail follows the rows, such as "ON CONFLICT DO
// NOTHING"; a row that conflicts with another of the same statement must not be
// told to update it. It panics where a type is none of these: it is a fault of the
// program.
func NewInsert(table, tail string, columns ...string) *Insert {
	i := &Insert{}
	if tail != "" {
		i.tail = " " + tail
	}
	var names, arrays []string
	for n, c := range columns {
		name, kind, _ := strings.Cut(c, " ")
		array := map[string]string{"BIGINT": "bigint[]", "TEXT": "text[]", "DOUBLE PRECISION": "double precision[]", "BLOB": "bytea[]"}[kind]
		if array == "" {
			panic(fmt.Sprintf("store: insert into %s: column %q has no type that is known", table, c))
		}
		i.columns = append(i.columns, column{name, kind})
		names = append(names, name)
		arrays = append(arrays, "$"+strconv.Itoa(n+1)+"::"+array)
	}
	i.head = "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
	i.arrays = i.head + "SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")" + i.tail
	return i
}

// Rows of one statement. SQLite looks for each parameter among all of them. To
// PostgreSQL each statement is a round trip, and each parameter costs as much as
// a row: it gets a column by one parameter.
const (
	rowsAtOnce         = 16
	rowsAtOncePostgres = 4096
	bytesAtOnce        = 4 << 20 // of texts, in PostgreSQL
)

// text is the statement for a number of rows in SQLite. Few numbers are used: the
// store keeps a prepared statement for each.
func (i *Insert) text(rows int) string {
	if s, ok := i.texts.Load(rows); ok {
		return s.(string)
	}
	var b strings.Builder
	b.WriteString(i.head + "VALUES ")
	for n := range rows * len(i.columns) {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%len(i.columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(n+1))
	}
	b.WriteString(")" + i.tail)
	i.texts.Store(rows, b.String())
	return b.String()
}

// Rows collects rows and inserts them in few statements: those that are added, by
// Flush at the latest. It belongs to one transaction.
type Rows struct {
	*Insert
	tx    *Tx
	args  []any   // in SQLite, row by row
	lists []array // in PostgreSQL, column by column
	rows  int
	bytes int
}

// array is the values of a column.
type array struct {
	ints   []int64
	texts  []string
	floats []float64
	blobs  [][]byte
}

// Into begins to collect rows.
func (i *Insert) Into(tx *Tx) *Rows {
	r := &Rows{Insert: i, tx: tx}
	if tx.Dialect() == Postgres {
		r.lists = make([]array, len(i.columns))
	}
	return r
}

// Add adds a row, and inserts what is collected where it is enough. Values are
// int64 or int for BIGINT, string, float64 and []byte.
func (r *Rows) Add(ctx context.Context, values ...any) error {
	if len(values) != len(r.columns) {
		return fmt.Errorf("%s: %d values for %d columns", r.head, len(values), len(r.columns))
	}
	if r.lists == nil {
		if r.args = append(r.args, values...); len(r.args) < rowsAtOnce*len(r.columns) {
			return nil
		}
		return r.send(ctx, rowsAtOnce)
	}
	for n, v := range values {
		if err := r.put(n, v); err != nil {
			return err
		}
	}
	if r.rows++; r.rows < rowsAtOncePostgres && r.bytes < bytesAtOnce {
		return nil
	}
	return r.sendArrays(ctx)
}

// put adds a value to its column.
func (r *Rows) put(n int, v any) error {
	to, kind := &r.lists[n], r.columns[n].kind
	switch v := v.(type) {
	case int64:
		if kind == "BIGINT" {
			to.ints = append(to.ints, v)
			return nil
		}
	case int:
		if kind == "BIGINT" {
			to.ints = append(to.ints, int64(v))
			return nil
		}
	case string:
		if kind == "TEXT" {
			to.texts, r.bytes = append(to.texts, v), r.bytes+len(v)
			return nil
		}
	case float64:
		if kind == "DOUBLE PRECISION" {
			to.floats = append(to.floats, v)
			return nil
		}
	case []byte:
		if kind == "BLOB" {
			to.blobs, r.bytes = append(to.blobs, v), r.bytes+len(v)
			return nil
		}
	}
	return fmt.Errorf("%s: a %T is no value for column %s of type %s", r.head, v, r.columns[n].name, kind)
}

// Flush inserts what is left.
func (r *Rows) Flush(ctx context.Context) error {
	if r.lists != nil {
		return r.sendArrays(ctx)
	}
	for _, rows := range []int{rowsAtOnce, 4, 1} {
		for len(r.args) >= rows*len(r.columns) {
			if err := r.send(ctx, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Rows) send(ctx context.Context, rows int) error {
	n := rows * len(r.columns)
	if _, err := r.tx.Exec(ctx, r.text(rows), r.args[:n]...); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(r.head), err)
	}
	r.args = r.args[:copy(r.args, r.args[n:])]
	return nil
}

func (r *Rows) sendArrays(ctx context.Context) error {
	if r.rows == 0 {
		return nil
	}
	args := make([]any, len(r.columns))
	for n, c := range r.columns {
		switch to := &r.lists[n]; c.kind {
		case "BIGINT":
			args[n] = to.ints
		case "TEXT":
			args[n] = to.texts
		case "DOUBLE PRECISION":
			args[n] = to.floats
		case "BLOB":
			args[n] = to.blobs
		}
	}
	if _, err := r.tx.Exec(ctx, r.arrays, args...); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(r.head), err)
	}
	for n := range r.lists {
		to := &r.lists[n]
		clear(to.texts) // or a long text would be kept
		clear(to.blobs)
		*to = array{to.ints[:0], to.texts[:0], to.floats[:0], to.blobs[:0]}
	}
	r.rows, r.bytes = 0, 0
	return nil
}
