package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unwell reports whether an error lies in the store or the machine as they are
// now, such as a full disk or a server that is away: the same statement may
// succeed once that is mended, and no other would now.
func Unwell(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var away *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &lite):
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN,
			sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM:
			return true
		}
		return false
	case errors.As(err, &pg):
		if len(pg.Code) != 5 {
			return false
		}
		switch pg.Code[:2] {
		case "08", "25", "40", "53", "55", "57", "58": // connection, transaction state, rollback, resources, locks, operator, system
			return true
		}
		return false
	case errors.As(err, &away), errors.As(err, &network), pgconn.SafeToRetry(err):
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF)
}
