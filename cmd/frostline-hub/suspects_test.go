package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/repository"
	"frostline/hub/workflow"
)

// TestSuspectProductStaysOnTheShelf: from the moment that a person finds units
// suspect until the case is cleared, nobody packs them and nobody lifts the hold.
func TestSuspectProductStaysOnTheShelf(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		w := openSagaWorld(t, url, t.TempDir(), workflow.Config{})
		w.stock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		logger := storetest.Logger(t)
		repo, err := repository.New(ctx, repository.Options{Store: w.db, Events: w.log.Log, Log: logger})
		w.must(err)
		d := dealings{w.catalog, w.orders}
		w.trace.duties, err = dscsa.New(dscsa.Options{
			Config: dscsa.Config{GLN: "0614141000005", Prefixes: []string{"0614141"}}, Log: w.log, Store: w.db, Model: w.m.DSCSA, Repository: repo, Products: d, Units: d, Shipments: d, Logger: logger,
		})
		w.must(err)
		done := make(chan error, 1)
		following, stop := context.WithCancel(ctx)
		go func() { done <- w.holds.Follow(following, w.log) }()
		defer func() { stop(); w.must(<-done) }()

		unit := fact.Ref{Kind: fact.Unit, ID: "00614141999996.9"}
		_, err = w.orders.Receive(ctx, "person/ann", "", []fact.UnitReceived{{ID: unit.ID, Product: "D1", GTIN: "00614141999996", Serial: "9", Lot: "L2", Expiry: "2031-01-31"}}, 0)
		w.must(err)
		pack := func() error {
			_, err := w.orders.Pack(ctx, "person/ann", "", orders.Packing{PackagePacked: fact.PackagePacked{ID: "P9", Shipment: "SH1", At: time.Now().UnixMilli()}, Units: []string{unit.ID}}, 0)
			return err
		}
		_, err = w.trace.duties.Raise(ctx, "person/ann", "no seal", fact.SuspectOpened{ID: "T1", Units: []string{unit.ID}, Cause: "the seal is missing"})
		w.must(err)
		w.untilHeld(ctx, unit, true)
		if err := pack(); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), "is held (suspect product, case T1)") {
			t.Errorf("packed while it is suspect: %v", err)
		}
		held, err := w.holds.List(ctx, hold.Filter{On: unit}, "", 10)
		w.must(err)
		if _, err := w.holds.Lift(ctx, "person/ann", "in a hurry", fact.HoldLifted{ID: held[0].ID}); !errors.Is(err, record.ErrRefused) {
			t.Errorf("lifted while it is suspect: %v", err)
		}
		_, err = w.trace.duties.Clear(ctx, "person/ann", "it lay in the box", "T1")
		w.must(err)
		w.untilHeld(ctx, unit, false)
		w.must(pack())
	})
}

// untilHeld waits until something is held, or is not.
func (w *sagaWorld) untilHeld(ctx context.Context, on fact.Ref, want bool) {
	w.t.Helper()
	wake, stop := w.log.Watch()
	defer stop()
	for {
		held, err := w.m.Holds.Held(ctx, w.db, on)
		if err == nil && held == want {
			return
		}
		select {
		case <-wake:
		case <-ctx.Done():
			w.t.Fatalf("%s is held: %v, %v, want %v", on, held, err, want)
		}
	}
}
