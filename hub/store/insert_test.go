package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestInsert: rows come out as they went in, however many there are, on both
// databases; what conflicts is told or passed over, and nothing is half done.
func TestInsert(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		write := func(do func(context.Context, *store.Tx) error) error { return db.Write(ctx, do) }
		if err := write(func(ctx context.Context, tx *store.Tx) error {
			blob := "BLOB"
			if tx.Dialect() == store.Postgres {
				blob = "BYTEA"
			}
			_, err := tx.Exec(ctx, "CREATE TABLE inserted (n BIGINT PRIMARY KEY, word TEXT NOT NULL, x DOUBLE PRECISION NOT NULL, b "+blob+" NOT NULL)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		columns := []string{"n BIGINT", "word TEXT", "x DOUBLE PRECISION", "b BLOB"}
		strict := store.NewInsert("inserted", "", columns...)
		lenient := store.NewInsert("inserted", "ON CONFLICT DO NOTHING", columns...)
		upsert := store.NewInsert("inserted", "ON CONFLICT (n) DO UPDATE SET word = excluded.word", columns...)
		fill := func(i *store.Insert, from, to int, word string) error {
			return write(func(ctx context.Context, tx *store.Tx) error {
				rows := i.Into(tx)
				for n := from; n < to; n++ {
					if err := rows.Add(ctx, int64(n), fmt.Sprintf("%s %d é ' \" \\ {,}", word, n), float64(n)/3, []byte{byte(n), 0, 255}); err != nil {
						return err
					}
				}
				if err := rows.Flush(ctx); err != nil {
					return err
				}
				return rows.Flush(ctx) // nothing is left
			})
		}
		check := func(count int, of func(n int) string) {
			t.Helper()
			rows, err := db.Query(ctx, "SELECT n, word, x, b FROM inserted ORDER BY n")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			got := 0
			for ; rows.Next(); got++ {
				var n int
				var word string
				var x float64
				var b []byte
				if err := rows.Scan(&n, &word, &x, &b); err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("%s %d é ' \" \\ {,}", of(n), n); n != got || word != want || x != float64(n)/3 || string(b) != string([]byte{byte(n), 0, 255}) {
					t.Fatalf("row %d: %d %q %g %v", got, n, word, x, b)
				}
			}
			if err := rows.Err(); err != nil || got != count {
				t.Fatalf("%d rows, want %d; %v", got, count, err)
			}
		}
		first := func(int) string { return "first" }
		at := 0
		for _, some := range []int{0, 1, 3, 4, 5, 15, 16, 17, 37, 4096, 4097} {
			if err := fill(strict, at, at+some, "first"); err != nil {
				t.Fatal(err)
			}
			at += some
			check(at, first)
		}
		if err := fill(strict, at-1, at+40, "second"); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a row that is there: %v", err)
		}
		check(at, first)
		if err := fill(lenient, at-20, at, "second"); err != nil {
			t.Error(err)
		}
		check(at, first)
		if err := fill(upsert, at-20, at+20, "third"); err != nil {
			t.Error(err)
		}
		check(at+20, func(n int) string {
			if n < at-20 {
				return "first"
			}
			return "third"
		})
		// Long texts are sent before they fill the memory.
		if err := write(func(ctx context.Context, tx *store.Tx) error {
			rows := strict.Into(tx)
			for n := range 12 {
				if err := rows.Add(ctx, at+100+n, strings.Repeat("x", 1<<20), 0.0, []byte{}); err != nil {
					return err
				}
			}
			return rows.Flush(ctx)
		}); err != nil {
			t.Error(err)
		}
		for name, values := range map[string][]any{"too few": {int64(1)}, "another type": {int64(1), "x", 1.5, "no bytes"}} {
			err := write(func(ctx context.Context, tx *store.Tx) error {
				if name == "another type" && tx.Dialect() != store.Postgres { // SQLite has no types
					return errors.New("not asked")
				}
				return strict.Into(tx).Add(ctx, values...)
			})
			if err == nil {
				t.Errorf("%s: was taken", name)
			}
		}
	})
}
