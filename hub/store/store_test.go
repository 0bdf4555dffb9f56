package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const (
	makeTable = "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE)"
	insert    = "INSERT INTO thing (id, name) VALUES ($1, $2)"
	count     = "SELECT count(*) FROM thing"
)

func withTable(t *testing.T, db *store.DB) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, makeTable); return err })
}

func write(t *testing.T, db *store.DB, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func things(t *testing.T, q store.Querier) (n int) {
	t.Helper()
	if err := q.QueryRow(t.Context(), count).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteIsAllOrNothing(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		failed := errors.New("changed my mind")
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Exec(ctx, insert, 1, "a"); err != nil {
				return err
			}
			if n := things(t, tx); n != 1 {
				t.Errorf("inside the transaction %d rows, want 1", n)
			}
			return failed
		})
		if !errors.Is(err, failed) || things(t, db) != 0 {
			t.Fatalf("got %v and %d rows, want %v and none", err, things(t, db), failed)
		}
		func() {
			defer func() { recover() }()
			db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				tx.Exec(ctx, insert, 1, "a")
				panic("bug")
			})
		}()
		if n := things(t, db); n != 0 {
			t.Fatalf("%d rows after a panic, want none", n)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, insert, 1, "a"); return err })
		if n := things(t, db); n != 1 {
			t.Fatalf("%d rows, want 1", n)
		}
	})
}

func TestDuplicateKeyIsAConflict(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		for _, row := range []struct {
			id   int
			name string
			want error
		}{{1, "a", nil}, {1, "b", store.ErrConflict}, {2, "a", store.ErrConflict}} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, insert, row.id, row.name)
				return err
			})
			if !errors.Is(err, row.want) {
				t.Errorf("insert %d %s: got %v, want %v", row.id, row.name, err, row.want)
			}
			err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				var id int64
				return tx.QueryRow(ctx, insert+" RETURNING id", row.id, row.name).Scan(&id)
			})
			if !errors.Is(err, store.ErrConflict) {
				t.Errorf("insert %d %s again, returning: got %v, want a conflict", row.id, row.name, err)
			}
		}
	})
}

// TestSwallowedErrorDoesNotCommit: a transaction in which a statement failed
// is reported done only when it is. PostgreSQL answers COMMIT of a broken
// transaction with a rollback and no error.
func TestSwallowedErrorDoesNotCommit(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			tx.Exec(ctx, insert, 1, "a")
			tx.Exec(ctx, insert, 1, "a")
			return nil
		})
		if n := things(t, db); (err == nil) != (n == 1) {
			t.Fatalf("Write gave %v and %d rows are there", err, n)
		}
		write(t, db, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, insert, 2, "b"); return err })
	})
}

func TestReadersCannotWrite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		if err := db.QueryRow(t.Context(), insert+" RETURNING id", 1, "a").Scan(new(int64)); err == nil {
			t.Error("inserted through the read pool")
		}
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, insert, 1, "a"); return err })
		if err == nil {
			t.Error("inserted through a snapshot")
		}
		if n := things(t, db); n != 0 {
			t.Errorf("%d rows, want none", n)
		}
	})
}

func TestSnapshotStaysAsItIs(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			before := things(t, tx)
			write(t, db, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, insert, 1, "a"); return err })
			if after := things(t, tx); after != before {
				t.Errorf("snapshot went from %d to %d rows", before, after)
			}
			return nil
		})
		if err != nil || things(t, db) != 1 {
			t.Fatalf("got %v, %d rows", err, things(t, db))
		}
	})
}

func TestWritersTakeTurns(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						n := things(t, tx)
						_, err := tx.Exec(ctx, insert, n, string(rune('a'+n)))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := things(t, db); n != 80 {
			t.Fatalf("%d rows, want 80", n)
		}
	})
}

func TestReopen(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		withTable(t, db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, insert, 1, "a"); return err })
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(context.Context, *store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
			t.Errorf("write after close: got %v, want %v", err, store.ErrClosed)
		}
		if n := things(t, storetest.Open(t, url)); n != 1 {
			t.Fatalf("%d rows after reopening, want 1", n)
		}
	})
}

// TestOneHubAtATime: a second hub over a store waits for the first to end, and
// gives up where it does not.
func TestOneHubAtATime(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		first := storetest.Open(t, url)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if second, err := store.Open(ctx, url, storetest.Logger(t)); err == nil {
			second.Close()
			t.Fatal("two have the store open")
		}
		opened := make(chan error)
		go func() {
			second, err := store.Open(context.Background(), url, storetest.Logger(t))
			if err == nil {
				err = second.Close()
			}
			opened <- err
		}()
		withTable(t, first)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-opened; err != nil {
			t.Fatalf("once the first has ended: %v", err)
		}
	})
}

func TestNewerStoreIsRefused(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)", 9999)
			return err
		})
		db.Close()
		_, err := store.Open(t.Context(), url, storetest.Logger(t))
		if err == nil || !strings.Contains(err.Error(), "version 9999") {
			t.Fatalf("got %v, want a refusal that names version 9999", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                           "want sqlite:PATH",
		"mysql://x":                  "want sqlite:PATH",
		"sqlite:":                    "want sqlite:PATH",
		"sqlite:/nowhere/at/all/x":   "no such file or directory",
		"postgres://u:secret@%zz/db": "cannot be parsed",
	} {
		db, err := store.Open(t.Context(), url, storetest.Logger(t))
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("open %q: got %v, want %q and no password", url, err, want)
		}
	}
	file := t.TempDir() + "/text"
	os.WriteFile(file, []byte(strings.Repeat("not a database\n", 100)), 0o600)
	if db, err := store.Open(t.Context(), "sqlite:"+file, storetest.Logger(t)); err == nil {
		db.Close()
		t.Error("opened a text file")
	}
}

func TestPostgresMustSync(t *testing.T) {
	url := strings.ReplaceAll(storetest.Postgres(t), "allow_fsync_off=true", "")
	if db, err := store.Open(t.Context(), url, storetest.Logger(t)); err == nil {
		db.Close()
		t.Fatal("accepted a server with fsync=off")
	} else if !strings.Contains(err.Error(), "fsync") {
		t.Fatal(err)
	}
}

func TestPathWithSpecialCharacters(t *testing.T) {
	path := t.TempDir() + "/a b?c%20#d.db"
	storetest.Open(t, "sqlite:"+path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestNoRows(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		withTable(t, db)
		if err := db.QueryRow(t.Context(), "SELECT name FROM thing WHERE id = $1", 5).Scan(new(string)); !errors.Is(err, sql.ErrNoRows) {
			t.Fatalf("got %v, want sql.ErrNoRows", err)
		}
	})
}
