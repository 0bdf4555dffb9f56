package risk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const minute = int64(60_000)

// course is a package in range that reaches 8 °C between low and high.
func course(id string, at, low, high int64) Load {
	v := thermal.Temp(6500)
	return Load{Package: id, Condition: InRange, Temperature: &v, Outlook: []thermal.Outlook{
		{Limit: "cold", OnCourse: false, Why: "not on this course"}, {Limit: "warm", At: 8000, OnCourse: true, Reached: at, Earliest: low, Latest: high}}}
}

func TestAssess(t *testing.T) {
	arrival := &dispatch.Arrival{At: 60 * minute, Low: 50 * minute, High: 80 * minute}
	d := Delivery{Arrival: arrival, HandOver: 5 * minute}
	spent := Load{Package: "p", Condition: InRange, Budgets: []thermal.BudgetOutlook{{Budget: "room", OnCourse: true}}}
	for _, c := range []struct {
		what   string
		d      Delivery
		loads  []Load
		class  Class
		margin int64 // -1: none
	}{
		{"late", d, []Load{course("p", 50*minute, 40*minute, 70*minute)}, AtRisk, -15 * minute},
		{"perhaps late", d, []Load{course("p", 90*minute, 80*minute, 0)}, Watch, 25 * minute},
		{"in time", d, []Load{course("p", 120*minute, 100*minute, 0)}, InTime, 55 * minute},
		{"out now", d, []Load{{Package: "p", Condition: OutOfRange}}, Out, -1},
		{"budget spent", d, []Load{spent}, Out, -65 * minute},
		{"nobody vouches", d, []Load{{Package: "p", Condition: NotKnown, Reason: "sensor silent"}}, Unknown, -1},
		{"no outlook", d, []Load{{Package: "p", Condition: InRange, NoOutlook: "2 readings"}}, Unknown, -1},
		{"no course", d, []Load{{Package: "p", Condition: InRange, Outlook: []thermal.Outlook{{Limit: "warm", Why: "holds"}}}}, Holds, -1},
		{"no arrival", Delivery{HandOver: minute}, []Load{course("p", 50*minute, 40*minute, 0)}, Unknown, -1},
		{"no packages", d, nil, Unknown, -1},
		{"the worst decides", d, []Load{course("a", 120*minute, 100*minute, 0), {Package: "b", Condition: NotKnown}, course("c", 50*minute, 40*minute, 0)}, AtRisk, -15 * minute},
		{"unknown before fine", d, []Load{course("a", 120*minute, 100*minute, 0), {Package: "b", Condition: NotKnown}}, Unknown, -1},
	} {
		got := Assess(c.d, c.loads)
		if got.Class != c.class || got.Why == "" && c.what != "nobody vouches" && len(c.loads) == 1 || (got.Margin == nil) != (c.margin == -1) || got.Margin != nil && got.Margin.At != c.margin || got.Packages != len(c.loads) {
			t.Errorf("%s: %+v (margin %+v), want %s with %d", c.what, got, got.Margin, c.class, c.margin)
		}
	}
	m := Assess(d, []Load{course("p", 90*minute, 80*minute, 100*minute)}).Margin
	if m.Low != -5*minute || m.High == nil || *m.High != 45*minute {
		t.Errorf("interval %+v, want from the earliest limit and latest arrival to the latest limit and earliest arrival", m)
	}
}

// TestMarginNeverGrowsByComingLater: whoever comes later, or hands over for
// longer, is never less urgent.
func TestMarginNeverGrowsByComingLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := func(name string) int64 { return rapid.Int64Range(0, 300).Draw(t, name) * minute }
		reached := ms("reached")
		l := course("p", reached, reached-min(reached, ms("early")), reached+ms("late"))
		at := ms("at")
		a := dispatch.Arrival{At: at, Low: at - min(at, ms("low")), High: at + ms("high")}
		later := dispatch.Arrival{At: a.At + ms("by"), Low: a.Low, High: 0}
		later.High = max(a.High, later.At)
		one := Assess(Delivery{Arrival: &a, HandOver: minute}, []Load{l})
		two := Assess(Delivery{Arrival: &later, HandOver: minute + ms("longer")}, []Load{l})
		if two.Margin.At > one.Margin.At || two.Margin.Low > one.Margin.Low || two.Class.rank() > one.Class.rank() {
			t.Fatalf("%+v, and later %+v", one, two)
		}
	})
}

// TestOrderFree: the list is the same whatever order deliveries and packages
// come in.
func TestOrderFree(t *testing.T) {
	world := newWorld(40, 3)
	b := world.board(t)
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, _ := b.List()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		r.Shuffle(len(world.routes), func(i, j int) { world.routes[i], world.routes[j] = world.routes[j], world.routes[i] })
		for _, p := range world.packages {
			r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		}
		b := world.board(t)
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := b.List(); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: another list", seed)
		}
	}
}

