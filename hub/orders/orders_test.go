package orders_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const actor = "person/test"

var ctx = context.Background()

// run runs a test on each store, with what most need entered.
func run(t *testing.T, test func(t *testing.T, b *orderstest.Bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := orderstest.New(t, db)
		b.Stock()
		test(t, b)
	})
}

func order(id string) fact.OrderPlaced {
	return fact.OrderPlaced{ID: id, Patient: "pt_7f3a9c01e2", Lines: []fact.OrderLine{{Product: "D1", Quantity: 2}}}
}

// want fails where an error is not of a kind, or does not begin with a text.
func want(t *testing.T, what string, err, kind error, begins string) {
	t.Helper()
	if !errors.Is(err, kind) || err != nil && !strings.HasPrefix(err.Error(), begins) {
		t.Errorf("%s: got %v, want an error that begins with %q and is %v", what, err, begins, kind)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func units(t testing.TB, b *orderstest.Bench, n int) []string {
	t.Helper()
	var ids []string
	var list []fact.UnitReceived
	for i := range n {
		u := fact.UnitReceived{Product: "D1", GTIN: orderstest.GTIN, Serial: fmt.Sprint("A", i), Lot: "L1", Expiry: "2027-01-31"}
		list, ids = append(list, u), append(ids, orders.UnitID(u.GTIN, u.Serial))
	}
	must[[]orders.Unit](t)(b.Orders.Receive(ctx, actor, "", list, record.Any))
	return ids
}

func pack(id, shipment string, at int64, units ...string) orders.Packing {
	return orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: shipment, At: at}, Units: units}
}

func TestOrderToDelivery(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		must[orders.Order](t)(b.Orders.Place(ctx, actor, "", order("O1"), 0))
		state := func(want string) orders.Status {
			t.Helper()
			st := must[orders.Status](t)(b.Orders.Status(ctx, "O1"))
			if st.State != want {
				t.Fatalf("state is %s, want %s: %+v", st.State, want, st)
			}
			return st
		}
		state("placed")
		must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: "H1", Order: "O1", From: "S1", Carrier: "co1", ETA: b.Now() + 9}, 0))
		state("placed")
		u := units(t, b, 2)
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("W1", "H1", b.Now(), u...), 0))
		state("packed")
		b.Pass(time.Hour)
		report := func(id, status string, at int64) {
			t.Helper()
			must[orders.Shipment](t)(b.Orders.Report(ctx, actor, "", fact.ShipmentReported{ID: id, Shipment: "H1", Status: status, At: at, Source: "co1", ETA: at + 7}))
		}
		report("r2", "in_transit", b.Now()-1000)
		report("r1", "dispatched", b.Now()-2000) // late
		if st := state("in_transit"); st.ETA != b.Now()-993 || len(st.Flags) != 0 {
			t.Fatalf("eta %d, flags %v", st.ETA, st.Flags)
		}
		report("r4", "delivered", b.Now()-10)
		report("r3", "arrived", b.Now()-20)
		report("r5", "in_transit", b.Now()-5) // a carrier's clock
		st := state("delivered")
		if got := st.Shipments[0].Packages[0]; got != (orders.PackageStatus{ID: "W1", Temperature: "in range"}) {
			t.Fatalf("package %+v", got)
		}
		if len(st.Flags) != 2 || !strings.Contains(st.Flags[0], "still watched") || !strings.Contains(st.Flags[1], "when it was delivered already") {
			t.Fatalf("flags %q", st.Flags)
		}
		must[orders.Package](t)(b.Orders.Close(ctx, actor, "", "W1", "delivered", b.Now(), record.Any))
		if st := state("delivered"); len(st.Flags) != 1 || st.Shipments[0].Packages[0].Closed != "delivered" {
			t.Fatalf("after closing: %+v", st)
		}
	})
}

