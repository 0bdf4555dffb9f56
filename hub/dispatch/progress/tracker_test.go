package progress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/truetime"
)

func run2(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.round()
		test(t, w)
	})
}

// tour is a drive past all stops and back, from when the route is planned on.
func (w *world) tour(period int64) {
	w.driven(drive(w.Now()-2*minute, period, 1, 12, 4*minute, home, far, home, depot))
}

// stays are what the visits of R1 say, in minutes after the beginning of the
// track.
func (w *world) stays() string {
	var b strings.Builder
	for _, v := range w.route().Visits() {
		in := func(at int64) int64 {
			if at == 0 {
				return -1
			}
			return (at - w.track[0].At) / minute
		}
		fmt.Fprintf(&b, "%s %s %d-%d ", v.ID, v.Status, in(v.Arrived), in(v.Departed))
	}
	return b.String()
}

func (w *world) complete(stop string, at int64) {
	w.t.Helper()
	_, err := w.Dispatch.ReportStop(ctx, "person/driver", "", fact.StopReported{ID: "done-" + stop, Route: "R1", Stop: stop, Status: "completed", At: at, Source: "driver"})
	w.must(err)
}

func TestRouteFollowedByPositions(t *testing.T) {
	run2(t, func(t *testing.T, w *world) {
		w.tour(5000)
		end := w.track[len(w.track)-1].At
		for at := w.track[0].At; at < end+minute; at += minute {
			w.upto(at)
			for _, v := range w.route().Visits() {
				if v.Status == "arrived" && at-v.Arrived >= 3*minute {
					w.complete(v.ID, at)
				}
			}
		}
		w.work()
		r := w.route()
		if r.Status() != "ended" || len(r.Reports) != 2 || len(r.Made) != 9 {
			t.Errorf("the route is %s after %d reports, %d of stops; want ended, 2 and 9", r.Status(), len(r.Reports), len(r.Made))
		}
		if got, want := w.stays(), "s1 completed 8-12 s2 completed 27-32 s3 completed 47-51 "; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if set := r.Reports[0].At - w.track[0].At; set < 5*minute || set > 6*minute {
			t.Errorf("set out %d ms after the beginning, want a little more than 5 min", set)
		}
		if s := w.tracker.Status(); s.Refused != 0 || s.Late != 0 || s.Failing != "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestOrderFree commits a track in pieces in any order, with the hub killed now
// and then: what comes out is the same, and nothing doubles.
func TestOrderFree(t *testing.T) {
	var want string
	run2(t, func(t *testing.T, w *world) {
		w.tour(10_000)
		w.upto(w.track[len(w.track)-1].At + minute)
		w.work()
		want = w.stays()
	})
	if !strings.HasPrefix(want, "s1 departed 8-12 s2 departed 27-") {
		t.Fatal(want)
	}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			run2(t, func(t *testing.T, w *world) {
				r := rand.New(rand.NewPCG(seed, 1))
				w.tour(10_000)
				w.Pass(2 * time.Hour)
				var pieces [][2]int
				for from := 0; from < len(w.track); {
					until := min(len(w.track), from+1+r.IntN(40))
					pieces = append(pieces, [2]int{from, until})
					from = until
				}
				for _, i := range r.Perm(len(pieces)) {
					w.commit(pieces[i][0], pieces[i][1])
					if r.IntN(4) == 0 {
						w.restart()
					}
					if r.IntN(3) > 0 {
						w.work()
					}
					w.Pass(6 * time.Second)
				}
				w.restart() // it is all in history
				w.work()
				if got := w.stays(); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				n := len(w.route().Made)
				w.restart()
				w.work()
				w.work()
				if m := len(w.route().Made); m != n {
					t.Errorf("%d reports, and after another start %d", n, m)
				}
				if holding := len(w.route().Holding()); holding != 6 {
					t.Errorf("%d reports hold, want 6: %+v", holding, w.route().Holding())
				}
			})
		})
	}
}

// faulty fails the nth report: before it is made, or after.
type faulty struct {
	*dispatch.Dispatch
	n     int
	after bool
}

var errKilled = errors.New("killed")

func (f *faulty) ReportStop(ctx context.Context, actor, reason string, s fact.StopReported) (dispatch.Route, error) {
	if f.n--; f.n == 0 && !f.after {
		return dispatch.Route{}, errKilled
	}
	r, err := f.Dispatch.ReportStop(ctx, actor, reason, s)
	if f.n == 0 {
		return dispatch.Route{}, errors.Join(err, errKilled)
	}
	return r, err
}

func TestKilledAtEachReport(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
				w.round()
				w.tour(10_000)
				good := w.options.Routes
				w.options.Routes = &faulty{w.Dispatch, n, after}
				w.restart()
				var killed error
				for at := w.track[0].At; at < w.track[len(w.track)-1].At+2*minute; at += 3 * minute {
					if d := at - w.Now(); d > 0 {
						w.Pass(3 * time.Minute)
					}
					from, until := 0, 0
					for until < len(w.track) && w.track[until].At <= at {
						until++
					}
					for from < len(w.track) && w.has[from] {
						from++
					}
					if from < until {
						w.commit(from, until)
					}
					if err := w.tracker.Work(ctx); err != nil {
						killed = err
						w.options.Routes = good
						w.restart()
						w.work()
					}
				}
				w.work()
				if !errors.Is(killed, errKilled) {
					t.Errorf("was not killed: %v", killed)
				}
				if got := len(w.route().Made); got != 6 {
					t.Errorf("%d reports, want 6: %s", got, w.stays())
				}
			})
		}
	}
}

