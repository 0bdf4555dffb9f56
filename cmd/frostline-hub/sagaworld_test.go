package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"frostline/hub/catalog"
	"frostline/hub/custody"
	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/models"
	"frostline/hub/orders"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
	"frostline/proto/thermal"
)

const (
	sagaStart = 1_777_593_600_000
	sagaUnit  = "00614141999996.1"
	sagaUnit2 = "00614141999996.2"
	sagaHome  = "pl_9d41c07be2"
	sagaCase  = "x1"
)

var packageP1 = fact.Ref{Kind: fact.Package, ID: "P1"}

// sagaLog lets a test end the process within a command that appends something
// new, or after it.
type sagaLog struct {
	*event.Log
	cut func(actor string, after bool)
}

func (l *sagaLog) Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error) {
	if l.cut == nil {
		return l.Log.Command(ctx, actor, do)
	}
	s := &sagaSpy{log: l, actor: actor, last: l.Last()}
	events, err := l.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		s.Change = ch
		return do(ctx, s)
	})
	if s.fresh && err == nil {
		l.cut(actor, true)
	}
	return events, err
}

type sagaSpy struct {
	event.Change
	log   *sagaLog
	actor string
	last  int64
	fresh bool
}

func (s *sagaSpy) Append(ctx context.Context, n event.New) (event.Event, error) {
	e, err := s.Change.Append(ctx, n)
	if err == nil && e.Position > s.last && !s.fresh {
		s.fresh = true
		s.log.cut(s.actor, false)
	}
	return e, err
}

// sagaWorld is the contexts that sagas work with, fitted as the hub fits them.
type sagaWorld struct {
	t   testing.TB
	log *sagaLog
	db  *store.DB
	dir string
	m   models.Models
	contexts
}

type nobody struct{}

func (nobody) Reauthenticate(context.Context, string, string) (string, []string, error) {
	return "", nil, excursion.ErrPassword
}

// openSagaWorld opens everything on a store; the engine keeps to a directory.
func openSagaWorld(t testing.TB, url, dir string, sagas workflow.Config) *sagaWorld {
	t.Helper()
	w := &sagaWorld{t: t, db: storetest.Open(t, url), dir: dir, m: models.New()}
	w.logs(storetest.Logger(t), dir, url, sagas)
	return w
}

func (w *sagaWorld) logs(l *slog.Logger, dir, url string, sagas workflow.Config) {
	w.t.Helper()
	log, err := event.Open(w.t.Context(), event.Options{Store: w.db, Models: w.m.All(), Log: l})
	w.must(err)
	w.log = &sagaLog{Log: log}
	w.custody, err = custody.New(custody.Options{Log: w.log, Store: w.db, Model: w.m.Custody, Catalog: w.m.Catalog, Orders: w.m.Orders, Logger: l})
	w.must(err)
	w.catalog, err = catalog.New(catalog.Options{Log: w.log, Store: w.db, Model: w.m.Catalog, Attacher: w.custody, Logger: l})
	w.must(err)
	w.orders, err = orders.New(orders.Options{Log: w.log, Store: w.db, Model: w.m.Orders, Catalog: w.m.Catalog, Places: w.custody, Holds: w.m.Holds, Logger: l})
	w.must(err)
	w.dispatch, err = dispatch.New(dispatch.Options{Log: w.log, Store: w.db, Model: w.m.Dispatch, Catalog: w.m.Catalog, Shipments: w.m.Orders, Logger: l})
	w.must(err)
	w.holds, err = hold.New(hold.Options{Log: w.log, Store: w.db, Model: w.m.Holds, Suspected: w.suspected, Kept: w.kept})
	w.must(err)
	w.cases, err = excursion.New(excursion.Options{Events: w.log, Store: w.db, Tables: w.m.Cases, Signers: nobody{}, Log: l})
	w.must(err)
	c := config{Store: url, Data: dir, Sagas: sagas}
	w.sagas, err = newSagas(&w.contexts, w.m, w.db, c, l, w.log)
	w.must(err)
}

