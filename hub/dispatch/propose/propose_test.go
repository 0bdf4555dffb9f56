package propose_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/plan"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

const (
	actor  = "person/test"
	minute = int64(60_000)
)

var ctx = context.Background()

// bench is a real dispatch, with packages that a test sets.
type bench struct {
	*dispatchtest.Bench
	t     *testing.T
	desk  *propose.Desk
	loads map[string][]risk.Load // by shipment
	where map[string]road.Fix
}

func run(t *testing.T, test func(t *testing.T, b *bench)) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := &bench{Bench: dispatchtest.New(t, db), t: t, loads: map[string][]risk.Load{}, where: map[string]road.Fix{}}
		b.Stock(t)
		b.desk = b.open(road.Estimate{})
		test(t, b)
	})
}

func (b *bench) open(router road.Router) *propose.Desk {
	b.t.Helper()
	return must(b.t)(propose.New(propose.Options{
		Routes: b.Dispatch, Road: router, Now: b.Clock, Log: storetest.Logger(b.t),
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 406_000_000, Longitude: -740_000_000}, nil
		},
		Loads: func(_ context.Context, shipment string) ([]risk.Load, error) { return b.loads[shipment], nil },
		Where: func(route string) (road.Fix, bool) { f, ok := b.where[route]; return f, ok },
	}))
}

func must(t testing.TB) func(*propose.Desk, error) *propose.Desk { return got[*propose.Desk](t) }

func got[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// warms is a package that may reach 8 °C at an instant.
func warms(id string, at int64) risk.Load {
	return risk.Load{Package: id, Condition: risk.InRange, Outlook: []thermal.Outlook{{Limit: "warm", At: 8000, OnCourse: true, Reached: at + 10*minute, Earliest: at}}}
}

func (b *bench) proposal(id string) propose.Proposal {
	b.t.Helper()
	return got[propose.Proposal](b.t)(b.desk.Proposal(ctx, id))
}

func (b *bench) told(code, text string, p propose.Proposal) {
	b.t.Helper()
	if !slices.ContainsFunc(p.Notes, func(n propose.Note) bool { return n.Code == code && strings.Contains(n.Text, text) }) {
		b.t.Errorf("no note %s of %q in %+v", code, text, p.Notes)
	}
}

// TestTheShorterWay: S1, Home, Far and Home again is longer than it has to be.
// The dispatcher applies the order with the revision that it was made for, and
// then nothing better is found.
func TestTheShorterWay(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		r := got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", b.Round(), 0))
		p := b.proposal("R1")
		if p.Advice != propose.Change || fmt.Sprint(p.Order) != "[s1 s3 s2]" || p.Revision != r.Revision || p.Ended != plan.Exact || p.Gain.Metres < 10_000 || p.Gain.Driving < 5*minute {
			t.Fatalf("got %+v", p)
		}
		if !p.Estimated || p.Ways != road.Estimated || len(p.Costs) != 0 || !strings.Contains(p.Why, "km less to drive") {
			t.Errorf("says %q, costs %q, by %s", p.Why, p.Costs, p.Ways)
		}
		if s := p.Stops[1]; s.ID != "s3" || s.Place != 2 || s.PlaceWas != 3 || s.Arrive >= s.ArriveWas || s.Shipment != "SH3" || len(s.Reasons) == 0 || !s.Reasons[0].Good || !strings.HasSuffix(s.Reasons[0].Says, "min earlier") {
			t.Errorf("its second stop is %+v", s)
		}
		if again := got[dispatch.Route](t)(b.Dispatch.Leg(ctx, "R1")); again.Revision != r.Revision {
			t.Error("a suggestion has changed the route")
		}
		r = got[dispatch.Route](t)(b.Dispatch.Reorder(ctx, actor, "as suggested", "R1", p.Order, p.Revision))
		if _, err := b.Dispatch.Reorder(ctx, actor, "", "R1", []string{"s2", "s3", "s1"}, p.Revision); err == nil {
			t.Error("another order was applied by a revision that is no more")
		}
		if _, ok := b.desk.Latest("R1", r.Revision); ok {
			t.Error("what was suggested for the order before is given for this one")
		}
		if p = b.proposal("R1"); p.Advice != propose.Keep || fmt.Sprint(p.Order) != "[s1 s3 s2]" || p.Why != "the planned order is the best there is" || p.Revision != r.Revision {
			t.Errorf("of the best order: %+v", p)
		}
	})
}

