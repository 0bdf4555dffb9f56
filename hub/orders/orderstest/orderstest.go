// Package orderstest opens orders and custody on a store, with a catalog that
// the test writes itself, for their tests and those of the REST interface.
package orderstest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/custody"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// Start is what the clock shows first: 2026-05-01 00:00:00 UTC.
const Start = 1_777_593_600_000

// Bench is orders and custody on one store.
type Bench struct {
	Log     *event.Log
	Orders  *orders.Orders
	Custody *custody.Custody
	Catalog *Catalog
	Models  []event.Model
	model   *orders.Model
	now     atomic.Int64
}

// New opens them on a store, on a log that has more models too.
func New(t testing.TB, db *store.DB, more ...event.Model) *Bench {
	t.Helper()
	b := &Bench{Catalog: &Catalog{records: map[fact.Ref]fact.Record{}, retired: map[fact.Ref]bool{}}}
	b.now.Store(Start)
	om, cm := orders.NewModel(), custody.NewModel()
	b.Models = slices.Concat(om.Models(), cm.Models(), more)
	log := storetest.Logger(t)
	var err error
	if b.Log, err = event.Open(context.Background(), event.Options{Store: db, Models: b.Models, Now: b.Clock, Log: log}); err != nil {
		t.Fatal(err)
	}
	b.Custody, err = custody.New(custody.Options{Log: b.Log, Store: db, Model: cm, Catalog: b.Catalog, Orders: om, Now: b.Clock, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	b.model = om
	b.Hold(t, db, nil)
	return b
}

// Hold opens orders anew, so that what is held goes into no package.
func (b *Bench) Hold(t testing.TB, db *store.DB, holds orders.Holds) {
	t.Helper()
	var err error
	if b.Orders, err = orders.New(orders.Options{
		Log: b.Log, Store: db, Model: b.model, Catalog: b.Catalog, Places: b.Custody, Verdicts: Verdicts{}, Holds: holds, Now: b.Clock, Logger: storetest.Logger(t),
	}); err != nil {
		t.Fatal(err)
	}
}

// Clock is the hub's clock.
func (b *Bench) Clock() time.Time { return time.UnixMilli(b.now.Load()) }

// Now is what it shows, Unix ms.
func (b *Bench) Now() int64 { return b.now.Load() }

// Pass lets time pass.
func (b *Bench) Pass(d time.Duration) { b.now.Add(d.Milliseconds()) }

// Catalog is what has been entered. It is safe for concurrent use.
type Catalog struct {
	mu      sync.Mutex
	records map[fact.Ref]fact.Record
	retired map[fact.Ref]bool
}

// Lookup is as both contexts want it.
func (c *Catalog) Lookup(_ context.Context, _ store.Querier, r fact.Ref) (fact.Record, bool, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record, ok := c.records[r]
	return record, c.retired[r], ok, nil
}

// Present is as custody wants it.
func (c *Catalog) Present(_ context.Context, _ store.Querier, refs []fact.Ref) (map[fact.Ref]bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	present := map[fact.Ref]bool{}
	for _, r := range refs {
		_, present[r] = c.records[r]
	}
	return present, nil
}

// Enter adds records.
func (c *Catalog) Enter(records ...fact.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		c.records[r.Ref()] = r
	}
}

// Retire retires one.
func (c *Catalog) Retire(r fact.Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired[r] = true
}

// GTIN of product D1, and Serials of it are free.
const GTIN = "00614141999996"

// Stock enters what most tests need: sites S1 and S2, zones Z1 and Z2, totes T1
// and T2, a vehicle's compartment C1, parties ph1, co1, co2, a profile pr1 with
// three versions, and products D1 (with GTIN) and D2.
func (b *Bench) Stock() {
	b.Catalog.Enter(
		fact.SiteRecord{ID: "S1", Name: "Site 1"}, fact.SiteRecord{ID: "S2", Name: "Site 2"},
		fact.ZoneRecord{ID: "Z1", Site: "S1"}, fact.ZoneRecord{ID: "Z2", Site: "S1"},
		fact.VehicleRecord{ID: "V1", Type: "van"}, fact.CompartmentRecord{ID: "C1", Vehicle: "V1"},
		fact.ToteRecord{ID: "T1"}, fact.ToteRecord{ID: "T2"}, fact.LoggerRecord{ID: "L1"},
		fact.SensorRecord{ID: "gw-1/cargo"},
		fact.PartyRecord{ID: "ph1", Name: "Pharmacy", Role: "pharmacy"}, fact.PartyRecord{ID: "co1", Name: "Courier", Role: "courier"}, fact.PartyRecord{ID: "co2", Name: "Courier 2", Role: "courier"},
		fact.ProfileRecord{Profile: thermal.Profile{ID: "pr1", Version: 3}},
		fact.ProductRecord{ID: "D1", Name: "Drug 1", GTIN: GTIN, Profile: "pr1"}, fact.ProductRecord{ID: "D2", Name: "Drug 2", Profile: "pr1"},
	)
}

// Verdicts says that packages whose id begins with W are in range.
type Verdicts struct{}

// Words is as orders want it.
func (Verdicts) Words(_ context.Context, packages []string) (map[string]string, error) {
	words := map[string]string{}
	for _, p := range packages {
		if p[0] == 'W' {
			words[p] = "in range"
		}
	}
	return words, nil
}
