package progress

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func TestStopPlannedAfterTheVisitWasNotVisited(t *testing.T) {
	run2(t, func(t *testing.T, w *world) {
		w.tour(10_000)
		w.upto(w.track[0].At + 20*minute) // it has left Home
		w.must(w.plan("SH9", "J9", w.route().Stops[0].Place))
		p := w.route().RoutePlanned
		p.Stops = slices.Insert(slices.Clone(p.Stops), 1, fact.Stop{ID: "s9", Job: "J9", Kind: "delivery", Place: p.Stops[0].Place})
		_, err := w.Dispatch.Route(ctx, "person/test", "", p, record.Any)
		w.must(err)
		w.work()
		w.restart()
		w.work()
		if got := w.stays(); got != "s1 departed 8-12 s9 planned -1--1 s2 planned -1--1 s3 planned -1--1 " {
			t.Errorf("%s", got)
		}
	})
}

// plan plans a shipment and its job.
func (w *world) plan(shipment, job string, to fact.Ref) error {
	if _, err := w.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: shipment}, record.Any); err != nil {
		return err
	}
	_, err := w.Dispatch.Plan(ctx, "person/test", "", fact.JobPlanned{ID: job, Shipment: shipment, From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: to}, 0)
	return err
}

func TestPlaceThatIsForgottenOrMovedWithdrawsNothing(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.round()
	w.tour(10_000)
	w.upto(w.track[0].At + 20*minute)
	w.Pass(time.Minute)
	w.must(w.Dispatch.SetPlace(ctx, "person/test", "", dispatch.Place{ID: w.route().Stops[0].Place.ID, Latitude: 401_000_000, Longitude: -740_000_000}))
	w.work()
	if got := w.stays(); !strings.HasPrefix(got, "s1 departed 8-12 ") || len(w.route().Made) != 2 {
		t.Errorf("the place was moved: %s, %+v", got, w.route().Made)
	}
	w.must(w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM dispatch_place")
		return err
	}))
	w.restart()
	w.work()
	if got := w.stays(); !strings.HasPrefix(got, "s1 departed 8-12 ") || len(w.route().Made) != 2 {
		t.Errorf("the place was forgotten: %s, %+v", got, w.route().Made)
	}
	if a, ok := w.tracker.ETA("R1", "s2"); ok {
		t.Errorf("tells when it comes to a place that nobody knows: %+v", a)
	}
}

func TestPositionsThatAPartnerReports(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	_, err := w.Dispatch.Define(ctx, "person/test", "", fact.CourierDefined{ID: "van-1", Kind: "carrier", Party: "co1"}, record.Any)
	w.must(err)
	w.round()
	begins := w.Now()
	w.driven(drive(begins-2*minute, 60_000, 1, 12, 4*minute, home, far))
	for i, f := range w.track[:14] {
		if d := f.At - w.Now(); d > 0 {
			w.Pass(time.Duration(d) * time.Millisecond)
		}
		_, err := w.Orders.Report(ctx, "partner/co1", "", fact.ShipmentReported{ID: "p" + string(rune('a'+i)), Shipment: "SH1", Status: "in_transit", At: f.At, Source: "co1",
			Position: &fact.Position{Latitude: f.Where.Latitude, Longitude: f.Where.Longitude, Accuracy: 20_000}})
		w.must(err)
	}
	w.work()
	if got := w.stays(); !strings.HasPrefix(got, "s1 arrived 9--1 s2 planned ") {
		t.Errorf("%s", got)
	}
	a, ok := w.tracker.ETA("R1", "s2")
	if !ok || !strings.HasPrefix(a.Basis, "at stop s1 for ") {
		t.Errorf("%+v, %v", a, ok)
	}
}