// TestThermalMarginsComeFirst: what gets too warm is brought first, though it is
// the longer way; what that costs is said.
func TestThermalMarginsComeFirst(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", b.Round(), 0))
		b.loads["SH2"] = []risk.Load{warms("P2", b.Now()+45*minute), warms("P2b", b.Now()+400*minute)}
		b.loads["SH3"] = []risk.Load{{Package: "P3", Condition: risk.NotKnown, Reason: "sensor silent"}, {Package: "P4", Condition: risk.OutOfRange}, {Package: "P5", Condition: risk.InRange, NoOutlook: "2 readings"}}
		p := b.proposal("R1")
		if p.Advice != propose.Change || p.Order[0] != "s2" || p.Gain.Saved != 1 || p.Gain.Margin < 5*minute {
			t.Fatalf("got %+v", p)
		}
		if len(p.Mends) != 1 || p.Mends[0].Package != "P2" || p.Mends[0].Stop != "s2" || !strings.Contains(p.Mends[0].Says, "after it may get too warm") {
			t.Errorf("mends %+v", p.Mends)
		}
		if !strings.Contains(p.Why, "1 package is handed over in time that would get too warm") {
			t.Errorf("says %q", p.Why)
		}
		s := p.Stops[0]
		if len(s.Margins) != 2 || s.Margins[0].What != "limit warm" || s.Margins[0].Left < 0 || s.Margins[0].LeftWas >= 0 || s.Reasons[0].Code != plan.ReasonLimitKept {
			t.Errorf("its first stop is %+v", s)
		}
		b.told(propose.NoteUnknown, "P3 of stop s3 is unknown: sensor silent", p)
		b.told(propose.NoteOut, "P4 of stop s3 is out of range now", p)
		b.told(propose.NoteNoCourse, "P5 of stop s3 has no outlook: 2 readings", p)
	})
}

// TestWhatStays: the stop that the courier is at goes first, pinned stops keep
// their place, ended ones are left out, and the courier's last position counts.
func TestWhatStays(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		round := b.Round()
		for i := range 4 { // s4 to s7, to Home and Far by turns
			id := fmt.Sprint("J", i+4)
			to := []string{dispatchtest.Far, dispatchtest.Home}[i%2]
			got[dispatch.Job](t)(b.Dispatch.Plan(ctx, actor, "", fact.JobPlanned{ID: id, Shipment: "SH1", From: fact.Ref{Kind: fact.Site, ID: "S1"}, To: fact.Ref{Kind: fact.Place, ID: to}, Load: 1000}, 0))
			round.Stops = append(round.Stops, fact.Stop{ID: fmt.Sprint("s", i+4), Job: id, Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: to}})
		}
		round.Stops[3].Pinned = true // Far, between Home, Far, Home | Home, Far, Home
		got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", round, 0))
		if p := b.proposal("R1"); fmt.Sprint(p.Order) != "[s1 s3 s2 s4 s6 s5 s7]" || !p.Stops[3].Fixed || p.Stops[0].Fixed {
			t.Errorf("around a pinned stop: %v, %+v", p.Order, p)
		}
		b.Pass(time.Hour)
		at := b.Now() - minute
		report := func(stop, status string) {
			t.Helper()
			got[dispatch.Route](t)(b.Dispatch.ReportStop(ctx, actor, "", fact.StopReported{ID: stop + status, Route: "R1", Stop: stop, Status: status, At: at, Made: at, Source: "driver"}))
		}
		got[dispatch.Route](t)(b.Dispatch.Report(ctx, actor, "", fact.RouteReported{ID: "g", Route: "R1", Status: "started", At: at, Source: "driver"}))
		report("s1", "completed")
		report("s3", "arrived")
		p := b.proposal("R1")
		if slices.Contains(p.Order, "s1") || p.Order[0] != "s3" || !p.Stops[0].Fixed || p.Stops[0].Arrive > b.Now()+minute {
			t.Errorf("with one done, and the courier at another: %v, %+v", p.Order, p.Stops)
		}
		report("s3", "departed")
		p = b.proposal("R1")
		b.told(propose.NoteLeft, "stop s3", p)
		b.told(propose.NotePosition, "nobody has told", p)
		near := b.Clock()
		b.where["R1"] = road.Fix{At: road.Point{Latitude: 408_000_000, Longitude: -740_000_000}, Time: near}
		got[dispatch.Route](t)(b.Dispatch.Hold(ctx, actor, "", fact.StopHeld{ID: "h", Route: "R1", Stop: "s2", Held: true}))
		p = b.proposal("R1")
		b.told(propose.NoteHeld, "stop s2 is held", p)
		if p.Order[1] != "s2" || p.Stops[1].Arrive > b.Now()+minute {
			t.Errorf("beside s2: %v, %+v", p.Order, p.Stops)
		}
		got[dispatch.Route](t)(b.Dispatch.Reorder(ctx, actor, "", "R1", p.Order, p.Revision)) // dispatch takes it
		got[dispatch.Route](t)(b.Dispatch.Report(ctx, actor, "", fact.RouteReported{ID: "r", Route: "R1", Status: "recalled", At: b.Now(), Source: "driver"}))
		if p = b.proposal("R1"); p.Advice != propose.None || p.Why != "the route is recalled" {
			t.Errorf("of a route that was recalled: %+v", p)
		}
	})
}

