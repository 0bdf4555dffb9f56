package plan

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

// line puts stops every 100 s and metres along a road; the vehicle is at 0.
func line(stops int) *Problem {
	p := &Problem{Now: noon, Vehicles: []Vehicle{{ID: "van 1", End: Open}}}
	for i := range stops + 1 {
		var row []int32
		for j := range stops + 1 {
			row = append(row, int32(100*max(i-j, j-i)))
		}
		p.Matrix.Seconds, p.Matrix.Metres = append(p.Matrix.Seconds, row), append(p.Matrix.Metres, row)
	}
	for i := range stops {
		p.Stops = append(p.Stops, Stop{ID: string(rune('a' + i)), Place: i + 1})
	}
	return p
}

// TestLimitBeforeDistance: the load that is farthest gets too warm first, and
// is brought first, however long the way back.
func TestLimitBeforeDistance(t *testing.T) {
	for _, n := range []int{5, 30} {
		p := line(n)
		p.Given = [][]int{nil}
		for i := range n {
			p.Given[0] = append(p.Given[0], i)
		}
		p.Stops[0].Service = 10 * time.Minute
		last := time.Duration(n) * 100 * time.Second
		p.Stops[n-1].Loads = []Load{{ID: "vaccine", Limit: noon.Add(last)}}
		q, err := Search{}.Propose(context.Background(), p, Budget{Iterations: 3000})
		if err != nil {
			t.Fatal(err)
		}
		if q.Plan.Cost.Spoiled != 0 || q.Given.Cost.Spoiled != 1 || q.Gain.Saved != 1 {
			t.Fatalf("%d stops: %+v, given %+v", n, q.Plan.Cost, q.Given.Cost)
		}
		if len(q.Mends) != 1 || q.Mends[0].Kind != BreakLimit || q.Mends[0].Load != "vaccine" || q.Mends[0].By != 10*time.Minute || len(q.Breaks) != 0 {
			t.Errorf("mends %+v, breaks %+v", q.Mends, q.Breaks)
		}
		c := q.Changes[slices.IndexFunc(q.Changes, func(c Change) bool { return c.Stop == n-1 })]
		want := Reason{Code: ReasonLimitKept, Good: true, Load: "vaccine", Was: -10 * time.Minute}
		if c.Reasons[0] != want || c.Later != -10*time.Minute {
			t.Errorf("change %+v, want %+v", c, want)
		}
		if v := q.Plan.Visits[n-1]; v.Spare != 0 || v.Loads[0].Left != 0 {
			t.Errorf("visit %+v", v)
		}
	}
}

