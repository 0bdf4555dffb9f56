package progress

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
)

// broken is a world whose history cannot be read while it is.
type broken struct {
	*world
	is atomic.Bool
}

func (b *broken) Readings(ctx context.Context, gateway, sensor string, q reading.Quantity, from, to int64, visit func(Reading) error) error {
	if b.is.Load() {
		return errors.New("disk on fire")
	}
	return b.world.Readings(ctx, gateway, sensor, q, from, to, visit)
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about in a minute: %s", what)
		}
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	b := &broken{world: w}
	w.options.Measured = b
	w.restart()
	w.round()
	w.tour(10_000)
	w.Pass(16 * time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.tracker.Run(ctx) }()
	until(t, "an estimate from the plan", func() bool { _, ok := w.tracker.ETA("R1", "s1"); return ok })
	b.is.Store(true)
	w.commit(0, 80)
	until(t, "the failure is told", func() bool { return w.tracker.Status().Failing != "" })
	b.is.Store(false)
	until(t, "the arrival", func() bool { return w.tracker.Status().Reports >= 3 })
	until(t, "where it is", func() bool { _, ok := w.tracker.Where("R1"); return ok })
	if s := w.tracker.Status(); s.Failures == 0 || s.Failing != "" || s.Routes != 1 {
		t.Errorf("%+v", s)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRoutesThatAreOver(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.round()
	w.tour(10_000)
	w.upto(w.track[0].At + 20*minute)
	_, err := w.Dispatch.Report(ctx, "person/driver", "", fact.RouteReported{ID: "e", Route: "R1", Status: "ended", At: w.Now()})
	w.must(err)
	for range 20 { // positions go on to come
		w.upto(w.Now() + minute)
	}
	if n, s := len(w.route().Made), w.tracker.Status(); s.Routes != 0 || s.Late != 0 || n != 4 || len(w.tracker.runs) != 0 {
		t.Errorf("after a route's end %d reports, %+v, %d routes kept; want those until a quarter of an hour later, from one reading", n, s, len(w.tracker.runs))
	}
	p := w.Round()
	p.ID = "R2"
	for i := range p.Stops {
		p.Stops[i].ID = "t" + p.Stops[i].ID
	}
	_, err = w.Dispatch.Route(ctx, "person/test", "", p, 0)
	w.must(err)
	w.work()
	if s := w.tracker.Status(); s.Routes != 1 {
		t.Errorf("the next route is not followed: %+v", s)
	}
	w.Pass(25 * time.Hour)
	w.work()
	if s := w.tracker.Status(); s.Routes != 0 || !w.tracker.left["R2"] {
		t.Errorf("a route that nobody ended is followed for ever: %+v", s)
	}
}
