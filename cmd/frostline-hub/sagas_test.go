package main

import (
	"context"
	"maps"
	"testing"
	"time"

	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

const sagaID = "excursion-" + sagaCase

// rejected is all that sagas do about a delivery that is rejected.
var rejected = map[string]int{
	"workflow.started": 1, "hold.placed": 1, "dispatch.stop_held": 1, "dispatch.courier_messaged": 1,
	"workflow.step_ended quarantine done": 1, "workflow.step_ended find done": 1, "workflow.step_ended stop done": 1, "workflow.step_ended tell done": 1,
	"workflow.told qa held": 1, "workflow.told dispatch held": 1, "workflow.waiting": 1, "workflow.step_ended disposition done": 1,
	"orders.order_placed": 1, "orders.shipment_planned": 1, "dispatch.job_planned": 1,
	"workflow.step_ended order done": 1, "workflow.step_ended shipment done": 1, "workflow.step_ended job done": 1, "workflow.step_ended tell outcome done": 1,
	"workflow.told qa replaced": 1, "workflow.told dispatch replaced": 1, "workflow.told patient replaced": 1, "workflow.told prescriber replaced": 1,
	"workflow.ended": 1,
}

func TestRejectedDeliveryIsReplaced(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		w := openSagaWorld(t, url, t.TempDir(), workflow.Config{})
		w.stock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		stop := w.run()
		w.open(sagaCase)
		w.until(ctx, sagaID, is(workflow.Waiting))
		r, err := w.dispatch.Leg(ctx, "R1")
		w.must(err)
		if !r.Visits()[0].Held {
			t.Error("the stop is not held")
		}
		w.sign(sagaCase, "reject")
		s := w.until(ctx, sagaID, is(workflow.Ended))
		if s.Outcome != workflow.Replaced {
			t.Errorf("outcome %s, want replaced", s.Outcome)
		}
		stop()
		if got := w.made(); !maps.Equal(got, rejected) {
			t.Errorf("got\n%v\nwant\n%v", got, rejected)
		}
		jobs, err := w.dispatch.Jobs(ctx, "", true, "", 10)
		w.must(err)
		if len(jobs) != 1 || jobs[0].Replaces != "J1" || !jobs[0].Identity {
			t.Errorf("waiting jobs %+v, want one that replaces J1", jobs)
		}
	})
}
