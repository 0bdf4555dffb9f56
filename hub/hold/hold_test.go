package hold_test

import (
	"context"
	"errors"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const a, b = "00614141999996.1", "00614141999996.2"

// TestHolds: a thing is held while any hold stands that names it, and asking
// twice is asking once.
func TestHolds(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		ctx, m := context.Background(), hold.NewModel()
		log, err := event.Open(ctx, event.Options{Store: db, Models: m.Models(), Log: storetest.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		h, err := hold.New(hold.Options{Log: log, Store: db, Model: m})
		if err != nil {
			t.Fatal(err)
		}
		unit := func(id string) fact.Ref { return fact.Ref{Kind: fact.Unit, ID: id} }
		held := func(on fact.Ref, want bool) {
			t.Helper()
			if got, err := m.Held(ctx, db, on); err != nil || got != want {
				t.Errorf("%s is held: %v, %v, want %v", on, got, err, want)
			}
		}
		place := func(p fact.HoldPlaced) error { _, err := h.Place(ctx, "person/ann", "", p); return err }
		lift := func(l fact.HoldLifted) error { _, err := h.Lift(ctx, "person/ann", "seen", l); return err }
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		first := fact.HoldPlaced{ID: "h1", Package: "P1", Units: []string{a, b}, Cause: "warm"}
		must(place(first))
		must(place(first))
		must(place(fact.HoldPlaced{ID: "h2", Units: []string{a}, Cause: "dented"}))
		if err := place(fact.HoldPlaced{ID: "h1", Package: "P2", Cause: "warm"}); !errors.Is(err, record.ErrExists) {
			t.Errorf("another hold under the same id: %v", err)
		}
		must(lift(fact.HoldLifted{ID: "h1", Units: []string{a, b}}))
		must(lift(fact.HoldLifted{ID: "h1", Units: []string{b}}))
		held(unit(b), false)
		held(unit(a), true)
		held(fact.Ref{Kind: fact.Package, ID: "P1"}, true)
		must(lift(fact.HoldLifted{ID: "h1"}))
		must(lift(fact.HoldLifted{ID: "h1"}))
		must(lift(fact.HoldLifted{ID: "h2", Units: []string{a}}))
		held(unit(a), false)
		held(fact.Ref{Kind: fact.Package, ID: "P1"}, false)
		if n, err := h.Standing(ctx); err != nil || n != 0 {
			t.Errorf("%d holds stand, %v, want none", n, err)
		}
		if last := log.Last(); last != 6-1 {
			t.Errorf("%d events, want 5: what is asked twice is done once", last)
		}
		if err := lift(fact.HoldLifted{ID: "h2", Units: []string{b}}); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("a unit that is not in it: %v", err)
		}
		if _, err := h.Lift(ctx, "person/ann", "", fact.HoldLifted{ID: "h2"}); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("without a reason: %v", err)
		}
	})
}
