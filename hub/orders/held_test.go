package orders_test

import (
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/orders"
	"frostline/hub/orders/orderstest"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestHeldUnitsAreNotPacked: what quality holds goes into no package, by itself
// or out of one that is held; what was told of before the hold is taken.
func TestHeldUnitsAreNotPacked(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		m := hold.NewModel()
		b := orderstest.New(t, db, m.Models()...)
		b.Stock()
		holds, err := hold.New(hold.Options{Log: b.Log, Store: db, Model: m})
		if err != nil {
			t.Fatal(err)
		}
		b.Hold(t, db, m)
		u := units(t, b, 4)
		before := b.Now()
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P1", "", before, u[0]), 0))
		must[orders.Package](t)(b.Orders.Pack(ctx, actor, "", pack("P2", "", before), 0))
		b.Pass(time.Hour)
		must[hold.Hold](t)(holds.Place(ctx, actor, "", fact.HoldPlaced{ID: "h1", Package: "P1", Cause: "warm"}))
		must[hold.Hold](t)(holds.Place(ctx, actor, "", fact.HoldPlaced{ID: "h2", Units: []string{u[1]}, Cause: "suspect product, case T1"}))
		b.Pass(time.Minute)
		fill := func(id string, at int64, move bool, units ...string) error {
			return b.Orders.Fill(ctx, actor, "", orders.Filling{ID: id, Package: "P2", Units: units, At: at, Move: move})
		}
		last := b.Log.Last()
		want(t, "out of a package that is held", fill("f1", b.Now(), true, u[2], u[0]), record.ErrRefused,
			`units.1 "`+u[0]+`": is held with package P1, which it is in (warm); quality has to release hold h1 first`)
		want(t, "a unit that is held", fill("f2", b.Now(), false, u[2], u[1]), record.ErrRefused,
			`units.1 "`+u[1]+`": is held (suspect product, case T1); quality has to release hold h2 first`)
		_, err = b.Orders.Pack(ctx, actor, "", pack("P3", "", b.Now(), u[1]), 0)
		want(t, "packed", err, record.ErrRefused, `units.0 "`+u[1]+`": is held`)
		if now := b.Log.Last(); now != last {
			t.Errorf("what was refused left %d events", now-last)
		}
		if err := fill("f3", before+1, false, u[1]); err != nil {
			t.Errorf("put into it before it was held, and told of now: %v", err)
		}
		must[hold.Hold](t)(holds.Lift(ctx, actor, "looked into", fact.HoldLifted{ID: "h1"}))
		if err := fill("f4", b.Now(), true, u[0], u[2]); err != nil {
			t.Errorf("after it was released: %v", err)
		}
		// Said again, and nothing is done again.
		must[hold.Hold](t)(holds.Place(ctx, actor, "", fact.HoldPlaced{ID: "h3", Units: []string{u[0]}, Cause: "dented"}))
		if err := fill("f4", b.Now(), true, u[0], u[2]); err != nil {
			t.Errorf("said again: %v", err)
		}
	})
}
