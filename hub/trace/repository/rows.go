package repository

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"frostline/hub/store"
)

// table is how rows of a table are inserted, many by one statement.
type table struct {
	head, tail string
	width      int // parameters of a row
	texts      sync.Map
}

var (
	eventRows      = &table{head: "INSERT INTO epcis_event (seq, id, id_key, hash, declares, time_ms, recorded_ms, capture, document) VALUES ", width: 9}
	valueRows      = &table{head: "INSERT INTO epcis_value (id, kind, value) VALUES ", width: 3}
	termRows       = &table{head: "INSERT INTO epcis_term (value, time_ms, seq, role) VALUES ", width: 4, tail: " ON CONFLICT DO NOTHING"}
	numberRows     = &table{head: "INSERT INTO epcis_number (field, seq, number) VALUES ", width: 3, tail: " ON CONFLICT DO NOTHING"}
	vocabularyRows = &table{head: "INSERT INTO epcis_vocabulary (type, id, document, capture) VALUES ", width: 4,
		tail: " ON CONFLICT (type, id) DO UPDATE SET document = excluded.document, capture = excluded.capture"}
	childRows = &table{head: "INSERT INTO epcis_child (parent, child) VALUES ", width: 2, tail: " ON CONFLICT DO NOTHING"}
)

// Rows of one statement: SQLite looks for each parameter among all of them, and
// to PostgreSQL each statement is a round trip.
const (
	rowsAtOnce         = 16
	rowsAtOncePostgres = 128
)

// text is the statement for a number of rows. Few numbers are used: the store
// keeps a prepared statement for each.
func (t *table) text(rows int) string {
	if s, ok := t.texts.Load(rows); ok {
		return s.(string)
	}
	var b strings.Builder
	b.WriteString(t.head)
	for i := range rows * t.width {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%t.width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	b.WriteString(")" + t.tail)
	t.texts.Store(rows, b.String())
	return b.String()
}

// insertion collects the rows of one statement.
type insertion struct {
	*table
	tx   *store.Tx
	rows int
	args []any
}

func (t *table) into(tx *store.Tx) *insertion {
	i := &insertion{table: t, tx: tx, rows: rowsAtOnce}
	if tx.Dialect() == store.Postgres {
		i.rows = rowsAtOncePostgres
	}
	return i
}

func (i *insertion) add(ctx context.Context, args ...any) error {
	if i.args = append(i.args, args...); len(i.args) < i.rows*i.width {
		return nil
	}
	return i.send(ctx, i.rows)
}

// rest writes what is left.
func (i *insertion) rest(ctx context.Context) error {
	for _, rows := range []int{64, 16, 4, 1} {
		for rows <= i.rows && len(i.args) >= rows*i.width {
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
		return fmt.Errorf("%s…: %w", i.head[:min(30, len(i.head))], err)
	}
	i.args = i.args[:copy(i.args, i.args[n:])]
	return nil
}

// lookup asks about many values in few queries: each is that for one value,
// with parameters $1 to $width, put together by UNION ALL. It is not said by
// IN, which PostgreSQL plans by how large a table was when it was small.
type lookup struct {
	one   string
	width int
	texts sync.Map
}

const lookupMost = 64

func (l *lookup) text(n int) string {
	if s, ok := l.texts.Load(n); ok {
		return s.(string)
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		one := l.one
		for p := l.width; p > 0; p-- {
			one = strings.ReplaceAll(one, "$"+strconv.Itoa(p)+" ", "$"+strconv.Itoa(i*l.width+p)+" ")
		}
		b.WriteString(one)
	}
	l.texts.Store(n, b.String())
	return b.String()
}

// each hands the rows for all arguments, a multiple of width, to visit. It may
// give a row more than once.
func (l *lookup) each(ctx context.Context, q store.Querier, args []any, visit func(*sql.Rows) error) error {
	for len(args) > 0 {
		n := lookupMost
		for n > 1 && n/4 >= len(args)/l.width {
			n /= 4
		}
		some := args[:min(n*l.width, len(args))]
		args = args[len(some):]
		for full := len(some); len(some) < n*l.width; { // the last once more
			some = append(some[:len(some):len(some)], some[full-l.width:full]...)
		}
		if err := rowsOf(ctx, q, l.text(n), visit, some...); err != nil {
			return err
		}
	}
	return nil
}

func rowsOf(ctx context.Context, q store.Querier, query string, visit func(*sql.Rows) error, args ...any) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
