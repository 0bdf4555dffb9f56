package workflow

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // so that the engine can use SQLite
	"github.com/jackc/pgx/v5/pgxpool"
)

// database is where the engine keeps how far each saga is. Should it be lost,
// the sagas that are open are run again from the event log.
type database struct {
	config dbos.Config
	close  func() error
}

// openDatabase opens "sqlite:PATH", a file of the engine's own, or
// "postgres://…", where it keeps to the schema dbos.
func openDatabase(ctx context.Context, place string) (*database, error) {
	kind, rest, _ := strings.Cut(place, ":")
	switch kind {
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return openPostgres(ctx, place)
	}
	return nil, errors.New("database of sagas: want sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
}

func openSQLite(ctx context.Context, path string) (*database, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database of sagas %s: %w", path, err)
	}
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("database of sagas: %w", err)
	}
	pragmas := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4000)", "journal_size_limit(16777216)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: abs}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("database of sagas %s: %w", abs, err)
	}
	db.SetMaxOpenConns(4)
	var mode string
	var sync int
	err = errors.Join(db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode), db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync))
	if err == nil && (mode != "wal" || sync != 2) {
		err = fmt.Errorf("journal_mode is %s, synchronous %d: want wal and 2; is the file on a network or read-only file system?", mode, sync)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database of sagas %s: %w", abs, err), db.Close())
	}
	return &database{dbos.Config{SQLiteSystemDB: db}, db.Close}, nil
}

func openPostgres(ctx context.Context, place string) (*database, error) {
	u, err := url.Parse(place)
	if err != nil {
		return nil, errors.New("database of sagas: the url cannot be parsed: want postgres://USER:PASSWORD@HOST/DATABASE") // err would show the password
	}
	query := u.Query()
	query.Del("allow_fsync_off") // is for the hub's store
	u.RawQuery = query.Encode()
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("database of sagas %s: %w", u.Redacted(), err)
	}
	config.MaxConns = 6
	config.ConnConfig.RuntimeParams["application_name"] = "frostline-hub sagas"
	if query.Get("synchronous_commit") == "" {
		config.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database of sagas %s: %w", u.Redacted(), err)
	}
	return &database{dbos.Config{SystemDBPool: pool, DatabaseSchema: "dbos"}, func() error { pool.Close(); return nil }}, nil
}
