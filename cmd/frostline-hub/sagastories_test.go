package main

import (
	"context"

	"frostline/hub/dispatch"
	"frostline/hub/store"
	"frostline/hub/workflow"
)

// sagaStory is what people do about an excursion, and all that the saga does
// about it.
type sagaStory struct {
	// phases: something is done, then the saga goes on until it is so.
	phases  []sagaPhase
	outcome string
	made    map[string]int
}

type sagaPhase struct {
	do    func(*sagaWorld)
	until func(workflow.Saga) bool
}

func opened(w *sagaWorld) { w.stock(); w.open(sagaCase) }

// begun is what each saga does before quality has decided.
var begun = map[string]int{
	"workflow.started": 1, "hold.placed": 1, "dispatch.stop_held": 1, "dispatch.courier_messaged": 1,
	"workflow.step_ended quarantine done": 1, "workflow.step_ended find done": 1, "workflow.step_ended stop done": 1, "workflow.step_ended tell done": 1,
	"workflow.told qa held": 1, "workflow.told dispatch held": 1, "workflow.waiting": 1, "workflow.ended": 1,
}

// replacedBy is what it does when the delivery is rejected.
var replacedBy = map[string]int{
	"workflow.step_ended disposition done": 1, "orders.order_placed": 1, "orders.shipment_planned": 1, "dispatch.job_planned": 1,
	"workflow.step_ended order done": 1, "workflow.step_ended shipment done": 1, "workflow.step_ended job done": 1, "workflow.step_ended tell outcome done": 1,
	"workflow.told qa replaced": 1, "workflow.told dispatch replaced": 1, "workflow.told patient replaced": 1, "workflow.told prescriber replaced": 1,
}

func sum(all ...map[string]int) map[string]int {
	out := map[string]int{}
	for _, m := range all {
		for k, n := range m {
			out[k] += n
		}
	}
	return out
}

var sagaStories = map[string]sagaStory{
	"rejected": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.sign(sagaCase, "reject") }, is(workflow.Ended)},
		},
		outcome: workflow.Replaced, made: sum(begun, replacedBy),
	},
	"released": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.sign(sagaCase, "release") }, is(workflow.Ended)},
		},
		outcome: workflow.Released, made: sum(begun, map[string]int{
			"workflow.step_ended disposition done": 1, "hold.lifted": 1, "dispatch.stop_held let go": 1,
			"workflow.step_ended lift done": 1, "workflow.step_ended resume done": 1, "workflow.step_ended tell outcome done": 1,
			"workflow.told qa released": 1, "workflow.told dispatch released": 1, "workflow.told patient released": 1, "workflow.told prescriber released": 1,
		}),
	},
	// One unit of two is rejected: the other leaves quarantine, and the delivery is
	// replaced as a whole.
	"in part": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.sign(sagaCase, "release", "reject") }, is(workflow.Ended)},
		},
		outcome: workflow.Replaced, made: sum(begun, replacedBy, map[string]int{"hold.lifted": 1, "workflow.step_ended lift done": 1}),
	},
	// Where the delivery goes has been forgotten: the replacement is taken back,
	// and tried again once a person has helped.
	"taken back": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.forget(); w.sign(sagaCase, "reject") }, is(workflow.Parked)},
			{func(w *sagaWorld) { w.remember(); w.decide(workflow.Retry) }, is(workflow.Ended)},
		},
		outcome: workflow.Replaced, made: sum(begun, replacedBy, map[string]int{
			"orders.order_placed": 1, "orders.shipment_planned": 1, "workflow.step_ended order done": 1, "workflow.step_ended shipment done": 1,
			"workflow.step_ended order done undone": 1, "workflow.step_ended shipment done undone": 1,
			"orders.order_cancelled": 1, "orders.shipment_reported": 1,
			"workflow.parked": 1, "workflow.told qa parked": 1, "workflow.told dispatch parked": 1,
		}),
	},
	"skipped": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.forget(); w.sign(sagaCase, "reject") }, is(workflow.Parked)},
			{func(w *sagaWorld) { w.decide(workflow.Skip) }, is(workflow.Ended)},
		},
		outcome: workflow.Settled, made: sum(begun, map[string]int{
			"workflow.step_ended disposition done": 1,
			"orders.order_placed":                  1, "orders.shipment_planned": 1, "workflow.step_ended order done": 1, "workflow.step_ended shipment done": 1,
			"workflow.step_ended order done undone": 1, "workflow.step_ended shipment done undone": 1,
			"orders.order_cancelled": 1, "orders.shipment_reported": 1, "workflow.step_ended job skipped": 1,
			"workflow.parked": 1, "workflow.told qa parked": 1, "workflow.told dispatch parked": 1,
			"workflow.step_ended tell outcome done": 1,
			"workflow.told qa settled":              1, "workflow.told dispatch settled": 1, "workflow.told patient settled": 1, "workflow.told prescriber settled": 1,
		}),
	},
	"compensated": {
		phases: []sagaPhase{
			{opened, is(workflow.Waiting)},
			{func(w *sagaWorld) { w.decide(workflow.Compensate) }, is(workflow.Ended)},
		},
		outcome: workflow.Compensated, made: sum(begun, map[string]int{
			"hold.lifted": 1, "dispatch.stop_held let go": 1,
			"workflow.step_ended stop done undone": 1, "workflow.step_ended quarantine done undone": 1,
			"workflow.told qa compensated": 1, "workflow.told dispatch compensated": 1,
		}),
	},
}

// forget takes away where the delivery goes, as time does.
func (w *sagaWorld) forget() {
	w.t.Helper()
	w.must(w.db.Write(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM dispatch_place WHERE id = $1", sagaHome)
		return err
	}))
}

func (w *sagaWorld) remember() {
	w.t.Helper()
	w.must(w.dispatch.SetPlace(w.t.Context(), "person/ann", "", dispatch.Place{ID: sagaHome, Latitude: 525_000_000, Longitude: 134_000_000}))
}

func (w *sagaWorld) decide(decision string) {
	w.t.Helper()
	_, err := w.sagas.Decide(w.t.Context(), "person/ann", "looked into", sagaID, "", decision)
	w.must(err)
}
