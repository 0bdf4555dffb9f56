package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/workflow"
)

// TestStopsAreHeld by a person, where the saga does not hold them, on a real
// dispatch.
func TestStopsAreHeld(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		r := openRound(t, db)
		var c *carried
		g := openGuarded(t, func(cfg *Config) {
			c = openCarried(t, somewhere(t), cfg.Now)
			cfg.Sagas, cfg.Holds, cfg.Dispatch = c.sagas, c.holds, r
		})
		saga := func(excursion string, more ...any) string {
			id := "excursion-" + excursion
			c.say(id, "system/workflow", "", append([]any{fact.SagaStarted{ID: id, Kind: "excursion", Excursion: excursion, Package: "P-" + excursion, Severity: "alarm"},
				fact.SagaStep{ID: id, Step: "find", Round: 1, Outcome: "done", Delivery: &fact.SagaDelivery{Shipment: "SH2", Job: "J2", Stops: []fact.SagaStop{{Route: "R1", Stop: "s2"}, {Route: "gone", Stop: "s1"}}}}}, more...)...)
			return "/view/saga/" + id
		}
		open := saga("y1", fact.SagaStep{ID: "excursion-y1", Step: "stop", Round: 1, Outcome: "skipped"}, fact.SagaWaiting{ID: "excursion-y1", Step: "disposition", Pause: "disposition.1.0", For: "disposition"})
		over := saga("y2", fact.SagaOver{ID: "excursion-y2", Outcome: workflow.Compensated})
		bad := saga("y3", fact.SagaStep{ID: "excursion-y3", Step: "disposition", Round: 1, Outcome: "done", Disposition: workflow.Rejected}, fact.SagaOver{ID: "excursion-y3", Outcome: workflow.Settled})
		dan := g.as("dan", "dispatcher")
		form := dan.get(open)
		send := func(path, held, cause string) page {
			t.Helper()
			r.Pass(time.Second)
			return dan.send(form, path+"/stop", "route", "R1", "stop", "s2", "held", held, "cause", cause)
		}
		held := func(want bool) {
			t.Helper()
			route, err := r.Leg(t.Context(), "R1")
			if err != nil || route.Visits()[1].Held != want {
				t.Errorf("held %t, %v, want %t", !want, err, want)
			}
		}
		if p := dan.get(open); !strings.Contains(p.body, "s2 of route R1: not held") || !strings.Contains(p.body, "Hold it</button>") {
			t.Fatalf("the stop is not shown: %d", p.code)
		}
		if p := send(open, "yes", " "); p.code != http.StatusUnprocessableEntity {
			t.Errorf("without a reason: %d", p.code)
		}
		if p := send(open, "no", "x"); p.code != http.StatusConflict {
			t.Errorf("let go what is not held: %d", p.code)
		}
		held(false)
		if p := send(open, "yes", "the box is wet"); p.code != http.StatusSeeOther || p.to != open+"?done=stop" {
			t.Fatalf("hold: %d to %q", p.code, p.to)
		}
		held(true)
		if p := send(open, "yes", "the box is wet"); p.code != http.StatusConflict {
			t.Errorf("a second time: %d", p.code)
		}
		for path, why := range map[string]string{open: "It is let go by itself when quality has released it.", bad: "Quality has rejected it: plan the stop out of its route."} {
			if p := send(path, "no", "in a hurry"); p.code != http.StatusConflict || !strings.Contains(p.body, why) {
				t.Errorf("%s: let go: %d, want it to say %q", path, p.code, why)
			}
		}
		held(true)
		if p := dan.get(over + "?done=stop"); !strings.Contains(p.body, "The stop is as you wanted it.") || !strings.Contains(p.body, "held (the box is wet)") {
			t.Error("it is not said")
		}
		if p := send(over, "no", "it was water"); p.code != http.StatusSeeOther {
			t.Errorf("let go: %d", p.code)
		}
		held(false)
		if p := g.as("wes", "warehouse").get(over); strings.Contains(p.body, "Hold it") {
			t.Error("the warehouse is given the button")
		}
	})
}