// TestLatePositionsBelongToWhoWasDriving: as in traccar issue 6015.
func TestLatePositionsBelongToWhoWasDriving(t *testing.T) {
	run2(t, func(t *testing.T, w *world) {
		w.tour(10_000)
		end := w.track[len(w.track)-1].At
		w.Pass(time.Duration(end-w.Now()+minute) * time.Millisecond)
		// The driver ends the route; another courier takes the van for the next one,
		// whose stop is at a place that the first had gone to.
		_, err := w.Dispatch.Report(ctx, "person/driver", "", fact.RouteReported{ID: "e", Route: "R1", Status: "ended", At: end})
		w.must(err)
		_, err = w.Dispatch.Define(ctx, "person/test", "", fact.CourierDefined{ID: "van-1", Kind: "van", Party: "co1"}, record.Any)
		w.must(err)
		_, err = w.Dispatch.Define(ctx, "person/test", "", fact.CourierDefined{ID: "van-2", Kind: "van", Party: "co1", Vehicle: "V1"}, 0)
		w.must(err)
		_, err = w.Orders.Plan(ctx, "person/test", "", fact.ShipmentPlanned{ID: "SH9"}, record.Any)
		w.must(err)
		to := w.route().Stops[1].Place
		_, err = w.Dispatch.Plan(ctx, "person/test", "", fact.JobPlanned{ID: "J9", Shipment: "SH9", From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: to}, 0)
		w.must(err)
		_, err = w.Dispatch.Route(ctx, "person/test", "", fact.RoutePlanned{ID: "R2", Courier: "van-2", Start: fact.Ref{Kind: fact.Site, ID: "S1"}, Depart: w.Now() + minute,
			Stops: []fact.Stop{{ID: "s9", Job: "J9", Kind: "delivery", Place: to}}}, 0)
		w.must(err)
		w.work()
		w.commit(0, len(w.track)) // the whole buffer of the gateway
		w.work()
		if got := w.stays(); !strings.HasPrefix(got, "s1 departed 8-12 s2 departed 27-3") {
			t.Errorf("of R1: %s", got)
		}
		r2, err := w.Dispatch.Leg(ctx, "R2")
		w.must(err)
		if len(r2.Made) != 0 || len(r2.Reports) != 0 {
			t.Errorf("R2 was told what happened before: %+v %+v", r2.Made, r2.Reports)
		}
	})
}

func TestPositionsDatedLaterAndAnew(t *testing.T) {
	run2(t, func(t *testing.T, w *world) {
		w.tour(10_000)
		w.Pass(2 * time.Hour)
		anchors := w.anchors
		w.anchors = nil
		w.commit(0, len(w.track))
		w.work()
		if got := w.stays(); got != "s1 planned -1--1 s2 planned -1--1 s3 planned -1--1 " {
			t.Errorf("undated positions told: %s", got)
		}
		wrong := anchors[0]
		wrong.UTC, wrong.Source = wrong.UTC+10*minute, truetime.RTC
		w.anchors = []truetime.Anchor{wrong}
		w.anchored()
		w.work()
		if got := w.stays(); !strings.HasPrefix(got, "s1 departed 18-22 ") {
			t.Errorf("dated by a clock ten minutes ahead: %s", got)
		}
		w.anchors = anchors
		w.Pass(10 * time.Second)
		w.anchored()
		w.work()
		if got := w.stays(); !strings.HasPrefix(got, "s1 departed 8-12 ") {
			t.Errorf("dated anew: %s", got)
		}
	})
}

func TestPromise9NoEventTellsWhere(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.round()
	w.tour(10_000)
	w.upto(w.track[len(w.track)-1].At + minute)
	w.work()
	if len(w.route().Made) == 0 {
		t.Fatal("nothing was reported")
	}
	var all []event.Event
	for {
		page, err := w.Log.Read(ctx, int64(len(all)), 1000)
		w.must(err)
		if all = append(all, page...); len(page) < 1000 {
			break
		}
	}
	for _, e := range all {
		if bytes.Contains(e.Data, []byte("atitude")) {
			t.Errorf("%s tells where: %s", e.Type, e.Data)
		}
	}
	rows, err := w.db.Query(ctx, "SELECT id, what FROM progress_took")
	w.must(err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var id, what string
		w.must(rows.Scan(&id, &what))
		if n++; strings.Contains(id, "R1") || !slices.Contains([]string{"leg estimate van", "delivery at place"}, what) {
			t.Errorf("learnt %q of %q", what, id)
		}
	}
	if n != 7 {
		t.Errorf("learnt from %d legs and hand-overs, want 4 (with the one back) and 3: %v", n, rows.Err())
	}
}

func TestWhere(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.round()
	if _, ok := w.tracker.Where("R1"); ok {
		t.Error("knows where it is before any position")
	}
	w.tour(10_000)
	w.upto(w.track[0].At + 16*minute) // on the way to Far
	got, ok := w.tracker.Where("R1")
	if !ok || got.Next != "s2" || got.Age < 0 || got.Age > 10*time.Second || got.Way < 11_000 || got.Along < 2000 || got.Along > 4000 || got.Off > 100 {
		t.Errorf("%+v, %v", got, ok)
	}
	w.Pass(time.Minute)
	if c, ok := w.tracker.Chart("R1"); !ok || len(c.Fences) == 0 || len(c.Track) == 0 || c.Track[len(c.Track)-1].At > got.Fix.At || len(c.Ahead) == 0 {
		t.Errorf("chart %+v, %t", c, ok)
	}
	if _, ok := w.tracker.Chart("R9"); ok {
		t.Error("a route that is not there has a chart")
	}
	if later, _ := w.tracker.Where("R1"); later.Age-got.Age != time.Minute {
		t.Errorf("a minute later it is %v old, not %v", later.Age, got.Age+time.Minute)
	}
}
