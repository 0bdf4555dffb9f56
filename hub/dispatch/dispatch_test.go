package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const actor = "person/test"

var ctx = context.Background()

func run(t *testing.T, test func(t *testing.T, b *dispatchtest.Bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := dispatchtest.New(t, db)
		b.Stock(t)
		test(t, b)
	})
}

func want(t *testing.T, what string, err, kind error, begins string) {
	t.Helper()
	if !errors.Is(err, kind) || err != nil && !strings.HasPrefix(err.Error(), begins) {
		t.Errorf("%s: got %v, want an error that begins with %q and is %v", what, err, begins, kind)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func stop(id, stop, status string, at int64) fact.StopReported {
	return fact.StopReported{ID: id, Route: "R1", Stop: stop, Status: status, At: at, Made: at, Source: "driver"}
}

func TestRouteFromPlanToEnd(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		r := must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		if again := must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0)); again.Revision != r.Revision {
			t.Errorf("planned twice the same: revision %d, then %d", r.Revision, again.Revision)
		}
		if waiting := must[[]dispatch.Job](t)(d.Jobs(ctx, "", true, "", 10)); len(waiting) != 0 {
			t.Errorf("%d jobs wait for a route, and all have one", len(waiting))
		}
		b.Pass(time.Hour)
		at := b.Now() - 1000
		must[dispatch.Route](t)(d.Report(ctx, actor, "", fact.RouteReported{ID: "g1", Route: "R1", Status: "started", At: at, Source: "driver"}))
		r = must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("g2", "s1", "completed", at)))
		if r.Status() != "started" || r.Next().ID != "s2" {
			t.Errorf("status %s, next %s; want started, s2", r.Status(), r.Next().ID)
		}
		r = must[dispatch.Route](t)(d.Reorder(ctx, actor, "thermal margin", "R1", []string{"s3", "s2"}, record.Any))
		if r.Stops[0].ID != "s1" || r.Next().ID != "s3" {
			t.Errorf("re-sequenced: %s first, next %s; want s1, s3", r.Stops[0].ID, r.Next().ID)
		}
		must[dispatch.Route](t)(d.Report(ctx, actor, "", fact.RouteReported{ID: "g9", Route: "R1", Status: "ended", At: at + 500, Source: "driver"}))
		if open := must[[]dispatch.Route](t)(d.Open(ctx)); len(open) != 0 {
			t.Errorf("%d routes are open after the only one has ended", len(open))
		}
	})
}

func TestBadInputChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("g1", "s1", "arrived", b.Now())))
		last := b.Log.Last()
		for _, c := range []struct {
			what   string
			do     func() error
			kind   error
			begins string
		}{
			{"a courier of no kind", func() error {
				_, err := d.Define(ctx, actor, "", fact.CourierDefined{ID: "x", Kind: "horse", Party: "co1"}, 0)
				return err
			}, record.ErrInvalid, "kind"},
			{"a courier of nobody", func() error {
				_, err := d.Define(ctx, actor, "", fact.CourierDefined{ID: "x", Kind: "van", Party: "nobody"}, 0)
				return err
			}, record.ErrInvalid, "party"},
			{"a place named after a person", func() error { return d.SetPlace(ctx, actor, "", dispatch.Place{ID: "JaneMiller1970"}) }, record.ErrInvalid, "id"},
			{"a place off the earth", func() error {
				return d.SetPlace(ctx, actor, "", dispatch.Place{ID: "pl_7d0a11c2", Latitude: 95e7})
			}, record.ErrInvalid, "position"},
			{"a job of an unknown shipment", func() error {
				_, err := d.Plan(ctx, actor, "", fact.JobPlanned{ID: "J9", Shipment: "SH9", From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: fact.Ref{Kind: fact.Place, ID: dispatchtest.Home}}, 0)
				return err
			}, record.ErrInvalid, "shipment"},
			{"windows out of order", func() error {
				_, err := d.Plan(ctx, actor, "", fact.JobPlanned{ID: "J9", Shipment: "SH1", From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: fact.Ref{Kind: fact.Place, ID: dispatchtest.Home},
					Windows: []fact.Window{{From: b.Now(), Until: b.Now() + 10}, {From: b.Now() + 5, Until: b.Now() + 20}}}, 0)
				return err
			}, record.ErrInvalid, "windows.1"},
			{"a job that is under way, cancelled", func() error { _, err := d.CancelJob(ctx, actor, "why", "J1", record.Any); return err }, record.ErrRefused, "id"},
			{"a delivery at another place", func() error {
				p := b.Round()
				p.ID, p.Stops = "R2", p.Stops[1:2]
				p.Stops[0].Place.ID = dispatchtest.Home
				_, err := d.Route(ctx, actor, "", p, 0)
				return err
			}, record.ErrInvalid, "stops.0.place"},
			{"a job in two routes", func() error {
				p := b.Round()
				p.ID, p.Stops = "R2", p.Stops[:1]
				_, err := d.Route(ctx, actor, "", p, 0)
				return err
			}, record.ErrRefused, "stops.0.job"},
			{"a stop that was reached, taken out", func() error {
				p := b.Round()
				p.Stops = p.Stops[1:]
				_, err := d.Route(ctx, actor, "", p, record.Any)
				return err
			}, record.ErrRefused, "stops"},
			{"an old revision", func() error {
				p := b.Round()
				p.Depart += 60_000
				_, err := d.Route(ctx, actor, "", p, 1)
				return err
			}, event.ErrStale, "route/R1"},
			{"a report of the future", func() error {
				_, err := d.ReportStop(ctx, actor, "", stop("g5", "s2", "arrived", b.Now()+3_600_000))
				return err
			}, record.ErrInvalid, "at"},
			{"an id used again", func() error {
				_, err := d.ReportStop(ctx, actor, "", stop("g1", "s2", "arrived", b.Now()))
				return err
			}, record.ErrExists, "id"},
			{"an order that leaves a stop out", func() error {
				_, err := d.Reorder(ctx, actor, "", "R1", []string{"s2", "s3"}, record.Any)
				return err
			}, record.ErrInvalid, "order"},
		} {
			want(t, c.what, c.do(), c.kind, c.begins)
			if b.Log.Last() != last {
				t.Fatalf("%s: something was appended", c.what)
			}
		}
	})
}

// TestOrderFreeVisits: what a stop came to does not depend on the order in
// which its reports arrived, and told twice they are one.
func TestOrderFreeVisits(t *testing.T) {
	base := []fact.StopReported{
		stop("a", "s1", "arrived", 1000), stop("b", "s1", "departed", 2000), stop("c", "s1", "arrived", 3000),
		stop("d", "s1", "completed", 4000), stop("e", "s1", "departed", 5000), stop("f", "s2", "failed", 6000), stop("g", "s2", "completed", 9000),
	}
	var first string
	for seed := range uint64(200) {
		r := dispatch.Route{RoutePlanned: fact.RoutePlanned{Stops: []fact.Stop{{ID: "s1"}, {ID: "s2"}}}}
		for _, i := range rand.New(rand.NewPCG(seed, 1)).Perm(len(base)) {
			r.Made = append(r.Made, base[i])
		}
		text, err := json.Marshal(r.Visits())
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Fatalf("seed %d: %s, want %s", seed, text, first)
		}
	}
	if !strings.Contains(first, `"status":"completed","arrived":1000,"departed":5000,"completed":4000`) || strings.Count(first, `"status":"completed"`) < 2 {
		t.Errorf("visits: %s", first)
	}
}

// atHome gives a stop of a route that is at a place.
func atHome(t *testing.T, r fact.RoutePlanned) string {
	t.Helper()
	for _, s := range r.Stops {
		if s.Place.Kind == fact.Place {
			return s.ID
		}
	}
	t.Fatal("no stop is at a place")
	return ""
}