func TestRepeatedCommandsAreDoneOnce(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		u := units(t, b, 2)
		report := fact.ShipmentReported{ID: "r1", Shipment: "H1", Status: "dispatched", At: b.Now(), Source: "co1"}
		adjust := fact.InventoryAdjusted{ID: "a1", Product: "D1", Site: "S1", Change: 5, Reason: "count"}
		at := b.Now()
		all := func() {
			t.Helper()
			must[orders.Order](t)(b.Orders.Place(ctx, actor, "", order("O1"), 0))
			must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: "H1", Order: "O1"}, 0))
			must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: "H2"}, 0))
			must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P1", "H1", at, u[0]), 0))
			if err := b.Orders.Fill(ctx, actor, "", orders.Filling{ID: "f1", Package: "P1", Units: u[1:], At: at}); err != nil {
				t.Fatal(err)
			}
			must[[]orders.Package](t)(b.Orders.Assign(ctx, actor, "", fact.PackageAssigned{ID: "as1", Shipment: "H2", At: at}, []string{"P1"}))
			must[orders.Shipment](t)(b.Orders.Report(ctx, actor, "", report))
			must[orders.Package](t)(b.Orders.Close(ctx, actor, "", "P1", "returned", at+1000, record.Any))
			if a := must[orders.Adjustment](t)(b.Orders.Adjust(ctx, actor, adjust)); a.Level != 5 {
				t.Fatalf("level %d, want 5", a.Level)
			}
		}
		all()
		last := b.Log.Last()
		b.Pass(time.Minute)
		all()
		if got := b.Log.Last(); got != last {
			t.Fatalf("repeating appended %d events", got-last)
		}
		report.Status = "arrived"
		_, err := b.Orders.Report(ctx, actor, "", report)
		want(t, "another report by the same id", err, record.ErrExists, "id")
		adjust.Change = 6
		_, err = b.Orders.Adjust(ctx, actor, adjust)
		want(t, "another adjustment by the same id", err, record.ErrExists, "id")
		changed := order("O1")
		changed.Lines[0].Quantity = 3
		_, err = b.Orders.Place(ctx, actor, "", changed, 0)
		want(t, "another order by the same id", err, record.ErrExists, "order/O1")
		_, err = b.Orders.Place(ctx, actor, "", changed, 99)
		want(t, "an order of another revision", err, event.ErrStale, "order/O1")
	})
}

func TestWhatContradictsIsRefused(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		u := units(t, b, 3)
		for _, id := range []string{"H1", "H2"} {
			must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: id}, 0))
		}
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P1", "H1", b.Now(), u[0]), 0))
		before := b.Log.Last()
		_, err := b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now(), u[1], u[0]), 0)
		want(t, "a unit in two packages", err, record.ErrRefused, "units.1")
		_, err = b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now(), u[1], u[1]), 0)
		want(t, "a unit twice", err, record.ErrInvalid, "units.1")
		_, err = b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now(), orderstest.GTIN+".none"), 0)
		want(t, "a unit nobody knows", err, record.ErrInvalid, "units.0")
		_, err = b.Orders.Pack(ctx, actor, "", pack("106141412345678907", "", b.Now()), 0)
		want(t, "a wrong SSCC", err, record.ErrInvalid, "id")
		_, err = b.Orders.Pack(ctx, actor, "", pack("P2", "H9", b.Now()), 0)
		want(t, "a shipment nobody knows", err, record.ErrInvalid, "shipment")
		_, err = b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now()+600_000), 0)
		want(t, "packed in the future", err, record.ErrInvalid, "at")
		p := pack("P2", "", b.Now())
		p.Profile, p.Version = "pr1", 4
		_, err = b.Orders.Pack(ctx, actor, "", p, 0)
		want(t, "a version that is to come", err, record.ErrInvalid, "version")
		_, err = b.Orders.CancelShipment(ctx, actor, "why not", "H1", record.Any)
		want(t, "cancel with packages", err, record.ErrRefused, "id")
		_, err = b.Orders.Close(ctx, actor, "by mistake", "P1", "voided", b.Now(), record.Any)
		want(t, "void with units", err, record.ErrRefused, "how")
		_, err = b.Orders.Close(ctx, actor, "", "P1", "delivered", b.Now()-1, record.Any)
		want(t, "closed before packed", err, record.ErrRefused, "at")
		_, err = b.Orders.Adjust(ctx, actor, fact.InventoryAdjusted{ID: "a1", Product: "D1", Site: "S1", Change: -1, Reason: "x"})
		want(t, "less than nothing", err, record.ErrRefused, "change")
		_, err = b.Orders.Receive(ctx, actor, "", []fact.UnitReceived{{Product: "D1", GTIN: "10614141999993", Serial: "1", Lot: "L", Expiry: "2027-01-31"}}, 0)
		want(t, "another GTIN than the product's", err, record.ErrRefused, "units.0.gtin")
		_, err = b.Orders.Receive(ctx, actor, "", []fact.UnitReceived{{Product: "D1", GTIN: orderstest.GTIN, Serial: "1", Lot: "L", Expiry: "2027-02-30"}}, 0)
		want(t, "no day of the calendar", err, record.ErrInvalid, "units.0.expiry")
		b.Catalog.Retire(fact.Ref{Kind: fact.Product, ID: "D1"})
		_, err = b.Orders.Place(ctx, actor, "", order("O1"), 0)
		want(t, "a retired product", err, record.ErrRefused, "lines.0.product")
		_, err = b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now(), u[1]), 0)
		want(t, "a unit of a retired product", err, record.ErrRefused, "units.0.product")
		if b.Log.Last() != before {
			t.Fatalf("what was refused left %d events", b.Log.Last()-before)
		}
	})
}