func TestWhatCannotBeTold(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		if _, err := b.desk.Proposal(ctx, "none"); err == nil || !strings.Contains(err.Error(), "not known") {
			t.Errorf("of a route that there is not: %v", err)
		}
		one := b.Round()
		one.ID, one.Stops = "R2", one.Stops[:1]
		got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", one, 0))
		if p := b.proposal("R2"); p.Advice != propose.None || !strings.Contains(p.Why, "nothing to order") || fmt.Sprint(p.Order) != "[s1]" {
			t.Errorf("of one stop: %+v", p)
		}
		// A road engine that does not answer is stood in for, and that is told.
		desk := b.open(&road.Standin{First: &road.OSRM{Remote: road.Remote{URL: "http://127.0.0.1:1", Profiles: map[road.Kind]string{road.Van: "car"}}}, Second: road.Estimate{}, Log: storetest.Logger(t)})
		round := b.Round()
		round.ID, round.Stops = "R3", round.Stops[1:]
		got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", round, 0))
		p := got[propose.Proposal](t)(desk.Proposal(ctx, "R3"))
		b.told(road.NoteRouter, "the road engine did not answer", p)
		if p.Advice == propose.None || !p.Estimated {
			t.Errorf("without a road engine: %+v", p)
		}
	})
}

// TestVectors: what a courier is decides: payload and range that an order breaks
// are said, and a drone's own speed counts.
func TestVectors(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		took := map[string]int64{}
		for id, c := range map[string]fact.CourierDefined{"slow": {Kind: "drone", Speed: 5_000}, "quick": {Kind: "drone", Speed: 20_000}, "small": {Kind: "bike", Payload: 9_000, Range: 30_000}} {
			c.ID, c.Party = id, "co1"
			got[dispatch.Courier](t)(b.Dispatch.Define(ctx, actor, "", c, 0))
			round := b.Round()
			round.Courier = id
			got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", round, record.Any))
			p := b.proposal("R1")
			took[id] = p.Stops[0].Arrive - p.Made
			if id == "small" {
				kinds := []string{}
				for _, x := range p.Remain {
					kinds = append(kinds, x.Kind+": "+x.Says)
				}
				if !slices.Contains(kinds, "capacity: courier small carries 6.0 kg more than its payload") || !strings.Contains(fmt.Sprint(kinds, p.Mends), "further than its range") {
					t.Errorf("of a small bike: %q, mends %+v", kinds, p.Mends)
				}
			}
		}
		if r := float64(took["slow"]) / float64(took["quick"]); r < 3.5 || r > 4.5 {
			t.Errorf("at a quarter of the speed it takes %.2f times as long", r)
		}
	})
}

// TestSameAgain: another desk that knows the same says the same, whatever order
// packages come in.
func TestSameAgain(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		got[dispatch.Route](t)(b.Dispatch.Route(ctx, actor, "", b.Round(), 0))
		for _, s := range []string{"SH1", "SH2", "SH3"} {
			for i := range int64(5) {
				b.loads[s] = append(b.loads[s], warms(fmt.Sprint(s, i), b.Now()+(20+i*7)*minute))
			}
		}
		now := b.Clock()
		at := func() *propose.Desk {
			return must(t)(propose.New(propose.Options{
				Routes: b.Dispatch, Road: road.Estimate{}, Now: func() time.Time { return now }, Log: storetest.Logger(t),
				Site: func(context.Context, string) (*fact.Position, error) {
					return &fact.Position{Latitude: 406_000_000, Longitude: -740_000_000}, nil
				},
				Loads: func(_ context.Context, shipment string) ([]risk.Load, error) { return b.loads[shipment], nil },
			}))
		}
		want := got[propose.Proposal](t)(at().Proposal(ctx, "R1"))
		for range 3 {
			for _, l := range b.loads {
				slices.Reverse(l)
			}
			if p := got[propose.Proposal](t)(at().Proposal(ctx, "R1")); !reflect.DeepEqual(p, want) {
				t.Fatalf("got\n%+v, before\n%+v", p, want)
			}
			b.loads["SH1"][0], b.loads["SH1"][2] = b.loads["SH1"][2], b.loads["SH1"][0]
		}
	})
}
