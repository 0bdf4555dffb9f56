package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// stands tells of each stop whether it is held (h) or recalled (r).
func stands(r dispatch.Route) string {
	var all []string
	for _, v := range r.Visits() {
		all = append(all, v.ID+map[bool]string{true: "h"}[v.Held]+map[bool]string{true: "r"}[v.Recalled])
	}
	return strings.Join(all, " ")
}

func TestADeliveryIsCalledBackOnce(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		must[dispatch.Route](t)(d.Report(ctx, actor, "", fact.RouteReported{ID: "g1", Route: "R1", Status: "started", At: b.Now(), Source: "driver"}))
		back := dispatch.Recalling{ID: "c1", Route: "R1", Stop: "s2", Cause: "the lot is recalled"}
		must[dispatch.Route](t)(d.Recall(ctx, actor, "", back))
		b.Pass(time.Second)
		r := must[dispatch.Route](t)(d.Recall(ctx, actor, "", back)) // pressed twice
		if got := stands(r); got != "s1 s2hr s3" || len(r.Messages) != 1 || !strings.Contains(r.Messages[0].Text, "stop s2") || r.Status() != "started" {
			t.Errorf("%s, %s, messages %+v", got, r.Status(), r.Messages)
		}
		other := back
		other.Stop, other.Text = "s3", r.Messages[0].Text
		if _, err := d.Recall(ctx, actor, "", other); !errors.Is(err, record.ErrExists) {
			t.Errorf("another recall under the same id: %v", err)
		}
		for what, c := range map[string]dispatch.Recalling{
			"no cause": {ID: "c2", Route: "R1", Stop: "s3"}, "no stop": {ID: "c3", Route: "R1", Stop: "s9", Cause: "x"},
			"twice": {ID: "c4", Route: "R1", Stop: "s2", Cause: "x"}, "long": {ID: "c5", Route: "R1", Cause: "x", Text: strings.Repeat("x", 281)},
		} {
			if _, err := d.Recall(ctx, actor, "", c); err == nil {
				t.Errorf("%s: it was taken", what)
			}
		}
		if got := stands(must[dispatch.Route](t)(d.Leg(ctx, "R1"))); got != "s1 s2hr s3" {
			t.Errorf("what was refused has left something: %s", got)
		}
		// What quality lets go is recalled still.
		hold := func(id string, held, recalled bool) string {
			t.Helper()
			b.Pass(time.Second)
			return stands(must[dispatch.Route](t)(d.Hold(ctx, actor, "", fact.StopHeld{ID: id, Route: "R1", Stop: "s2", Held: held, Recalled: recalled})))
		}
		if got := hold("h1", true, false) + "," + hold("h2", false, false); got != "s1 s2hr s3,s1 s2hr s3" {
			t.Errorf("held and let go: %s", got)
		}
		if got := hold("h3", false, true); got != "s1 s2 s3" {
			t.Errorf("delivered after all: %s", got)
		}
		if _, err := d.Hold(ctx, actor, "", fact.StopHeld{ID: "h4", Route: "R1", Stop: "s2", Held: true, Recalled: true}); !errors.Is(err, record.ErrInvalid) {
			t.Errorf("a recall that tells nobody: %v", err)
		}
	})
}

func TestARouteIsCalledBackWhole(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("g2", "s1", "completed", b.Now())))
		b.Pass(time.Second)
		r := must[dispatch.Route](t)(d.Recall(ctx, actor, "", dispatch.Recalling{ID: "c1", Route: "R1", Cause: "storm"}))
		if got := stands(r); got != "s1 s2hr s3hr" || r.Status() != "recalled" || len(r.Messages) != 1 {
			t.Errorf("%s, %s, %d messages", got, r.Status(), len(r.Messages))
		}
		if _, err := d.Hold(ctx, actor, "", fact.StopHeld{ID: "h1", Route: "R1", Stop: "s2", Recalled: true}); !errors.Is(err, record.ErrRefused) {
			t.Errorf("a stop of it is delivered after all: %v", err)
		}
		if _, err := d.Recall(ctx, actor, "", dispatch.Recalling{ID: "c2", Route: "R1", Cause: "storm"}); !errors.Is(err, record.ErrRefused) {
			t.Errorf("recalled again: %v", err)
		}
	})
}

// TestWhatIsKeptIsNotLetGo, whoever asks, by a page or a program.
func TestWhatIsKeptIsNotLetGo(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		b.Keep(func(_ context.Context, by, route, stop string) (string, error) {
			return map[string]string{"person/dan R1/s2": "quality has not decided"}[by+" "+route+"/"+stop], nil
		})
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		must[dispatch.Route](t)(d.Hold(ctx, "person/dan", "", fact.StopHeld{ID: "h1", Route: "R1", Stop: "s2", Held: true}))
		b.Pass(time.Second)
		if _, err := d.Hold(ctx, "person/dan", "", fact.StopHeld{ID: "h2", Route: "R1", Stop: "s2"}); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), "quality has not decided") {
			t.Errorf("let go: %v", err)
		}
		if got := stands(must[dispatch.Route](t)(d.Hold(ctx, "system/workflow", "", fact.StopHeld{ID: "h3", Route: "R1", Stop: "s2"}))); got != "s1 s2 s3" {
			t.Errorf("let go by its saga: %s", got)
		}
	})
}
