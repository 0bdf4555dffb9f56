// Package dispatchtest opens dispatch beside orders and custody on a store, for
// tests.
package dispatchtest

import (
	"context"
	"testing"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// Home is the place of a delivery; Far is another, 11 km north of it.
const Home, Far = "pl_9d41c07be2", "pl_0e5b77a1c4"

// Bench is dispatch on one store with what it needs.
type Bench struct {
	*orderstest.Bench
	Dispatch *dispatch.Dispatch
	Model    *dispatch.Model
	kept     func(ctx context.Context, actor, route, stop string) (string, error)
}

// Keep has kept say which stops nobody may let go, as Options.Kept does.
func (b *Bench) Keep(kept func(ctx context.Context, actor, route, stop string) (string, error)) {
	b.kept = kept
}

// New opens it.
func New(t testing.TB, db *store.DB) *Bench {
	t.Helper()
	m := dispatch.NewModel()
	b := &Bench{Bench: orderstest.New(t, db, m.Models()...), Model: m}
	var err error
	if b.Dispatch, err = dispatch.New(dispatch.Options{
		Log: b.Log, Store: db, Model: m, Catalog: b.Catalog, Shipments: known{b.Orders}, Now: b.Clock, Logger: storetest.Logger(t),
		Kept: func(ctx context.Context, actor, route, stop string) (string, error) {
			if b.kept == nil {
				return "", nil
			}
			return b.kept(ctx, actor, route, stop)
		},
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

// known asks orders from within a command: the test has one connection to
// write and others to read, and plans no shipment within a command.
type known struct{ *orders.Orders }

func (k known) Known(ctx context.Context, _ store.Querier, r fact.Ref) (bool, error) {
	_, err := k.Shipment(ctx, r.ID)
	return err == nil, nil
}

// Stock enters sites, vehicles and parties as orderstest does, the places Home
// and Far, courier van-1, and shipments SH1 to SH3 with jobs J1 to J3 from S1:
// J1 to Home, J2 to Far, J3 to Home.
func (b *Bench) Stock(t testing.TB) {
	t.Helper()
	b.Bench.Stock()
	ctx, d := context.Background(), b.Dispatch
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.SetPlace(ctx, "person/test", "", dispatch.Place{ID: Home, Latitude: 407_000_000, Longitude: -740_000_000}))
	must(d.SetPlace(ctx, "person/test", "", dispatch.Place{ID: Far, Latitude: 408_000_000, Longitude: -740_000_000}))
	_, err := d.Define(ctx, "person/test", "", fact.CourierDefined{ID: "van-1", Kind: "van", Vehicle: "V1", Party: "co1", Speed: 12_000, Payload: 400_000, TimeConstant: 7200}, 0)
	must(err)
	for i, to := range []string{Home, Far, Home} {
		n := string(rune('1' + i))
		_, err := b.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: "SH" + n}, record.Any)
		must(err)
		_, err = d.Plan(ctx, "person/test", "", fact.JobPlanned{ID: "J" + n, Shipment: "SH" + n, From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: fact.Ref{Kind: fact.Place, ID: to}, Load: 5000}, 0)
		must(err)
	}
}

// Round is route R1 of van-1 from S1 with a stop for each of J1 to J3.
func (b *Bench) Round() fact.RoutePlanned {
	p := fact.RoutePlanned{ID: "R1", Courier: "van-1", Start: fact.Ref{Kind: fact.Site, ID: "S1"}, Depart: b.Now()}
	for i, to := range []string{Home, Far, Home} {
		n := string(rune('1' + i))
		p.Stops = append(p.Stops, fact.Stop{ID: "s" + n, Job: "J" + n, Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: to}})
	}
	return p
}