// TestUnitIsInOnePackage: moving a unit, and closing, decide by the time spoken
// of.
func TestUnitIsInOnePackage(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		u := units(t, b, 1)
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P1", "", b.Now(), u[0]), 0))
		b.Pass(time.Hour)
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P2", "", b.Now()-1000), 0))
		f := orders.Filling{ID: "f1", Package: "P2", Units: u, At: b.Now()}
		want(t, "fill", b.Orders.Fill(ctx, actor, "", f), record.ErrRefused, "units.0")
		f.Move = true
		if err := b.Orders.Fill(ctx, actor, "", f); err != nil {
			t.Fatal(err)
		}
		in := func(pkg string, at int64) int {
			return len(must[[]orders.Unit](t)(b.Orders.Units(ctx, pkg, at)))
		}
		if in("P1", b.Now()-1) != 1 || in("P2", b.Now()-1) != 0 || in("P1", b.Now()) != 0 || in("P2", b.Now()) != 1 {
			t.Fatal("the unit is not in P1 before and P2 after")
		}
		want(t, "empty another", b.Orders.Empty(ctx, actor, "", orders.Filling{ID: "e1", Package: "P1", Units: u, At: b.Now()}), record.ErrRefused, "units.0")
		if err := b.Orders.Empty(ctx, actor, "", orders.Filling{ID: "e2", Package: "P2", Units: u, At: b.Now()}); err != nil {
			t.Fatal(err)
		}
		if in("P2", b.Now()) != 0 {
			t.Fatal("the unit was not taken out")
		}
		must[orders.Package](t)(b.Orders.Close(ctx, actor, "empty box", "P1", "voided", b.Now(), record.Any))
		want(t, "fill a closed one", b.Orders.Fill(ctx, actor, "", orders.Filling{ID: "f2", Package: "P1", Units: u, At: b.Now()}), record.ErrRefused, "at")
		p := must[orders.Package](t)(b.Orders.Reopen(ctx, actor, "not empty", "P1", record.Any))
		if p.Closed != nil {
			t.Fatal("it is closed still")
		}
		if err := b.Orders.Fill(ctx, actor, "", orders.Filling{ID: "f2", Package: "P1", Units: u, At: b.Now()}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestPromise6ReportsAreOrderFree: the status of a shipment does not depend on
// the order in which reports come.
func TestPromise6ReportsAreOrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 8).Draw(t, "n")
		var reports []fact.ShipmentReported
		for i := range n {
			reports = append(reports, fact.ShipmentReported{
				ID: fmt.Sprint("r", i), Status: rapid.SampledFrom(fact.Statuses[1:]).Draw(t, "status"),
				At: rapid.Int64Range(1, 5).Draw(t, "at"), Made: rapid.Int64Range(1, 3).Draw(t, "made"), ETA: rapid.Int64Range(0, 3).Draw(t, "eta")})
		}
		a := orders.Shipment{Reports: reports}.Progress()
		b := orders.Shipment{Reports: rapid.Permutation(reports).Draw(t, "order")}.Progress()
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v, or in another order %+v", a, b)
		}
	})
}

// TestStockIsTheSumOfItsAdjustments: whatever is adjusted, repeated and refused,
// the level is the sum of what was taken, and never negative unasked.
func TestStockIsTheSumOfItsAdjustments(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	b := orderstest.New(t, db)
	b.Stock()
	site, seq := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		site++
		name := fmt.Sprint("R", site)
		b.Catalog.Enter(fact.SiteRecord{ID: name})
		var level int64
		var last []fact.InventoryAdjusted
		for range rapid.IntRange(1, 15).Draw(t, "n") {
			if len(last) > 0 && rapid.IntRange(0, 3).Draw(t, "repeat") == 0 {
				if _, err := b.Orders.Adjust(ctx, actor, rapid.SampledFrom(last).Draw(t, "which")); err != nil {
					t.Fatal(err)
				}
				continue
			}
			seq++
			a := fact.InventoryAdjusted{ID: fmt.Sprint("x", seq), Product: "D1", Site: name, Change: rapid.Int64Range(-5, 5).Filter(func(v int64) bool { return v != 0 }).Draw(t, "change"),
				Reason: "count", Below: rapid.IntRange(0, 4).Draw(t, "below") == 0}
			got, err := b.Orders.Adjust(ctx, actor, a)
			refused := level+a.Change < 0 && a.Change < 0 && !a.Below
			if refused != errors.Is(err, record.ErrRefused) || !refused && err != nil {
				t.Fatalf("%+v at level %d: %v", a, level, err)
			}
			if !refused {
				level += a.Change
				last = append(last, a)
				if got.Level != level {
					t.Fatalf("level %d, want %d", got.Level, level)
				}
			}
		}
		stocks, err := b.Orders.Stocks(ctx, "D1", fmt.Sprintf("D1 %s", name), 1)
		if err != nil || len(last) > 0 && stocks[0].Level != level {
			t.Fatalf("stock %+v (%v), want level %d", stocks, err, level)
		}
	})
}