func (w *sagaWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// stock enters an order that is on its way: van-1 carries package P1 to a home.
func (w *sagaWorld) stock() {
	w.t.Helper()
	ctx, who := w.t.Context(), "person/ann"
	_, err := w.catalog.Seed(ctx, thermal.Ready())
	w.must(err)
	profile := thermal.Ready()[0].ID
	for _, r := range []fact.Record{
		fact.SiteRecord{ID: "S1", Name: "Pharmacy"}, fact.VehicleRecord{ID: "V1", Name: "Van", Type: "van"},
		fact.PartyRecord{ID: "co1", Name: "Courier", Role: "courier"},
		fact.ProductRecord{ID: "D1", Name: "Drug", GTIN: "00614141999996", Profile: profile},
	} {
		_, err := w.catalog.Define(ctx, who, "", r, 0)
		w.must(err)
	}
	_, err = w.orders.Place(ctx, who, "", fact.OrderPlaced{ID: "O1", Patient: "pt_9f31c0de77", Lines: []fact.OrderLine{{Product: "D1", Quantity: 2}}}, 0)
	w.must(err)
	_, err = w.orders.Plan(ctx, who, "", fact.ShipmentPlanned{ID: "SH1", Order: "O1", From: "S1"}, 0)
	w.must(err)
	var units []fact.UnitReceived
	for _, id := range []string{sagaUnit, sagaUnit2} {
		gtin, serial, _ := strings.Cut(id, ".")
		units = append(units, fact.UnitReceived{ID: id, Product: "D1", GTIN: gtin, Serial: serial, Lot: "L1", Expiry: "2031-01-31"})
	}
	_, err = w.orders.Receive(ctx, who, "", units, 0)
	w.must(err)
	_, err = w.orders.Pack(ctx, who, "", orders.Packing{PackagePacked: fact.PackagePacked{ID: "P1", Shipment: "SH1", At: sagaStart}, Units: []string{sagaUnit, sagaUnit2}}, 0)
	w.must(err)
	w.must(w.dispatch.SetPlace(ctx, who, "", dispatch.Place{ID: sagaHome, Latitude: 525_000_000, Longitude: 134_000_000}))
	_, err = w.dispatch.Define(ctx, who, "", fact.CourierDefined{ID: "van-1", Kind: "van", Vehicle: "V1", Party: "co1"}, 0)
	w.must(err)
	from, to := fact.Ref{Kind: fact.Site, ID: "S1"}, fact.Ref{Kind: fact.Place, ID: sagaHome}
	_, err = w.dispatch.Plan(ctx, who, "", fact.JobPlanned{ID: "J1", Shipment: "SH1", From: from, To: to, Identity: true}, 0)
	w.must(err)
	_, err = w.dispatch.Route(ctx, who, "", fact.RoutePlanned{ID: "R1", Courier: "van-1", Start: from, Depart: sagaStart, Stops: []fact.Stop{{ID: "s1", Job: "J1", Kind: "delivery", Place: to}}}, 0)
	w.must(err)
	_, err = w.dispatch.Report(ctx, who, "", fact.RouteReported{ID: "started", Route: "R1", Status: "started", At: sagaStart, Source: who})
	w.must(err)
}

// open opens an excursion of package P1.
func (w *sagaWorld) open(id string) {
	w.t.Helper()
	w.say(id, fact.ExcursionWasOpened, fact.ExcursionOpened{ID: id, State: string(excursion.Opened), Facts: w.facts()})
}

func (w *sagaWorld) facts() fact.ExcursionFacts {
	return fact.ExcursionFacts{Package: "P1", Kind: fact.BrokenLimit, Limit: "warm", Severity: thermal.Alarm, From: sagaStart, To: sagaStart + 1,
		Units: []fact.Affected{{Unit: sagaUnit, Lot: "L1"}, {Unit: sagaUnit2, Lot: "L1"}}, Verdict: "v", Revision: 1}
}

// sign has quality decide about both units.
func (w *sagaWorld) sign(id string, decisions ...string) {
	w.t.Helper()
	all := []fact.Disposition{{Unit: sagaUnit, Lot: "L1", Decision: decisions[0]}, {Unit: sagaUnit2, Lot: "L1", Decision: decisions[len(decisions)-1]}}
	w.say(id, fact.ExcursionWasProposed, fact.ExcursionProposed{ID: id, State: string(excursion.Proposed), Dispositions: all})
	w.say(id, fact.ExcursionWasSigned, fact.ExcursionSigned{ID: id, State: string(excursion.Signed)})
	w.say(id, fact.ExcursionWasApproved, fact.ExcursionSigned{ID: id, State: string(excursion.Approved)})
}

// say appends an event about an excursion.
func (w *sagaWorld) say(id, typ string, data any) {
	w.t.Helper()
	_, err := w.log.Command(w.t.Context(), "system/test", func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{Stream: fact.Ref{Kind: fact.Excursion, ID: id}.String(), Expect: -1, Type: typ, Data: data})
		return err
	})
	w.must(err)
}

// until waits until a saga is as wanted.
func (w *sagaWorld) until(ctx context.Context, id string, want func(workflow.Saga) bool) workflow.Saga {
	w.t.Helper()
	wake, stop := w.log.Watch()
	defer stop()
	for {
		s, err := w.sagas.Saga(ctx, id)
		if err == nil && want(s) {
			return s
		}
		select {
		case <-wake:
		case <-ctx.Done():
			w.t.Fatalf("saga %s: %+v, %v", id, s, err)
		}
	}
}

// run runs the engine until the test or stop ends it.
func (w *sagaWorld) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.sagas.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

func is(state workflow.State) func(workflow.Saga) bool {
	return func(s workflow.Saga) bool { return s.State == state }
}

// made counts events by type and, for some, by what they say.
func (w *sagaWorld) made() map[string]int {
	w.t.Helper()
	all, err := w.log.Read(w.t.Context(), 0, event.MaxRead)
	w.must(err)
	n := map[string]int{}
	for _, e := range all {
		if e.Actor != "system/workflow" {
			continue
		}
		key := e.Type
		v, err := fact.Decode(e.Type, e.Data)
		w.must(err)
		switch d := v.(type) {
		case *fact.SagaStep:
			key += " " + d.Step + " " + d.Outcome
			if d.Undo {
				key += " undone"
			}
		case *fact.Notice:
			key += " " + d.Audience + " " + d.What
		case *fact.StopHeld:
			if !d.Held {
				key += " let go"
			}
		}
		n[key]++
	}
	return n
}
