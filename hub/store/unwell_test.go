package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestUnwellTellsTheDiskFromTheData provokes real errors of both databases.
func TestUnwellTellsTheDiskFromTheData(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		try := func(do func(context.Context, *store.Tx) error) error {
			err := db.Write(t.Context(), do)
			return fmt.Errorf("wrapped: %w", err)
		}
		exec := func(query string) func(context.Context, *store.Tx) error {
			return func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, query); return err }
		}
		full := exec("DO $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$")
		if db.Dialect() == store.SQLite {
			full = func(ctx context.Context, tx *store.Tx) error {
				var most int
				if err := tx.QueryRow(ctx, "PRAGMA max_page_count = 1").Scan(&most); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "CREATE TABLE hoard AS SELECT zeroblob(10000000) AS data")
				return err
			}
		}
		if err := try(full); !store.Unwell(err) {
			t.Errorf("a full disk is not told: %v", err)
		}
		if s := db.Trouble(); s == nil || !store.Unwell(s.Err) || s.Since.IsZero() {
			t.Errorf("the store does not tell of its trouble: %+v", s)
		}
		if err := db.Write(t.Context(), func(context.Context, *store.Tx) error { return nil }); err != nil || db.Trouble() != nil {
			t.Errorf("trouble is not over: %v, %+v", err, db.Trouble())
		}
		for name, query := range map[string]string{"no table": "INSERT INTO nothing VALUES (1)", "no value": "INSERT INTO store_instance (id) VALUES (NULL)", "syntax": "SELEC"} {
			if err := try(exec(query)); store.Unwell(err) {
				t.Errorf("%s: taken for a fault of the store: %v", name, err)
			}
		}
	})
	if store.Unwell(nil) || store.Unwell(errors.New("of another kind")) {
		t.Error("what is no error of the store is taken for one")
	}
}
