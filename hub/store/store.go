// Package store is the hub's own durable store: one SQLite file, or a
// PostgreSQL database when that is outgrown. What it has committed is what the
// hub may acknowledge; no promise rests on a broker.
//
// One SQL text serves both. Parameters are written $1, $2, …; ids and sizes
// are BIGINT, times BIGINT in milliseconds of Unix time, booleans BIGINT 0 or
// 1, texts TEXT (pass string, never []byte), bytes BLOB in migrations (turned
// into BYTEA for PostgreSQL). A table that needs a running number has
// "id BIGINT PRIMARY KEY", which is the row id in SQLite.
//
// There is one writer. Write runs one transaction at a time, first come first
// served, so a transaction should take milliseconds. Reads go to a pool of
// connections that cannot write, and neither wait for the writer nor hold it up.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var (
	// ErrConflict is wrapped by an error about a key that exists already.
	ErrConflict = errors.New("key exists already")
	// ErrUnknown is wrapped by an error of Write when the commit itself
	// failed: whether the transaction was done is not known. The caller must
	// read what is there before it goes on, and acknowledge nothing meanwhile.
	ErrUnknown = errors.New("outcome of commit not known")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store is closed")
)

// Dialect is the kind of database behind a DB.
type Dialect string

const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

const (
	busyTimeout   = 10 * time.Second // for another process that holds the SQLite file
	commitTimeout = 30 * time.Second // for PostgreSQL to answer within a transaction
	readers       = 4                // connections of the read pool
)

// DB is an open store. It is safe for concurrent use.
type DB struct {
	log     *slog.Logger
	dialect Dialect
	place   string // for messages: the path, or the URL without its password
	write   *sql.DB
	read    *sql.DB
	lock    *os.File      // held while open; nil for PostgreSQL, where conn holds it
	turn    chan struct{} // holds one token: whoever takes it writes
	commits atomic.Uint64
	unknown atomic.Uint64
	trouble atomic.Pointer[Trouble]

	// Owned by the holder of turn.
	conn       *sql.Conn // nil until first used and after an error
	statements map[string]*sql.Stmt
}

// Open opens the store at url, creates it when it is not there yet, and brings
// its tables up to date. The url is
//
//	sqlite:PATH                            the directory must exist
//	postgres://USER:PASSWORD@HOST/DATABASE the database must exist
//
// One process at a time may have a store open; Open waits some seconds for
// another to end. It refuses a store that a newer version has written, and a PostgreSQL that
// does not sync its commits to disk (fsync=off), unless the url says
// allow_fsync_off=true, which is for tests.
func Open(ctx context.Context, url string, log *slog.Logger) (*DB, error) {
	kind, rest, ok := strings.Cut(url, ":")
	db := &DB{log: log, turn: make(chan struct{}, 1), statements: map[string]*sql.Stmt{}}
	var err error
	switch {
	case ok && kind == "sqlite" && rest != "":
		db.dialect = SQLite
		err = db.openSQLite(ctx, rest)
	case ok && (kind == "postgres" || kind == "postgresql"):
		db.dialect = Postgres
		err = db.openPostgres(ctx, url)
	default:
		return nil, fmt.Errorf("store %q: want sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE", url)
	}
	if err == nil {
		err = db.connect(ctx)
	}
	if err == nil {
		err = db.migrate(ctx)
	}
	if err != nil {
		db.dropConn()
		db.closePools()
		return nil, fmt.Errorf("open store %s: %w", db.place, err)
	}
	db.turn <- struct{}{}
	return db, nil
}

// Close waits for the transaction under way, then closes all connections.
// Later calls of Write return ErrClosed.
func (db *DB) Close() error {
	if _, ok := <-db.turn; !ok {
		return nil
	}
	db.dropConn()
	close(db.turn)
	return db.closePools()
}

func (db *DB) closePools() error {
	var errs []error
	for _, pool := range []*sql.DB{db.read, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}

// Trouble is why a transaction failed that should not have.
type Trouble struct {
	Since time.Time // of the first in a row
	Err   error
}

// Trouble tells why the last transaction failed, where that lay in the store
// itself (see Unwell); nil when it did not, or none has failed since the last
// that was committed.
func (db *DB) Trouble() *Trouble { return db.trouble.Load() }

// noted keeps what an end of a transaction says of the store.
func (db *DB) noted(err error) error {
	switch was := db.trouble.Load(); {
	case err == nil && was != nil:
		db.trouble.Store(nil)
	case err != nil && (errors.Is(err, ErrUnknown) || Unwell(err)):
		t := &Trouble{time.Now(), err}
		if was != nil {
			t.Since = was.Since
		}
		db.trouble.Store(t)
	}
	return err
}

// Dialect tells which database is behind the store. Callers need it for
// messages only: SQL is the same for both.
func (db *DB) Dialect() Dialect { return db.dialect }

// String names the store in messages, without a password.
func (db *DB) String() string { return db.place }

// Commits is the number of transactions committed since Open, and how many
// failed with their outcome not known.
func (db *DB) Commits() (done, unknown uint64) { return db.commits.Load(), db.unknown.Load() }