// TestPromise9EventsCarryNoPatientData: what looks like a patient's data is
// refused wherever it is put, and nothing of it is kept or told back.
func TestPromise9EventsCarryNoPatientData(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: "H1"}, 0))
		before := b.Log.Last()
		for _, v := range []string{"Ada Lovelace", "ada@example.org", "1985-12-10", "+44 20 7946 0958"} {
			o := order("O1")
			o.Patient = v
			_, err := b.Orders.Place(ctx, actor, "", o, 0)
			want(t, v, err, record.ErrInvalid, "patient")
			if err != nil && strings.Contains(err.Error(), v) {
				t.Errorf("the error tells %q: %v", v, err)
			}
		}
		for _, v := range []string{"call ada@example.org", "ring 020 7946 0958"} {
			_, err := b.Orders.Place(ctx, actor, v, order("O1"), 0)
			want(t, "reason", err, record.ErrInvalid, "reason")
			_, err = b.Orders.Report(ctx, actor, "", fact.ShipmentReported{ID: "r", Shipment: "H1", Status: "arrived", At: b.Now(), Source: "co1", Note: v})
			want(t, "note", err, record.ErrInvalid, "note")
		}
		if b.Log.Last() != before {
			t.Fatal("something was kept")
		}
		there := &fact.Position{Latitude: 481_351_253, Longitude: 115_819_806, Accuracy: 4000}
		for _, status := range []string{"in_transit", "arrived", "delivered"} { // where somebody lives
			for range 2 {
				must[orders.Shipment](t)(b.Orders.Report(ctx, actor, "", fact.ShipmentReported{ID: "r-" + status, Shipment: "H1", Status: status, At: b.Now(), Source: "co1", Position: there}))
			}
		}
		events, err := b.Log.Read(ctx, before, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if on := strings.Contains(string(e.Data), "in_transit"); on != strings.Contains(string(e.Data), "481351253") {
				t.Errorf("event %d: %s", e.Position, e.Data)
			}
		}
	})
}

// TestPromise6RebuildGivesTheSame: read models that are dropped and rebuilt are
// byte for byte what they were.
func TestPromise6RebuildGivesTheSame(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		u := units(t, b, 3)
		must[orders.Order](t)(b.Orders.Place(ctx, actor, "", order("O1"), 0))
		must[orders.Shipment](t)(b.Orders.Plan(ctx, actor, "", fact.ShipmentPlanned{ID: "H1", Order: "O1"}, 0))
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", orders.Packing{PackagePacked: fact.PackagePacked{ID: "P1", At: b.Now()}, Units: u, In: &fact.Ref{Kind: fact.Zone, ID: "Z1"}}, 0))
		must[[]orders.Package](t)(b.Orders.Assign(ctx, actor, "", fact.PackageAssigned{ID: "as1", Shipment: "H1", At: b.Now()}, []string{"P1"}))
		must[orders.Adjustment](t)(b.Orders.Adjust(ctx, actor, fact.InventoryAdjusted{ID: "a1", Product: "D1", Site: "S1", Change: 3, Reason: "count"}))
		must[orders.Package](t)(b.Orders.Close(ctx, actor, "", "P1", "returned", b.Now(), record.Any))
		must[orders.Order](t)(b.Orders.Cancel(ctx, actor, "no longer wanted", "O1", record.Any))
		for _, m := range b.Models {
			digest := must[string](t)(b.Log.Digest(ctx, m.Name()))
			if err := b.Log.Rebuild(ctx, []string{m.Name()}, nil); err != nil {
				t.Fatal(err)
			}
			if again := must[string](t)(b.Log.Digest(ctx, m.Name())); again != digest {
				t.Errorf("%s: rebuilt it is %s, was %s", m.Name(), again, digest)
			}
		}
	})
}
