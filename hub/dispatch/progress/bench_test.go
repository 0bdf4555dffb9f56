package progress

import (
	"fmt"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
)

func BenchmarkFollow(b *testing.B) {
	b.Run("track", benchmarkTrack)
	b.Run("round", benchmarkRound)
}

// benchmarkTrack goes through ten hours of a position each second, as after a
// start of the hub or when positions came late.
func benchmarkTrack(b *testing.B) {
	w := newWorld(b, storetest.Open(b, storetest.SQLite(b)))
	w.round()
	track := drive(w.Now()-2*minute, 1000, 1, 12, 4*minute, home, far, home, depot, far, depot, far, depot, far, depot, far, depot, far, depot, far, depot, far, depot)
	w.driven(track[:min(len(track), 36_000)])
	w.Pass(12 * time.Hour)
	w.commit(0, len(w.track))
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		w.restart()
		b.StartTimer()
		w.work()
	}
	b.ReportMetric(float64(b.N*len(w.track))/b.Elapsed().Seconds(), "positions/s")
}

// benchmarkRound is a round of work for 200 open routes of 20 stops, none of
// which has news: estimates are made anew.
func benchmarkRound(b *testing.B) {
	w := newWorld(b, storetest.Open(b, storetest.SQLite(b)))
	start := fact.Ref{Kind: fact.Site, ID: "S1"}
	for n := range 200 {
		p := fact.RoutePlanned{ID: fmt.Sprint("R-", n), Courier: "van-1", Start: start, Depart: w.Now()}
		for i := range 20 {
			id := fmt.Sprintf("%d-%d", n, i)
			if _, err := w.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: "S-" + id}, -1); err != nil {
				b.Fatal(err)
			}
			to := fact.Ref{Kind: fact.Place, ID: []string{"pl_9d41c07be2", "pl_0e5b77a1c4"}[i%2]}
			if _, err := w.Dispatch.Plan(ctx, "person/test", "", fact.JobPlanned{ID: "J-" + id, Shipment: "S-" + id, From: start, To: to}, 0); err != nil {
				b.Fatal(err)
			}
			p.Stops = append(p.Stops, fact.Stop{ID: fmt.Sprint("s", i), Job: "J-" + id, Kind: "delivery", Place: to})
		}
		if _, err := w.Dispatch.Route(ctx, "person/test", "", p, 0); err != nil {
			b.Fatal(err)
		}
	}
	w.work()
	b.ResetTimer()
	for range b.N {
		w.Pass(time.Second)
		w.work()
	}
	var a dispatch.Arrival
	if a, _ = w.tracker.ETA("R-7", "s19"); a.Basis == "" {
		b.Fatal("no estimates were made")
	}
}
