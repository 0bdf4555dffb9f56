package main

import (
	"fmt"
	"testing"

	"frostline/hub/models"
	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

// again is the hub started anew on the same store, with another configuration.
func (w *sagaWorld) again(url string, c workflow.Config) {
	w.t.Helper()
	w.m = models.New()
	w.logs(storetest.Logger(w.t), w.dir, url, c)
}

// TestConfigurationChangesWhileASagaWaits: what is done with a delivery is
// configured otherwise, and the hub started anew, while quality has not decided.
// What was held is let go all the same, and what was recalled stays so.
func TestConfigurationChangesWhileASagaWaits(t *testing.T) {
	for _, c := range []struct {
		before, after workflow.Config
		want          string // of the stop when quality has released it
	}{
		{workflow.Config{Stop: workflow.StopHold}, workflow.Config{Stop: workflow.StopRecall}, "started, let go"},
		{workflow.Config{Stop: workflow.StopHold}, workflow.Config{Stop: workflow.StopAsk}, "started, let go"},
		{workflow.Config{Stop: workflow.StopHold}, workflow.Config{Off: true}, "started, let go"},
		{workflow.Config{Stop: workflow.StopHold}, workflow.Config{Severities: []string{"critical"}, Stop: workflow.StopRecall}, "started, let go"},
		{workflow.Config{Stop: workflow.StopRecall}, workflow.Config{Stop: workflow.StopHold}, "recalled, let go"},
	} {
		for _, how := range []string{"released", "compensated"} {
			t.Run(fmt.Sprintf("%s-%s-off-%t-%s", c.before.Stop, c.after.Stop, c.after.Off, how), func(t *testing.T) {
				url := storetest.SQLite(t)
				w := openSagaWorld(t, url, t.TempDir(), c.before)
				ctx := soon(t)
				stop := w.run()
				opened(w)
				w.until(ctx, sagaID, is(workflow.Waiting))
				stop()
				w.again(url, c.after)
				w.run()
				if how == "released" {
					w.sign(sagaCase, "release")
				} else {
					w.decide(workflow.Compensate)
				}
				if s := w.until(ctx, sagaID, is(workflow.Ended)); s.Outcome != how {
					t.Errorf("outcome %q, want %q", s.Outcome, how)
				}
				r, err := w.dispatch.Leg(ctx, "R1")
				w.must(err)
				got := r.Status() + ", let go"
				if r.Visits()[0].Held {
					got = r.Status() + ", held"
				}
				if got != c.want {
					t.Errorf("the stop is %s, want %s", got, c.want)
				}
			})
		}
	}
}

// TestConfigurationChangesWhileAPersonIsAsked: the saga asks as it began, and does
// what was decided.
func TestConfigurationChangesWhileAPersonIsAsked(t *testing.T) {
	url := storetest.SQLite(t)
	w := openSagaWorld(t, url, t.TempDir(), workflow.Config{Stop: workflow.StopAsk})
	ctx := soon(t)
	stop := w.run()
	opened(w)
	w.until(ctx, sagaID, is(workflow.Parked))
	stop()
	w.again(url, workflow.Config{Stop: workflow.StopRecall})
	w.run()
	w.decide(workflow.Retry)
	w.until(ctx, sagaID, is(workflow.Waiting))
	r, err := w.dispatch.Leg(ctx, "R1")
	w.must(err)
	if r.Status() != "started" || !r.Visits()[0].Held {
		t.Errorf("the route is %s, its stop held: %t; want what was decided: it goes on, and its stop is held", r.Status(), r.Visits()[0].Held)
	}
}
