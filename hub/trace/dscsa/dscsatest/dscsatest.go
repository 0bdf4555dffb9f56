// Package dscsatest opens a desk of DSCSA duties on a store, for tests of what
// stands on it. The event log, the repository of events and the desk are real;
// products, units and shipments are in memory.
package dscsatest

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/repository"
)

// Keys of the guideline's example: its product, and the buyer, who is us.
const (
	GTIN = "00300010123455"
	Us   = "0399999999991"
)

// Product is that of the example.
var Product = fact.ProductRecord{ID: "epcistra", Name: "Epcistra", GTIN: GTIN, NDC: "0001-0123-45", Profile: "pr1"}

// World is a desk with what it stands on. Its methods may be called from any
// goroutine.
type World struct {
	*dscsa.Desk
	Log        *event.Log
	Repository *repository.Repository

	t        testing.TB
	mu       sync.Mutex
	products map[string]fact.ProductRecord
	packages map[string]bool
	units    map[string]fact.UnitReceived
}

// Open opens a desk, with read models of others on the same log. Its clock is now.
func Open(t testing.TB, db *store.DB, now func() time.Time, more ...event.Model) *World {
	t.Helper()
	w := &World{t: t, products: map[string]fact.ProductRecord{GTIN: Product}, units: map[string]fact.UnitReceived{}, packages: map[string]bool{}}
	m := dscsa.NewModel()
	var err error
	if w.Log, err = event.Open(t.Context(), event.Options{Store: db, Models: append(m.Models(), more...), Now: now, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	if w.Repository, err = repository.New(t.Context(), repository.Options{Store: db, Events: w.Log, Now: now, Log: storetest.Logger(t)}); err != nil {
		t.Fatal(err)
	}
	w.Desk, err = dscsa.New(dscsa.Options{
		Config: dscsa.Config{
			GLN: Us, Prefixes: []string{"039999", "0614141"},
			Parties: []dscsa.Party{{GLN: Us, Name: "GS1 Drug Distributor", Street: "230 Park Ave S", City: "New York", State: "NY", Postal: "10003", Country: "US"}},
			Contact: dscsa.Contact{Name: "Quality", Email: "dscsa@example.com", Phone: "+1 555 0100", Category: "Wholesale Distributor"},
		},
		Log: w.Log, Store: db, Model: m, Repository: w.Repository, Products: w, Units: w, Shipments: w, Now: now, Logger: storetest.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ByGTIN is as in dscsa.Products.
func (w *World) ByGTIN(_ context.Context, gtin string) (fact.ProductRecord, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.products[gtin]
	return p, ok, nil
}

// Unsell takes all products out of the catalog.
func (w *World) Unsell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.products)
}

// HasPackage is as in lookup.Packages.
func (w *World) HasPackage(_ context.Context, id string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.packages[id], nil
}

// AddPackage makes a package known.
func (w *World) AddPackage(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.packages[id] = true
}

// Unit is as in dscsa.Units.
func (w *World) Unit(_ context.Context, id string) (fact.UnitReceived, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := w.units[id]
	return u, ok, nil
}

// Receive is as in dscsa.Units: each unit is an event, as that of hub/orders is.
func (w *World) Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived) error {
	_, err := w.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		for _, u := range units {
			ref := fact.Ref{Kind: fact.Unit, ID: u.ID}
			if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.UnitWasReceived, Reason: reason, Data: u}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range units {
		w.units[u.ID] = u
	}
	return nil
}

// Load is as in dscsa.Shipments: nothing was shipped.
func (w *World) Load(context.Context, string) (dscsa.Load, bool, error) {
	return dscsa.Load{}, false, nil
}

// Example is the document of the guideline of GS1 US, with pairs of texts replaced.
func Example(t testing.TB, pairs ...string) []byte {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../statement/testdata/GS1_US_Pharma_Example_2_2_1_1.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(b)))
}

// TakeIn receives a document of a partner.
func (w *World) TakeIn(body []byte) dscsa.TradeStatement {
	w.t.Helper()
	s, err := w.Desk.Receive(w.t.Context(), "partner/maker", "", body, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
