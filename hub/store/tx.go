package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Tx is a transaction, valid until the function it was given to returns. It
// is not safe for concurrent use.
type Tx struct {
	conn *sql.Conn
	db   *DB // to keep prepared statements of a writer; nil in a Snapshot
}

// Write runs do in a transaction and commits it when do returns nil. When
// Write returns nil the transaction is synced to disk. When it returns the
// error of do, nothing was changed. When it returns an ErrUnknown, the commit
// failed and may or may not have taken place.
//
// Transactions run one at a time. ctx bounds the wait for the turn and the
// statements; a commit that has begun is not cut short.
func (db *DB) Write(ctx context.Context, do func(context.Context, *Tx) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case _, ok := <-db.turn:
		if !ok {
			return ErrClosed
		}
	}
	defer func() { db.turn <- struct{}{} }()
	return db.noted(db.transact(ctx, do))
}

func (db *DB) transact(ctx context.Context, do func(context.Context, *Tx) error) (err error) {
	if err := db.connect(ctx); err != nil {
		return err
	}
	outer, cancel := db.bound(ctx)
	defer cancel()
	tx, err := db.conn.BeginTx(outer, nil)
	if err != nil {
		db.dropConn()
		return fmt.Errorf("begin transaction: %w", err)
	}
	finished := false
	defer func() {
		if !finished { // do panicked or failed
			if rollback := tx.Rollback(); rollback != nil {
				db.dropConn()
			}
		}
	}()
	if err := do(ctx, &Tx{conn: db.conn, db: db}); err != nil {
		return err
	}
	finished = true
	if err := tx.Commit(); err != nil {
		db.unknown.Add(1)
		db.dropConn()
		return fmt.Errorf("commit transaction: %w: %w", ErrUnknown, err)
	}
	db.commits.Add(1)
	return nil
}

// connect makes sure that there is a connection to write by, and that it alone
// does.
func (db *DB) connect(ctx context.Context) (err error) {
	if db.conn != nil {
		return nil
	}
	if db.conn, err = db.write.Conn(ctx); err != nil {
		db.conn = nil
		return fmt.Errorf("connect to write: %w", err)
	}
	if db.dialect == Postgres {
		if err := lockSession(ctx, db.conn); err != nil {
			db.dropConn()
			return fmt.Errorf("connect to write: %w", err)
		}
	}
	return nil
}

// bound detaches a transaction from the caller's cancelling, so that a commit
// is never cut short. SQLite bounds its own waits by busy_timeout.
func (db *DB) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if db.dialect == SQLite {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, commitTimeout)
}

// dropConn gives up the write connection and what was prepared on it, closing
// it for good: after an error its state is not trusted.
func (db *DB) dropConn() {
	for _, s := range db.statements {
		s.Close()
	}
	clear(db.statements)
	if db.conn != nil {
		db.conn.Raw(func(any) error { return errBad })
		db.conn.Close()
		db.conn = nil
	}
}

// Exec runs a statement and gives the number of rows it touched.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	var res sql.Result
	stmt, err := tx.prepared(ctx, query)
	switch {
	case err != nil:
	case stmt != nil:
		res, err = stmt.ExecContext(ctx, args...)
	default:
		res, err = tx.conn.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, wrap(err)
	}
	return res.RowsAffected()
}

// Query runs a query. The rows must be closed before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.prepared(ctx, query)
	if err != nil {
		return nil, wrap(err)
	}
	if stmt != nil {
		rows, err := stmt.QueryContext(ctx, args...)
		return rows, wrap(err)
	}
	rows, err := tx.conn.QueryContext(ctx, query, args...)
	return rows, wrap(err)
}

// QueryRow runs a query for one row. Scan returns sql.ErrNoRows when there is
// none.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) Row {
	rows, err := tx.Query(ctx, query, args...)
	return Row{rows, err}
}

// Dialect tells which database a transaction of Write is in; "" in a Snapshot.
func (tx *Tx) Dialect() Dialect {
	if tx.db == nil {
		return ""
	}
	return tx.db.dialect
}

// maxStatements bounds the prepared statements kept; SQL texts are constants,
// so that more means a text is being built from values.
const maxStatements = 500

// prepared gives the statement for a text, prepared once for a connection;
// nil where the driver keeps them by itself, as pgx does.
func (tx *Tx) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if tx.db == nil || tx.db.dialect != SQLite {
		return nil, nil
	}
	if s := tx.db.statements[query]; s != nil {
		return s, nil
	}
	if len(tx.db.statements) >= maxStatements {
		return nil, nil
	}
	s, err := tx.conn.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	tx.db.statements[query] = s
	return s, nil
}

// Row is the result of QueryRow.
type Row struct {
	rows *sql.Rows
	err  error
}

// Scan copies the columns of the row and closes it.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return wrap(err)
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return wrap(r.rows.Close())
}

// Querier reads: a DB, where each query sees what was last committed, or a Tx,
// where all see the same.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) Row
}

var (
	_ Querier = (*DB)(nil)
	_ Querier = (*Tx)(nil)
)

// Query reads from the pool. Close the rows soon: they hold a connection.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	return rows, wrap(err)
}

// QueryRow reads one row from the pool. Scan returns sql.ErrNoRows when there
// is none.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) Row {
	rows, err := db.Query(ctx, query, args...)
	return Row{rows, err}
}

// Snapshot runs do with a transaction that reads only and in which every query
// sees the same state of the store.
func (db *DB) Snapshot(ctx context.Context, do func(context.Context, *Tx) error) error {
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to read: %w", err)
	}
	defer conn.Close()
	opts := &sql.TxOptions{Isolation: sql.LevelDefault}
	if db.dialect == Postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := conn.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin snapshot: %w", err)
	}
	defer tx.Rollback()
	return do(ctx, &Tx{conn: conn})
}

// wrap marks what callers tell apart.
func wrap(err error) error {
	if err != nil && isDuplicate(err) && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}

// Faulty reports whether an error lies in the values of a statement, so that
// these would fail again and others would not: not in the disk, the connection,
// the tables or another program.
func Faulty(err error) bool { return faultySQLite(err) || faultyPostgres(err) }
