package dossier_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/orders"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	start  = int64(1_790_000_000_000)
)

// weather is a history of sensor g1/s0, in ms since start.
type weather struct {
	from, to, step int64
	value          func(since int64) thermal.Temp
	ok, conflict   bool
	undated        bool
}

func (w *weather) Temperatures(_ context.Context, _, _ string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error {
	for at := w.from; w.step > 0 && at < w.to && !w.undated; at += w.step {
		if utc := start + at; utc >= from && utc < to {
			if err := visit(utc, int64(w.value(at)), w.ok, w.conflict); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *weather) UndatedTemperatures(context.Context, string, string) ([][2]int64, error) {
	if w.undated {
		return [][2]int64{{start + w.from, start + w.to}}, nil
	}
	return nil, nil
}

func (*weather) Timeline(context.Context, string, uint32, uint32) (*truetime.Timeline, error) {
	return nil, nil
}

func (*weather) Measured(string, uint32, uint32) (string, reading.Quantity, bool) {
	return "", 0, false
}

func (*weather) Replay(context.Context, int64, func(*batch.Batch) error) error { return nil }

// nobody may sign.
type nobody struct{}

func (nobody) Reauthenticate(context.Context, string, string) (string, []string, error) {
	return "", nil, excursion.ErrPassword
}

// hub is all contexts that a dossier is put together from.
type hub struct {
	t       testing.TB
	now     atomic.Int64
	log     *event.Log
	orders  *orders.Orders
	places  *custody.Custody
	catalog *catalog.Catalog
	engine  *correlate.Engine
	cases   *excursion.Cases
	seen    int64
	*dossier.Builder
}

func newHub(t testing.TB, w *weather) *hub {
	h := &hub{t: t}
	h.now.Store(start)
	clock := func() time.Time { return time.UnixMilli(h.now.Load()) }
	db, logger := storetest.Open(t, storetest.SQLite(t)), storetest.Logger(t)
	cm, om, um, tables := catalog.NewModel(), orders.NewModel(), custody.NewModel(), excursion.NewTables()
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	h.log, err = event.Open(ctx, event.Options{Store: db, Models: slices.Concat([]event.Model{cm.Model()}, om.Models(), um.Models(), tables.Models()), Now: clock, Log: logger})
	must()
	h.places, err = custody.New(custody.Options{Log: h.log, Store: db, Model: um, Catalog: cm, Orders: om, Now: clock, Logger: logger})
	must()
	h.catalog, err = catalog.New(catalog.Options{Log: h.log, Store: db, Model: cm, Now: clock, Logger: logger})
	must()
	h.engine, err = correlate.New(ctx, correlate.Options{Store: db, Events: h.log, History: w, Series: w, Evidence: w, Now: clock, Log: logger})
	must()
	h.orders, err = orders.New(orders.Options{Log: h.log, Store: db, Model: om, Catalog: cm, Places: h.places, Now: clock, Logger: logger})
	must()
	h.cases, err = excursion.New(excursion.Options{Events: h.log, Store: db, Tables: tables, Signers: nobody{}, Now: clock, Log: logger})
	must()
	h.Builder = &dossier.Builder{Orders: h.orders, Places: h.places, Cases: h.cases, Verdicts: h.engine, Profiles: h.catalog, Events: h.log, Now: clock}
	return h
}

// stock enters a zone with a sensor, and a profile.
func (h *hub) stock(profile func(*thermal.Profile)) {
	h.t.Helper()
	p, err := thermal.Named("refrigerated")
	if err != nil {
		h.t.Fatal(err)
	}
	if p.ID = "cold"; profile != nil {
		profile(&p)
	}
	ctx := context.Background()
	for _, r := range []fact.Record{fact.SiteRecord{ID: "S1", Name: "Site"}, fact.ProfileRecord{Profile: p}, fact.ZoneRecord{ID: "Z1", Site: "S1", Name: "Zone"},
		fact.GatewayRecord{ID: "g1", Site: "S1"}, fact.SensorRecord{ID: "g1/s0"}} {
		if _, err := h.catalog.Define(ctx, "person/ann", "test", r, 0); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.orders.Plan(ctx, "person/ann", "", fact.ShipmentPlanned{ID: "H1", From: "S1"}, 0); err != nil {
		h.t.Fatal(err)
	}
}

// place states that a sensor is in the zone from start on.
func (h *hub) place() {
	h.t.Helper()
	in := fact.Ref{Kind: fact.Zone, ID: "Z1"}
	if _, err := h.places.Take(context.Background(), "person/ann", "", []custody.Scan{{Attached: &fact.Attached{ID: "s", Subject: fact.Ref{Kind: fact.Sensor, ID: "g1/s0"}, In: &in, At: start, Made: start, Via: "scan"}}}, false); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) pack(id string) {
	h.t.Helper()
	in := fact.Ref{Kind: fact.Zone, ID: "Z1"}
	if _, err := h.orders.Pack(context.Background(), "person/ann", "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: "H1", Profile: "cold", At: start}, In: &in}, 0); err != nil {
		h.t.Fatal(fmt.Errorf("pack %s: %w", id, err))
	}
}

// settle judges what there is to judge, and opens cases.
func (h *hub) settle() {
	h.t.Helper()
	ctx := context.Background()
	if err := h.engine.Settle(ctx); err != nil {
		h.t.Fatal(err)
	}
	events, err := h.log.Read(ctx, h.seen, 10_000)
	if err == nil && len(events) > 0 {
		h.seen = events[len(events)-1].Position
		err = h.cases.Handle(ctx, events)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