// TestWhatItBreaks: a window is broken for a load, and that is said.
func TestWhatItBreaks(t *testing.T) {
	p := line(2)
	p.Stops[0].Windows = []Window{{To: noon.Add(2 * time.Minute)}}
	p.Stops[0].Service = 5 * time.Minute
	p.Stops[1].Loads = []Load{{ID: "insulin", Limit: noon.Add(4 * time.Minute), Weight: 2}}
	p.Given = [][]int{{0, 1}}
	q, err := Search{}.Propose(context.Background(), p, Budget{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(q.Plan.Orders, [][]int{{1, 0}}) || q.Ended != Exact {
		t.Fatalf("%v, ended by %s", q.Plan.Orders, q.Ended)
	}
	if want := []Break{{Kind: BreakWindow, Stop: 0, Vehicle: 0, By: 3 * time.Minute}}; !slices.Equal(q.Breaks, want) {
		t.Errorf("breaks %+v, want %+v", q.Breaks, want)
	}
	if g := q.Gain; g.Saved != 1 || g.Late != -3*time.Minute || g.Metres != -100 || g.Margin != 300*time.Second {
		t.Errorf("gain %+v", g)
	}
}

// TestCompartment: a load gets to its limit later in a vehicle that warms more
// slowly, and is given to it.
func TestCompartment(t *testing.T) {
	p := line(3)
	p.Vehicles = []Vehicle{{ID: "thin", End: Open, Tau: time.Hour}, {ID: "thick", Start: 3, End: Open, Tau: 4 * time.Hour}}
	p.Stops[1].Loads = []Load{{ID: "x", Limit: noon.Add(90 * time.Second), Tau: time.Hour}}
	p.Given = [][]int{{0, 1, 2}, {}}
	q, err := Search{}.Propose(context.Background(), p, Budget{Iterations: 500})
	if err != nil {
		t.Fatal(err)
	}
	if v := q.Plan.Visits[1]; v.Vehicle != 1 || !v.Loads[0].Limit.Equal(noon.Add(6*time.Minute)) || v.Loads[0].Left < 0 {
		t.Errorf("visit %+v", v)
	}
	if c := q.Changes; !slices.ContainsFunc(c, func(c Change) bool { return c.Stop == 1 && c.Reasons[0].Code == ReasonVehicle }) {
		t.Errorf("changes %+v", c)
	}
}

func TestUnassignedIsServed(t *testing.T) {
	p := line(4)
	p.Given = [][]int{{0, 1, 3}}
	q, err := Search{}.Propose(context.Background(), p, Budget{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(q.Plan.Orders, [][]int{{0, 1, 2, 3}}) || q.Gain.Served != 1 || q.Mends[0].Kind != BreakUnserved {
		t.Errorf("%v, gain %+v, mends %+v", q.Plan.Orders, q.Gain, q.Mends)
	}
	p.Given = q.Plan.Orders
	if q, err = (Search{}).Propose(context.Background(), p, Budget{}); err != nil || !q.Same() || q.Gain != (Gain{}) {
		t.Errorf("%+v, %v: the best order was changed", q, err)
	}
}

// TestEndsByContext: a search that is told to end says so and has an order no
// worse than the given one.
func TestEndsByContext(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	p := random(rng, 60, 3, kindOf{windows: true, loads: true})
	p.Given = deal(rng, p)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	q, err := Search{}.Propose(ctx, p, Budget{Iterations: 1 << 40})
	if err != nil || q.Ended != Context || q.Iterations != 0 || q.Plan.Cost.Compare(q.Given.Cost) > 0 {
		t.Fatalf("%+v, %v", q, err)
	}
	q, err = Search{}.Propose(context.Background(), p, Budget{Iterations: 1 << 40, Time: time.Millisecond})
	if err != nil || q.Ended != Time || naive(p, q.Plan.Orders) != q.Plan.Cost {
		t.Fatalf("%+v, %v", q, err)
	}
}

// TestRanks: the packed price orders as the fields do, up to the limits.
func TestRanks(t *testing.T) {
	field := func(c Cost) []int64 {
		return []int64{int64(c.Unserved), c.Excess, c.Spoiled, perWarm*c.Warm + c.Late, c.Travel}
	}
	cost := func(u, e, s, w, l, t uint32) Cost {
		return Cost{int(u % (MaxStops + 1)), int64(e) << 7, int64(s % (MaxStops*MaxLoads*MaxWeight + 1)), int64(w) * 12, int64(l) * 2, int64(t) << 20}
	}
	err := quick.Check(func(a, b [6]uint32, same uint8) bool {
		for i := range same % 6 {
			b[i] = a[i]
		}
		x, y := cost(a[0], a[1], a[2], a[3], a[4], a[5]), cost(b[0], b[1], b[2], b[3], b[4], b[5])
		return x.Compare(y) == slices.Compare(field(x), field(y))
	}, &quick.Config{MaxCount: 20000})
	if err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(p *Problem)
	}{
		{"now: not given", func(p *Problem) { p.Now = time.Time{} }},
		{"vehicles: 0", func(p *Problem) { p.Vehicles = nil }},
		{"row 1 has 2 seconds", func(p *Problem) { p.Matrix.Seconds[1] = p.Matrix.Seconds[1][:2] }},
		{"from 0 to 1: -1 s", func(p *Problem) { p.Matrix.Seconds[0] = []int32{0, -1, 3} }},
		{"stop 1 \"b\": place: place 9", func(p *Problem) { p.Stops[1].Place = 9 }},
		{"window 0: ends at", func(p *Problem) { p.Stops[0].Windows = []Window{{noon, noon.Add(-1)}} }},
		{"window 1: does not begin after window 0", func(p *Problem) { p.Stops[0].Windows = []Window{{noon, noon.Add(9)}, {noon.Add(9), noon.Add(10)}} }},
		{"more than 2160h0m0s from now", func(p *Problem) { p.Stops[0].Windows = []Window{{noon, noon.AddDate(1, 0, 0)}} }},
		{"load \"x\": limit: not given", func(p *Problem) { p.Stops[0].Loads = []Load{{ID: "x"}} }},
		{"weight: 11", func(p *Problem) { p.Stops[0].Weight = 11 }},
		{"speed: 100", func(p *Problem) { p.Vehicles[0].Speed = 100 }},
		{"fixed: 3", func(p *Problem) { p.Vehicles[0].Fixed = 3 }},
		{"stop 0 \"a\" is served twice", func(p *Problem) { p.Given = [][]int{{0, 0}} }},
		{"given: 2 orders for 1 vehicles", func(p *Problem) { p.Given = [][]int{{0}, {1}} }},
		{"pair 1: pickup 1, delivery 0", func(p *Problem) { p.Pairs = []Pair{{0, 1}, {1, 0}} }},
		{"rates: metre: -1", func(p *Problem) { p.Rates.Metre = -1 }},
		{"vehicles: 1 is not one of 1", func(p *Problem) { p.Stops[0].Vehicles = []int{1} }},
	} {
		p := line(2)
		p.Given = [][]int{{0, 1}}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		c.do(p)
		if _, err := (Search{}).Propose(context.Background(), p, Budget{Iterations: 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
