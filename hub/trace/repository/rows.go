package repository

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"

	"frostline/hub/store"
)

// How rows are inserted.
var (
	eventRows  = store.NewInsert("epcis_event", "", "seq BIGINT", "id TEXT", "id_key BIGINT", "hash TEXT", "declares TEXT", "time_ms BIGINT", "recorded_ms BIGINT", "capture TEXT", "document TEXT")
	valueRows  = store.NewInsert("epcis_value", "", "id BIGINT", "kind BIGINT", "value TEXT")
	termRows   = store.NewInsert("epcis_term", "", "value BIGINT", "time_ms BIGINT", "seq BIGINT", "role BIGINT")
	numberRows = store.NewInsert("epcis_number", "", "field BIGINT", "seq BIGINT", "number DOUBLE PRECISION")
	childRows  = store.NewInsert("epcis_child", "ON CONFLICT DO NOTHING", "parent TEXT", "child TEXT")
	jobRows    = store.NewInsert("epcis_capture", "", "id TEXT", "number BIGINT", "actor TEXT", "created_ms BIGINT", "finished_ms BIGINT", "behaviour TEXT", "success BIGINT", "captured BIGINT", "known BIGINT", "problems TEXT")
)

// lookup asks about many values in few queries: each is that for one value,
// with parameters $1 to $width, put together by UNION ALL. It is not said by
// IN, which PostgreSQL plans by how large a table was when it was small. Within
// a writer's transaction there, arrays of the values are joined to it instead,
// one value at a time.
type lookup struct {
	one    string
	width  int
	arrays []string // types of the parameters; nil for never by arrays
	texts  sync.Map
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
	if tx, ok := q.(*store.Tx); ok && tx.Dialect() == store.Postgres && l.arrays != nil && len(args) > l.width {
		return rowsOf(ctx, q, l.joined(), visit, l.columns(args)...)
	}
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

// joined is the query for any number of values. OFFSET keeps it one query a value,
// by the index.
func (l *lookup) joined() string {
	if s, ok := l.texts.Load(0); ok {
		return s.(string)
	}
	one, arrays, names := l.one, make([]string, l.width), make([]string, l.width)
	for p := l.width; p > 0; p-- {
		name := "v" + strconv.Itoa(p)
		one = strings.ReplaceAll(one, "$"+strconv.Itoa(p)+" ", "k."+name+" ")
		arrays[p-1], names[p-1] = "$"+strconv.Itoa(p)+"::"+l.arrays[p-1]+"[]", name
	}
	s := "SELECT f.* FROM unnest(" + strings.Join(arrays, ", ") + ") AS k(" + strings.Join(names, ", ") + "), LATERAL (" + one + "OFFSET 0) AS f"
	l.texts.Store(0, s)
	return s
}

// columns are arguments as arrays, one a parameter.
func (l *lookup) columns(args []any) []any {
	out := make([]any, l.width)
	for p := range l.width {
		if l.arrays[p] == "bigint" {
			list := make([]int64, 0, len(args)/l.width)
			for i := p; i < len(args); i += l.width {
				list = append(list, args[i].(int64))
			}
			out[p] = list
			continue
		}
		list := make([]string, 0, len(args)/l.width)
		for i := p; i < len(args); i += l.width {
			list = append(list, args[i].(string))
		}
		out[p] = list
	}
	return out
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
