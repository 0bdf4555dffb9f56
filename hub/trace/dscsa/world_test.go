package dscsa

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/hub/trace/repository"
)

// Keys of the guideline's example: the seller, and the buyer, who is us.
const (
	maker    = "0300011111116"
	us       = "0399999999991"
	ourSite  = "0399993456780"
	clinic   = "0614141000005"
	gtin     = "00300010123455"
	start    = int64(1_767_225_600_000) // 2026-01-01T00:00:00Z, a Thursday
	day      = 24 * int64(time.Hour/time.Millisecond)
	hour     = int64(time.Hour / time.Millisecond)
	aCourier = "person/ann"
)

// world is a desk on a store, with other contexts played.
type world struct {
	*Desk
	t     testing.TB
	db    *store.DB
	log   *event.Log
	repo  *repository.Repository
	clock atomic.Int64

	mu       sync.Mutex
	units    map[string]fact.UnitReceived
	products map[string]fact.ProductRecord
	loads    map[string]Load
}

func (w *world) now() time.Time { return time.UnixMilli(w.clock.Load()) }

func config() Config {
	return Config{
		GLN: us, Prefixes: []string{"039999", "0614141"},
		Parties: []Party{
			{GLN: us, Name: "GS1 Drug Distributor", Street: "230 Park Ave S", City: "New York", State: "NY", Postal: "10003", Country: "US"},
			{GLN: clinic, Name: "Clinic", Street: "1 Main St", City: "Boston", State: "MA", Postal: "02101", Country: "US"},
		},
		Contact: Contact{Name: "Quality", Email: "dscsa@example.com", Phone: "+1 555 0100", Category: "Wholesale Distributor"},
	}
}

func newWorld(t testing.TB, db *store.DB, c Config) *world {
	t.Helper()
	w := &world{t: t, db: db, units: map[string]fact.UnitReceived{}, loads: map[string]Load{}, products: map[string]fact.ProductRecord{
		gtin: {ID: "epcistra", Name: "Epcistra", GTIN: gtin, NDC: "0001-0123-45", Profile: "pr1"},
	}}
	w.clock.Store(start)
	w.open(c)
	return w
}

// open opens the desk anew.
func (w *world) open(c Config) {
	w.t.Helper()
	m := NewModel()
	var err error
	if w.log, err = event.Open(w.t.Context(), event.Options{Store: w.db, Models: m.Models(), Now: w.now, Log: storetest.Logger(w.t)}); err != nil {
		w.t.Fatal(err)
	}
	if w.repo, err = repository.New(w.t.Context(), repository.Options{Store: w.db, Events: w.log, Now: w.now, Log: storetest.Logger(w.t)}); err != nil {
		w.t.Fatal(err)
	}
	w.Desk, err = New(Options{Config: c, Log: w.log, Store: w.db, Model: m, Repository: w.repo, Products: w, Units: w, Shipments: w, Client: vrs.NewClient(nil), Now: w.now, Logger: storetest.Logger(w.t)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ByGTIN(_ context.Context, gtin string) (fact.ProductRecord, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.products[gtin]
	return p, ok, nil
}

func (w *world) Unit(_ context.Context, id string) (fact.UnitReceived, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := w.units[id]
	return u, ok, nil
}

func (w *world) Receive(_ context.Context, _, _ string, units []fact.UnitReceived) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range units {
		w.units[u.ID] = u
	}
	return nil
}

func (w *world) Load(_ context.Context, id string) (Load, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.loads[id]
	return l, ok, nil
}

// ship has some of the example's units leave to a site, "" for a patient's home.
func (w *world) ship(id, to string, serials ...string) {
	p := Parcel{ID: "003999900000000123", Packed: w.clock.Load() - 2*hour}
	for _, s := range serials {
		p.Units = append(p.Units, w.units[gtin+"."+s])
	}
	l := Load{Plan: fact.ShipmentPlanned{ID: id, Order: "O-1", From: "S1", To: to}, Dispatched: w.clock.Load() - hour, Parcels: []Parcel{p}, From: fact.SiteRecord{ID: "S1", Name: "Site 1", GLN: ourSite}}
	if to != "" {
		l.To = fact.SiteRecord{ID: to, Name: "Clinic", GLN: clinic}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads[id] = l
}

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("statement/testdata/GS1_US_Pharma_Example_2_2_1_1.xml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// changed is the example with something replaced.
func changed(t testing.TB, pairs ...string) []byte {
	t.Helper()
	return []byte(strings.NewReplacer(pairs...).Replace(string(example(t))))
}

// takeIn receives a document.
func (w *world) takeIn(body []byte) TradeStatement {
	w.t.Helper()
	s, err := w.Desk.Receive(w.t.Context(), "partner/maker", "", body, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
