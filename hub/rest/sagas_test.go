package rest

import (
	"context"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

// What the engine of a test does not ask: it does not run.
type (
	noCases    struct{ workflow.Cases }
	noHolds    struct{ workflow.Holds }
	noOrders   struct{ workflow.Orders }
	noDispatch struct{ workflow.Dispatch }
)

// mountSagas adds sagas that nobody carries on, and holds.
func mountSagas(t testing.TB, w *world, cfg *Config, sagas *workflow.Model, holds *hold.Model) {
	t.Helper()
	e, err := workflow.New(workflow.Options{
		Database: "sqlite:none", Events: w.log, Store: w.db, Model: sagas, Now: w.now, Log: storetest.Logger(t),
		Cases: noCases{}, Holds: noHolds{}, Orders: noOrders{}, Dispatch: noDispatch{},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := hold.New(hold.Options{Log: w.log, Store: w.db, Model: holds})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Sagas, cfg.Holds = e, h
}

// parked has a saga that cannot go on.
func (w *world) parked() {
	w.t.Helper()
	_, err := w.log.Command(w.t.Context(), "system/workflow", func(ctx context.Context, ch event.Change) error {
		if _, err := ch.Append(ctx, event.New{Stream: "saga/excursion-x1", Expect: -1, Type: fact.SagaWasStarted, Data: fact.SagaStarted{
			ID: "excursion-x1", Kind: "excursion", Excursion: "x1", Package: "P1", Severity: "alarm",
		}}); err != nil {
			return err
		}
		_, err := ch.Append(ctx, event.New{Stream: "saga/excursion-x1", Expect: -1, Type: fact.SagaWasParked, Data: fact.SagaParked{
			ID: "excursion-x1", Step: "stop", Pause: "stop.1.0", Error: "stop \"s1\": is failed already", Choices: workflow.Decisions,
		}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
