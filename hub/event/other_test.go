package event_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// counter is a Model with a table of its own.
type counter struct{ fail error }

func (*counter) Name() string { return "counter" }
func (c *counter) Apply(ctx context.Context, tx *store.Tx, events []event.Event) error {
	if c.fail != nil {
		return c.fail
	}
	for _, e := range events {
		_, err := tx.Exec(ctx, "INSERT INTO counted (type, n) VALUES ($1, 1) ON CONFLICT (type) DO UPDATE SET n = counted.n + 1", e.Type)
		if err != nil {
			return err
		}
	}
	return nil
}
func (*counter) Reset(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, "DELETE FROM counted")
	return err
}
func (*counter) Digest(ctx context.Context, q store.Querier) (string, error) {
	var n int
	err := q.QueryRow(ctx, "SELECT COALESCE(SUM(n), 0) FROM counted").Scan(&n)
	return fmt.Sprint(n), err
}

// A Model with tables of its own is rebuilt like any other, and after a
// failure at the next start.
func TestModelWithItsOwnTables(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "CREATE TABLE counted (type TEXT PRIMARY KEY, n BIGINT NOT NULL)")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		count := func() string {
			t.Helper()
			s, err := new(counter).Digest(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		l := open(t, db)
		for range 3 {
			command(t, l, amount("a", 1, ""), amount("b", 1, ""))
		}
		m := &counter{}
		l = open(t, db, m, newTally(1))
		command(t, l, amount("a", 1, ""))
		if got := count(); got != "7" {
			t.Errorf("counted %s, want 7", got)
		}
		results, err := l.RebuildVerified(t.Context(), nil, nil)
		if err != nil || len(results) != 2 {
			t.Fatalf("got %+v, %v", results, err)
		}
		for _, r := range results {
			if r.Before == "" || !r.Same() || r.Events != 7 {
				t.Errorf("got %+v", r)
			}
		}
		m.fail = errors.New("no")
		if err := l.Rebuild(t.Context(), []string{"counter"}, nil); !errors.Is(err, m.fail) {
			t.Errorf("got %v", err)
		}
		if _, err := event.Open(t.Context(), event.Options{Store: db, Models: []event.Model{m}, Log: storetest.Logger(t)}); !errors.Is(err, m.fail) {
			t.Errorf("open with a model that cannot be built: %v", err)
		}
		m.fail = nil
		open(t, db, m)
		if got := count(); got != "7" {
			t.Errorf("counted %s after the next start, want 7", got)
		}
	})
}
