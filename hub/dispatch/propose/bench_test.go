package propose

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const minute = int64(60_000)

// town is a route in memory, with stops strewn over a town.
type town struct {
	route  dispatch.Route
	jobs   map[string]dispatch.Job
	places map[string]dispatch.Place
	loads  map[string][]risk.Load
	now    int64
}

// newTown plans n stops at random, of which some have begun or ended, are
// pinned or held, have windows or get warm.
func newTown(r *rand.Rand, n int) *town {
	t := &town{jobs: map[string]dispatch.Job{}, places: map[string]dispatch.Place{}, loads: map[string][]risk.Load{}, now: 1_789_365_600_000}
	t.route = dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: "R1", Courier: "van-1", Start: fact.Ref{Kind: fact.Site, ID: "S1"}, Depart: t.now}}
	if r.IntN(2) == 0 {
		t.route.End = t.route.Start
	}
	for i := range n {
		id := fmt.Sprint(i)
		t.places["pl_"+id] = dispatch.Place{ID: "pl_" + id, Latitude: 476_000_000 + r.Int64N(1_500_000), Longitude: -1_223_000_000 + r.Int64N(2_000_000)}
		j := fact.JobPlanned{ID: "J" + id, Shipment: "H" + id, Load: r.Int64N(9000)}
		if r.IntN(3) == 0 {
			from := t.now + r.Int64N(300)*minute
			j.Windows = []fact.Window{{From: from, Until: from + (10+r.Int64N(120))*minute}}
		}
		if r.IntN(2) == 0 {
			at := t.now + r.Int64N(400)*minute
			t.loads["H"+id] = []risk.Load{{Package: "P" + id, Condition: risk.InRange, Outlook: []thermal.Outlook{{Limit: "warm", At: 8000, OnCourse: true, Reached: at + 9*minute, Earliest: at}}}}
		}
		t.jobs[j.ID] = dispatch.Job{JobPlanned: j}
		t.route.Stops = append(t.route.Stops, fact.Stop{ID: "s" + id, Job: j.ID, Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: "pl_" + id}, Pinned: r.IntN(8) == 0})
	}
	return t
}

func (t *town) Open(context.Context) ([]dispatch.Route, error)         { return []dispatch.Route{t.route}, nil }
func (t *town) Leg(context.Context, string) (dispatch.Route, error)    { return t.route, nil }
func (t *town) Job(_ context.Context, id string) (dispatch.Job, error) { return t.jobs[id], nil }
func (t *town) Courier(context.Context, string) (dispatch.Courier, error) {
	return dispatch.Courier{CourierDefined: fact.CourierDefined{ID: "van-1", Kind: "van", Payload: 600_000}}, nil
}
func (t *town) Place(_ context.Context, id string) (dispatch.Place, bool, error) {
	p, ok := t.places[id]
	return p, ok, nil
}

func (t *town) desk(tb testing.TB) *Desk {
	tb.Helper()
	d, err := New(Options{
		Routes: t, Road: road.NewCache(road.Estimate{}, 1_000_000, time.Hour, time.Now), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.UnixMilli(t.now) },
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 476_500_000, Longitude: -1_222_000_000}, nil
		},
		Loads: func(_ context.Context, shipment string) ([]risk.Load, error) { return t.loads[shipment], nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// BenchmarkProposal suggests an order, from reading the route to words.
func BenchmarkProposal(b *testing.B) {
	for _, n := range []int{12, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := newTown(rand.New(rand.NewPCG(3, uint64(n))), n)
			for i := range t.route.Stops {
				t.route.Stops[i].Pinned = false
			}
			d := t.desk(b)
			for b.Loop() {
				t.now += minute
				if p, err := d.Proposal(b.Context(), "R1"); err != nil || p.Advice == None {
					b.Fatal(p.Why, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/proposal")
		})
	}
}
