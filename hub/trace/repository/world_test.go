package repository

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// world is a repository on a store.
type world struct {
	t     testing.TB
	store *store.DB
	log   *event.Log
	*Repository
	clock atomic.Int64
}

const noon = 1_767_268_800_000 // 2026-01-01T12:00:00Z

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, store: db}
	w.clock.Store(noon)
	now := func() time.Time { return time.UnixMilli(w.clock.Load()) }
	var err error
	if w.log, err = event.Open(t.Context(), event.Options{Store: db, Now: now, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	if w.Repository, err = New(t.Context(), Options{Store: db, Events: w.log, Now: now, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	return w
}

// record is an event about one EPC.
func record(id string, at int64, content string, terms ...Term) *Record {
	sum := sha256.Sum256([]byte(content))
	r := &Record{ID: id, Hash: hex.EncodeToString(sum[:]), Time: at, Document: fmt.Appendf(nil, `{"eventID":%q,"content":%q}`, id, content), Terms: terms}
	if id == "" {
		r.ID = "ni:///sha-256;" + r.Hash + "?ver=CBV2.0"
	}
	return r
}

func epc(n int) string { return fmt.Sprintf("https://id.gs1.org/01/09506000134352/21/%08d", n) }

func items(all ...*Record) (out []Item) {
	for i, r := range all {
		out = append(out, Item{Record: r, Pointer: fmt.Sprintf("/epcisBody/eventList/%d", i)})
	}
	return out
}

func (w *world) capture(b Behaviour, all ...*Record) Job {
	w.t.Helper()
	j, err := w.Capture(w.t.Context(), Capture{By: "partner/wholesaler", Behaviour: b, Items: items(all...)})
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

// ids gives the ids of all events of a query, read in pages.
func (w *world) ids(q Query, perPage int) (all []string) {
	w.t.Helper()
	var from *Position
	for {
		page, next, err := w.Fetch(w.t.Context(), q, from, perPage)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range page {
			all = append(all, r.ID)
		}
		if next == nil {
			return all
		}
		if len(page) != perPage {
			w.t.Fatalf("a page of %d, want %d", len(page), perPage)
		}
		from = next
	}
}
