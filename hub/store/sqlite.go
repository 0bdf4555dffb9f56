package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// errBad makes database/sql close a connection for good.
var errBad = driver.ErrBadConn

// openSQLite opens the file for one writer and several readers. In WAL mode
// with synchronous=FULL each commit is one sync of the log.
func (db *DB) openSQLite(ctx context.Context, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db.place = "sqlite:" + abs
	if db.lock, err = lockFile(ctx, abs); err != nil {
		return err
	}
	if err := db.createFile(abs); err != nil {
		return err
	}
	name := "file:" + (&url.URL{Path: abs}).EscapedPath()
	pragmas := func(more ...string) string {
		v := url.Values{}
		for _, p := range append([]string{
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"foreign_keys(1)", "cache_size(-16000)", "journal_size_limit(67108864)",
		}, more...) {
			v.Add("_pragma", p)
		}
		return v.Encode()
	}
	db.write, err = sql.Open("sqlite", name+"?_txlock=immediate&"+pragmas("journal_mode(WAL)", "synchronous(FULL)"))
	if err != nil {
		return err
	}
	db.write.SetMaxOpenConns(1)
	var mode string
	var sync, keys int
	for pragma, into := range map[string]any{"journal_mode": &mode, "synchronous": &sync, "foreign_keys": &keys} {
		if err := db.write.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(into); err != nil {
			return fmt.Errorf("read %s: %w", pragma, err)
		}
	}
	if mode != "wal" || sync != 2 || keys != 1 {
		return fmt.Errorf("journal_mode is %s, synchronous %d, foreign_keys %d: want wal, 2 and 1; is the file on a network or read-only file system?", mode, sync, keys)
	}
	db.read, err = sql.Open("sqlite", name+"?"+pragmas("query_only(1)"))
	if err != nil {
		return err
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return nil
}

// createFile makes a missing database file for its owner alone and syncs its
// directory, so that the file outlives a power cut from the first commit on.
func (db *DB) createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	db.log.Info("created store", "store", db.place)
	return nil
}

// duplicateSQLite reports a violated primary key or unique index.
func duplicateSQLite(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

func faultySQLite(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}
