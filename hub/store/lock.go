package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrInUse is wrapped by the error of Open when another process has the store
// open. Two hubs over one store would each know of half of what is committed.
var ErrInUse = errors.New("another process uses the store: stop it, or give this one a store of its own")

// lockWait is how long a hub that starts waits for one that is just ending.
const lockWait = 10 * time.Second

// lockFile holds a SQLite store for this process, by a lock on a file beside
// it that the kernel gives up when the process ends in whatever way. It is
// not a lock on the store itself: closing another handle of a file drops the
// locks that SQLite holds on it.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create lock: %w", err)
	}
	for deadline := time.Now().Add(lockWait); ; {
		held, err := tryLock(f)
		switch {
		case err != nil:
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		case held:
			return f, nil
		case time.Now().After(deadline):
			f.Close()
			return nil, ErrInUse
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// advisoryLock names the hub among the locks of a PostgreSQL database.
const advisoryLock = 0x66726f737468 // "frosth"

// lockSession holds a PostgreSQL store by a lock of the writing session, which
// the server gives up when the connection ends.
func lockSession(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		var held bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(advisoryLock)).Scan(&held); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if held {
			return nil
		}
		select {
		case <-ctx.Done():
			return ErrInUse
		case <-time.After(50 * time.Millisecond):
		}
	}
}
