package intake

import (
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// TestPromise1ThinnedIsAGap: what was thinned is declared lost like any other
// loss, in the epoch it happened in, and known to be thinned after a restart.
func TestPromise1ThinnedIsAGap(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(30, 2)
		d.keep(2, &pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{First: 11, Last: 20, Readings: 20, Reason: "thinned"}}},
			&pb.Event{Kind: &pb.Event_Thinned{Thinned: &pb.Thinned{First: 11, Last: 20, Series: 0, Count: 10, Min: 4000, Mean: 4050, Max: 4100}}},
			&pb.Event{Kind: &pb.Event_Thinned{Thinned: &pb.Thinned{First: 11, Last: 20, Series: 1, Count: 10, Min: 4000, Mean: 4050, Max: 4100}}})
		next := newDevice("van-1", 2)
		next.keep(1, &pb.Event{Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{Epoch: 2, Reason: "a test", PreviousEpoch: 1, PreviousLast: 31, PreviousReadings: 62}}},
			&pb.Event{Kind: &pb.Event_Gap{Gap: &pb.Gap{Epoch: 1, First: 25, Last: 28, Readings: 8, Reason: "thinned"}}},
			&pb.Event{Kind: &pb.Event_Thinned{Thinned: &pb.Thinned{Epoch: 1, First: 25, Last: 28, Series: 0, Count: 8, Min: 1, Mean: 1, Max: 1}}})
		check := func(w *site) {
			t.Helper()
			eventually(t, "all is committed", func() bool { return w.line(d).Blocks == 17 && w.line(next).Blocks == 1 })
			if l := w.line(d); !l.AddsUp || l.Gaps != 28 || l.Thinned != 28 || l.Pending != 0 || l.Produced != 62 || l.Committed != 34 {
				t.Errorf("account %+v, want 28 readings in gaps, all of them thinned", l)
			}
			if l := w.line(next); !l.AddsUp || l.Gaps != 0 || l.Thinned != 0 {
				t.Errorf("account %+v of the next epoch, want no gap", l)
			}
		}
		w := newSite(t, db, setup{}, d)
		for _, r := range [][2]uint64{{1, 10}, {21, 24}, {29, 31}} {
			w.send(d, topic.Backlog, d.parcel(r[0], r[1]))
		}
		w.send(next, topic.Live, next.parcel(1, 1))
		check(w)
		w.stop()
		check(newSite(t, db, setup{}, d))
	})
}
