package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// allowFsyncOff is the url parameter that lets tests use a server which does
// not sync.
const allowFsyncOff = "allow_fsync_off"

// openPostgres opens one connection to write and a pool to read. Each writing
// connection is told to wait for the sync of its commits.
func (db *DB) openPostgres(ctx context.Context, raw string) error {
	db.place = "postgres"
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("the url cannot be parsed: want postgres://USER:PASSWORD@HOST/DATABASE") // err would show the password
	}
	db.place = u.Redacted()
	query := u.Query()
	unsafe := query.Get(allowFsyncOff) == "true"
	query.Del(allowFsyncOff)
	u.RawQuery = query.Encode()
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = "frostline-hub"
	reader := config.Copy()
	reader.RuntimeParams["default_transaction_read_only"] = "on"
	db.write = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		return insistOnSync(ctx, c, unsafe)
	}))
	db.write.SetMaxOpenConns(1)
	db.read = stdlib.OpenDB(*reader)
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	db.read.SetConnMaxIdleTime(5 * time.Minute)
	return db.write.PingContext(ctx)
}

// insistOnSync makes every commit of a connection wait for the disk, and fails
// where the server would not sync even so.
func insistOnSync(ctx context.Context, c *pgx.Conn, unsafe bool) error {
	var commit, fsync string
	if err := c.QueryRow(ctx, "SELECT current_setting('synchronous_commit'), current_setting('fsync')").Scan(&commit, &fsync); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if commit != "on" && commit != "remote_apply" {
		if _, err := c.Exec(ctx, "SET synchronous_commit = on"); err != nil {
			return fmt.Errorf("set synchronous_commit: %w", err)
		}
	}
	if fsync != "on" && !unsafe {
		return fmt.Errorf("setting fsync is %q: a commit would not be on disk when it is acknowledged; set fsync = on in postgresql.conf", fsync)
	}
	return nil
}

const uniqueViolation = "23505"

func duplicatePostgres(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == uniqueViolation
}

func isDuplicate(err error) bool { return duplicateSQLite(err) || duplicatePostgres(err) }

// faultyPostgres: classes 21 to 23 are about values, 54 about limits.
func faultyPostgres(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) || len(e.Code) != 5 {
		return false
	}
	switch e.Code[:2] {
	case "21", "22", "23", "54":
		return true
	}
	return false
}