// TestPromise9NoEventTellsWhere: positions of places are in no event, and are
// forgotten when they have not been needed for long.
func TestPromise9NoEventTellsWhere(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		there := &fact.Position{Latitude: 407_000_000, Longitude: -740_000_000, Accuracy: 5000}
		for range 2 { // told again it is the same
			must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", fact.StopReported{ID: "here", Route: "R1", Stop: atHome(t, b.Round()), Status: "arrived", At: b.Now(), Source: "driver", Position: there}))
		}
		events := must[[]event.Event](t)(b.Log.Read(ctx, 0, 1000))
		for _, e := range events {
			if strings.Contains(string(e.Data), "407000000") || strings.Contains(string(e.Data), "408000000") {
				t.Errorf("event %d tells where a place is: %s", e.Position, e.Data)
			}
		}
		b.Pass(31 * 24 * time.Hour)
		if n := must[int](t)(d.Forget(ctx)); n != 0 {
			t.Errorf("%d places of an open route were forgotten", n)
		}
		must[dispatch.Route](t)(d.Report(ctx, actor, "", fact.RouteReported{ID: "g9", Route: "R1", Status: "ended", At: b.Now(), Source: "driver"}))
		if n := must[int](t)(d.Forget(ctx)); n != 2 {
			t.Errorf("%d places were forgotten, want 2", n)
		}
		if _, found, err := d.Place(ctx, dispatchtest.Home); found || err != nil {
			t.Errorf("place is there still: %v, %v", found, err)
		}
	})
}

func TestHoldAndRelease(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		hold := fact.StopHeld{ID: "h1", Route: "R1", Stop: "s2", Held: true, Cause: "excursion E1", At: b.Now()}
		must[dispatch.Route](t)(d.Hold(ctx, actor, "", hold))
		b.Pass(time.Second)
		r := must[dispatch.Route](t)(d.Hold(ctx, actor, "", hold)) // told twice
		if len(r.Holds) != 1 || !r.Visits()[1].Held {
			t.Errorf("%d holds, held %v; want 1, true", len(r.Holds), r.Visits()[1].Held)
		}
		hold.ID, hold.Held, hold.At, hold.Made = "h2", false, b.Now(), 0
		if r = must[dispatch.Route](t)(d.Hold(ctx, actor, "", hold)); r.Visits()[1].Held {
			t.Error("the stop is held still")
		}
	})
}

// TestShipmentsAreTold: what happens on a route is told to the shipments, once,
// though the consumer hears of it twice.
func TestShipmentsAreTold(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d, at := b.Dispatch, b.Now()
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		must[dispatch.Route](t)(d.Report(ctx, actor, "", fact.RouteReported{ID: "g1", Route: "R1", Status: "started", At: at, Source: "driver"}))
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("g2", "s1", "completed", at+1)))
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("g3", "s2", "failed", at+2)))
		tell := func(ctx context.Context, actor, reason string, r fact.ShipmentReported) error {
			_, err := b.Orders.Report(ctx, actor, reason, r)
			return err
		}
		for range 2 {
			if err := d.Follow(ctx, replay{b.Log}, tell); err != nil {
				t.Fatal(err)
			}
		}
		for shipment, status := range map[string]string{"SH1": "delivered", "SH2": "failed", "SH3": "in_transit"} {
			s := must[orders.Shipment](t)(b.Orders.Shipment(ctx, shipment))
			if got := s.Progress().Status; got != status {
				t.Errorf("shipment %s is %s, want %s", shipment, got, status)
			}
			if reports := 2; shipment != "SH3" && len(s.Reports) != reports {
				t.Errorf("shipment %s has %d reports, want %d", shipment, len(s.Reports), reports)
			}
		}
	})
}

// replay hands on all events there are, once more with each call.
type replay struct{ log *event.Log }

func (r replay) Consume(ctx context.Context, _ string, handle func(context.Context, []event.Event) error) error {
	all, err := r.log.Read(ctx, 0, 1000)
	if err != nil {
		return err
	}
	return handle(ctx, all)
}
