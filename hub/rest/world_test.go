package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/event"
	"frostline/hub/people"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// part is what a context adds to a world, from an init of its test file, to
// have its operations tested like everybody's:
//
//	func init() {
//		parts = append(parts, func(w *world) func(*Config) {
//			m := orders.NewModel()
//			w.models = append(w.models, m.Models()...)
//			return func(cfg *Config) { cfg.Orders = orders.New(w.log, m) } // the log is open now
//		})
//	}
//
// What is asked for is the example of a parameter or field (the tag example),
// where it has one: a mount that enters things by these ids has their
// operations tested on what is there.
type part func(w *world) (mount func(*Config))

var parts []part

// world is a hub's interface with all contexts on a real store.
type world struct {
	t      testing.TB
	db     *store.DB
	log    *event.Log
	models []event.Model
	api    *API
	h      http.Handler
	tokens map[string]string // by scopes, with spaces between
	ms     atomic.Int64      // the clock; each look at it takes a second
}

func (w *world) now() time.Time { return time.UnixMilli(w.ms.Add(1000)) }

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{t: t, db: openAt(t, url), tokens: map[string]string{}}
	w.ms.Store(1_790_000_000_000)
	var mounts []func(*Config)
	for _, p := range parts {
		mounts = append(mounts, p(w))
	}
	keeper, err := people.New(people.Options{Store: w.db, Log: storetest.Logger(t), Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	if w.log, err = event.Open(t.Context(), event.Options{Store: w.db, Models: w.models, Now: w.now, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.Add(t.Context(), "os/0", "ann", "Ann Example", []string{"qa", "admin"}, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	for _, scopes := range []string{"read", "write", "qa", "admin", "read write qa admin"} {
		secret, _, err := keeper.NewToken(t.Context(), "os/0", "test", "person/ann", strings.Fields(scopes), people.MostLife)
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[scopes] = secret
	}
	cfg := Config{Store: w.db, Tokens: keeper, People: keeper, Log: storetest.Logger(t), Now: w.now, Version: "test"}
	for _, mount := range mounts {
		mount(&cfg)
	}
	if w.api, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	w.h = w.api.Handler()
	return w
}

func (w *world) all() string { return w.tokens["read write qa admin"] }

// operations gives all operations, in an order that stays.
func (w *world) operations() (ops []*huma.Operation) {
	paths := w.api.OpenAPI().Paths
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		ops = append(ops, operationsOf(paths[path])...)
	}
	return ops
}

// passing are tables that requests change by the way.
var passing = []string{"rest_reply", "people_token", "goose_db_version"}

// state is a digest of everything the store holds, and of what the read models
// say: the same where nothing was changed.
func (w *world) state() string {
	w.t.Helper()
	h := sha256.New()
	ctx := w.t.Context()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`
	if w.db.Dialect() == store.Postgres {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`
	}
	for _, table := range w.column(ctx, query) {
		if !slices.Contains(passing, table) && !strings.HasPrefix(table, "sqlite_") {
			fmt.Fprintf(h, "%s %q\n", table, w.rows(ctx, table))
		}
	}
	for _, m := range w.log.Models() {
		sum, err := w.log.Digest(ctx, m)
		fmt.Fprintln(h, m, sum, err)
	}
	return fmt.Sprintf("%d events, %s", w.log.Last(), hex.EncodeToString(h.Sum(nil)[:8]))
}

func (w *world) column(ctx context.Context, query string) (out []string) {
	w.t.Helper()
	rows, err := w.db.Query(ctx, query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func (w *world) rows(ctx context.Context, table string) []string {
	w.t.Helper()
	rows, err := w.db.Query(ctx, "SELECT * FROM "+table)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		row := make([]any, len(names))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			w.t.Fatal(err)
		}
		var b strings.Builder
		for _, v := range row {
			io.WriteString(&b, fmt.Sprintf("%v|", *v.(*any)))
		}
		out = append(out, b.String())
	}
	slices.Sort(out)
	return out
}
