package dossiertest

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
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

// Start is when the stories of a World begin, UTC, Unix ms.
const Start = int64(1_790_000_000_000)

// Measured are the readings of all sensors: visit is called for each from from to
// to, UTC, Unix ms, ascending.
type Measured func(gateway, sensor string, from, to int64, visit func(utc int64, value thermal.Temp) error) error

// Every is what a sensor measures at even intervals, in ms, from Start on until an
// instant; holes are without readings. Other sensors measure nothing.
func Every(step, until int64, holes [][2]int64, value func(gateway, sensor string, utc int64) (thermal.Temp, bool)) Measured {
	return func(gateway, sensor string, from, to int64, visit func(int64, thermal.Temp) error) error {
		for at := max(Start, (from+step-1-Start)/step*step+Start); at < min(to, until); at += step {
			v, ok := value(gateway, sensor, at)
			if !ok || slices.ContainsFunc(holes, func(h [2]int64) bool { return at >= h[0] && at < h[1] }) {
				continue
			}
			if err := visit(at, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// Temperatures is for correlate.
func (m Measured) Temperatures(_ context.Context, gateway, sensor string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error {
	return m(gateway, sensor, from, to, func(utc int64, v thermal.Temp) error { return visit(utc, int64(v), true, false) })
}

// UndatedTemperatures is for correlate: there are none.
func (Measured) UndatedTemperatures(context.Context, string, string) ([][2]int64, error) {
	return nil, nil
}

// Timeline, Measured and Replay are for correlate, which follows no feed here.
func (Measured) Timeline(context.Context, string, uint32, uint32) (*truetime.Timeline, error) {
	return nil, nil
}

// Measured is as Timeline.
func (Measured) Measured(string, uint32, uint32) (string, reading.Quantity, bool) {
	return "", 0, false
}

// Replay is as Timeline.
func (Measured) Replay(context.Context, int64, func(*batch.Batch) error) error { return nil }

// World is all contexts that a dossier is put together from, on a real store.
// Only what was measured is given.
type World struct {
	Now     atomic.Int64 // clock of all of them, Unix ms
	Store   *store.DB
	Log     *event.Log
	Orders  *orders.Orders
	Places  *custody.Custody
	Catalog *catalog.Catalog
	Engine  *correlate.Engine
	Cases   *excursion.Cases
	*dossier.Builder

	t    testing.TB
	seen int64
}

// Readings are what correlate needs of them; Measured is one.
type Readings interface {
	correlate.History
	correlate.Series
	correlate.Evidence
}

// New opens a world at Start.
func New(t testing.TB, db *store.DB, m Readings, signers excursion.Signers, policy excursion.Policy) *World {
	t.Helper()
	w := &World{t: t, Store: db}
	w.Now.Store(Start)
	clock := func() time.Time { return time.UnixMilli(w.Now.Load()) }
	logger, ctx := storetest.Logger(t), context.Background()
	cm, om, um, tables := catalog.NewModel(), orders.NewModel(), custody.NewModel(), excursion.NewTables()
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Log, err = event.Open(ctx, event.Options{Store: db, Models: slices.Concat([]event.Model{cm.Model()}, om.Models(), um.Models(), tables.Models()), Now: clock, Log: logger})
	must()
	w.Places, err = custody.New(custody.Options{Log: w.Log, Store: db, Model: um, Catalog: cm, Orders: om, Now: clock, Logger: logger})
	must()
	w.Catalog, err = catalog.New(catalog.Options{Log: w.Log, Store: db, Model: cm, Now: clock, Logger: logger})
	must()
	w.Engine, err = correlate.New(ctx, correlate.Options{Store: db, Events: w.Log, History: m, Series: m, Evidence: m, Now: clock, Log: logger})
	must()
	w.Orders, err = orders.New(orders.Options{Log: w.Log, Store: db, Model: om, Catalog: cm, Places: w.Places, Now: clock, Logger: logger})
	must()
	w.Cases, err = excursion.New(excursion.Options{Events: w.Log, Store: db, Tables: tables, Signers: signers, Spans: spans{w.Engine}, Policy: policy, Now: clock, Log: logger})
	must()
	w.Builder = &dossier.Builder{Orders: w.Orders, Places: w.Places, Cases: w.Cases, Verdicts: w.Engine, Profiles: w.Catalog, Events: w.Log, Now: clock}
	return w
}

// spans makes the engine's word for a span that is not there the cases'.
type spans struct{ *correlate.Engine }

func (s spans) Assess(ctx context.Context, of fact.ExcursionFacts, from, to int64) (fact.Assessment, error) {
	a, err := s.Engine.Assess(ctx, of, from, to)
	if err != nil {
		err = fmt.Errorf("range: %w: %w", excursion.ErrInvalid, err)
	}
	return a, err
}

// Define enters records.
func (w *World) Define(all ...fact.Record) {
	w.t.Helper()
	for _, r := range all {
		if _, err := w.Catalog.Define(context.Background(), "person/ann", "test", r, 0); err != nil {
			w.t.Fatal(err)
		}
	}
}

// State takes statements of where things are, and hand-overs.
func (w *World) State(all ...custody.Scan) {
	w.t.Helper()
	if _, err := w.Places.Take(context.Background(), "person/ann", "test", all, false); err != nil {
		w.t.Fatal(err)
	}
}

// Put is a statement that a thing is in another from an instant on.
func Put(id string, subject fact.Ref, in fact.Ref, at int64) custody.Scan {
	return custody.Scan{Attached: &fact.Attached{ID: id, Subject: subject, In: &in, At: at, Made: at, Via: "scan"}}
}

// Settle judges what there is to judge, and opens and revises cases.
func (w *World) Settle() {
	w.t.Helper()
	ctx := context.Background()
	if err := w.Engine.Settle(ctx); err != nil {
		w.t.Fatal(err)
	}
	events, err := w.Log.Read(ctx, w.seen, 10_000)
	if err == nil && len(events) > 0 {
		w.seen = events[len(events)-1].Position
		err = w.Cases.Handle(ctx, events)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
