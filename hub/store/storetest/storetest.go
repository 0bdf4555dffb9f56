// Package storetest runs a test on each database that the hub's store can be:
// a SQLite file and a real PostgreSQL started for the test.
package storetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"frostline/hub/store"
)

// Run runs test as a subtest for each database, with an empty store that is
// closed at its end. Where PostgreSQL is not installed that subtest is skipped,
// and fails when the environment says CI=true.
func Run(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	URLs(t, func(t *testing.T, url string) { test(t, Open(t, url)) })
}

// URLs is Run for tests that open the store themselves, or more than once.
func URLs(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// Open opens a store and closes it when the test ends.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), url, Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}

// SQLite gives the url of a file in the test's own directory.
func SQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "hub.db") }

// Logger gives a logger that writes to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func inCI() bool { ci, _ := strconv.ParseBool(os.Getenv("CI")); return ci }