// TestBoardFollows: the list follows plans, packages and outlooks, and who
// watches is woken only when it says something else.
func TestBoardFollows(t *testing.T) {
	w := newWorld(2, 1)
	b := w.board(t)
	changed, stop := b.Watch()
	defer stop()
	refresh := func(wake bool) []Delivery {
		t.Helper()
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			if !wake {
				t.Error("woken, and nothing has changed")
			}
		default:
			if wake {
				t.Error("not woken")
			}
		}
		all, _ := b.List()
		return all
	}
	if all := refresh(true); len(all) != 2 || all[0].Class != Unknown {
		t.Fatalf("before anything was looked at: %+v", all)
	}
	refresh(false)
	if err := b.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := refresh(true); all[0].Class == Unknown {
		t.Errorf("after: %+v", all[0])
	}
	w.packages["SH0"] = append(w.packages["SH0"], "new")
	w.tell(fact.PackageWasPacked, fact.PackagePacked{ID: "new", Shipment: "SH0", At: 1, Made: 1})
	if all := refresh(true); all[0].Packages+all[1].Packages != 3 {
		t.Errorf("a package more: %+v", all)
	}
	w.routes[0].Made = append(w.routes[0].Made, fact.StopReported{ID: "x", Route: w.routes[0].ID, Stop: "s0", Status: "completed", At: 1, Made: 1})
	w.tell(fact.StopWasReported, w.routes[0].Made[0])
	if all := refresh(true); len(all) != 1 {
		t.Errorf("after a delivery was completed: %+v", all)
	}
}

// BenchmarkRefresh10000 refreshes the list of 10,000 deliveries, 20 of a route,
// each with a package of its own.
func BenchmarkRefresh10000(b *testing.B) {
	board := newWorld(10_000, 1).board(b)
	if err := board.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	for len(board.old(0)) > 0 && len(board.ahead) < 10_000 {
		if err := board.look(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		if err := board.Refresh(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/refresh")
}

// world is routes of 20 deliveries each, with packages on a course of their own.
type world struct {
	routes   []dispatch.Route
	packages map[string][]string
	loads    map[string]Load
	events   []event.Event
}

func newWorld(deliveries, packages int) *world {
	w := &world{packages: map[string][]string{}, loads: map[string]Load{}}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range deliveries {
		if i%20 == 0 {
			w.routes = append(w.routes, dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: fmt.Sprint("R", i/20), Courier: "van"}})
		}
		route := &w.routes[len(w.routes)-1]
		n := fmt.Sprint(i)
		route.Stops = append(route.Stops, fact.Stop{ID: "s" + n, Job: "J" + n, Kind: "delivery", ETA: int64(i%20+1) * 10 * minute})
		for k := range packages {
			id := fmt.Sprint("P", i, ".", k)
			w.packages["SH"+n] = append(w.packages["SH"+n], id)
			at := r.Int64N(300) * minute
			w.loads[id] = course(id, at, at*3/4, at*5/4)
		}
	}
	return w
}

func (w *world) board(t testing.TB) *Board {
	t.Helper()
	b, err := NewBoard(Options{Events: w, Routes: w, Loads: w, Packages: func(_ context.Context, s string) ([]string, error) { return w.packages[s], nil },
		Now: func() time.Time { return time.UnixMilli(1000) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) tell(typ string, data any) {
	w.events = append(w.events, event.Event{Position: int64(len(w.events) + 1), Type: typ, Data: must(json.Marshal(data))})
}

func (w *world) Last() int64 { return int64(len(w.events)) }

func (w *world) Read(_ context.Context, after int64, limit int, _ ...string) ([]event.Event, error) {
	return w.events[after:min(int(after)+limit, len(w.events))], nil
}

func (w *world) Open(context.Context) ([]dispatch.Route, error) { return slices.Clone(w.routes), nil }

func (w *world) Job(_ context.Context, id string) (dispatch.Job, error) {
	return dispatch.Job{JobPlanned: fact.JobPlanned{ID: id, Shipment: "SH" + id[1:], Service: 120}}, nil
}

func (w *world) Briefs(ids []string) []Load {
	out := make([]Load, len(ids))
	for i, id := range ids {
		out[i] = Load{Package: id, Condition: InRange, Temperature: w.loads[id].Temperature}
	}
	return out
}

func (w *world) Ahead(_ context.Context, id string) (Load, int64, error) {
	return w.loads[id], 1 << 60, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
