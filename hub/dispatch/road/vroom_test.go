package road

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch/plan"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// three stops on a line east of the start, given in the wrong order.
func three() *plan.Problem {
	p := &plan.Problem{Now: noon, Vehicles: []plan.Vehicle{{ID: "van 1", Shift: plan.Window{To: noon.Add(8 * time.Hour)}, Capacity: 10, Range: 50000}}, Given: [][]int{{2, 0, 1}}}
	for i := range 4 {
		var row []int32
		for j := range 4 {
			row = append(row, int32(100*max(i-j, j-i)))
		}
		p.Matrix.Seconds, p.Matrix.Metres = append(p.Matrix.Seconds, row), append(p.Matrix.Metres, row)
	}
	for i := range 3 {
		p.Stops = append(p.Stops, plan.Stop{ID: "stop", Place: i + 1, Service: time.Minute, Drop: 1})
	}
	p.Stops[0].Loads = []plan.Load{{ID: "insulin", Limit: noon.Add(200 * time.Second)}}
	p.Stops[1].Windows = []plan.Window{{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}}
	p.Stops[1].Vehicles = []int{0}
	return p
}

func TestVroom(t *testing.T) {
	e := serve(t, "vroom.json")
	v := &Vroom{Remote: Remote{URL: e.URL}, Own: plan.Search{}, Log: slog.New(slog.DiscardHandler)}
	q, err := v.Propose(context.Background(), three(), plan.Budget{Iterations: 100})
	if err != nil {
		t.Fatal(err)
	}
	if q.Engine != VroomName || !reflect.DeepEqual(q.Plan.Orders, [][]int{{0, 1, 2}}) || q.Gain.Saved != 1 || len(q.Notes) > 0 {
		t.Errorf("got %s %v, gain %+v, notes %v", q.Engine, q.Plan.Orders, q.Gain, q.Notes)
	}
	got, _ := json.Marshal(e.last().body)
	for _, want := range []string{
		`"jobs":[{"delivery":[1],"id":0,"location_index":1,"pickup":[0],"service":60,"time_windows":[[0,140]]},{"delivery":[1],"id":1,"location_index":2,"pickup":[0],"service":60,"skills":[1],"time_windows":[[3600,7200]]}`,
		`"vehicles":[{"capacity":[10],"end_index":0,"id":0,"max_distance":50000,"profile":"frostline","skills":[1],"start_index":0,"time_window":[0,28800]}]`,
		`"matrices":{"frostline":{"distances":[[0,100,200,300],`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("asked %s\nwithout %s", got, want)
		}
	}
}

func TestVroomStandsAside(t *testing.T) {
	e := serve(t, "vroom.json")
	var log strings.Builder
	v := &Vroom{Remote: Remote{URL: e.URL}, Own: plan.Search{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ask := func(p *plan.Problem) *plan.Proposal {
		t.Helper()
		q, err := v.Propose(context.Background(), p, plan.Budget{Iterations: 100})
		if err != nil {
			t.Fatal(err)
		}
		if q.Engine != plan.Name || len(q.Notes) != 1 {
			t.Fatalf("got %s, notes %v", q.Engine, q.Notes)
		}
		return q
	}
	p := three()
	p.Given = [][]int{{0, 1, 2}} // what it answers is no better
	if q := ask(p); q.Notes[0].Code != NoteWorse || !q.Same() {
		t.Errorf("got %+v", q)
	}
	p = three()
	p.Vehicles[0].Fixed = 1 // not to be told
	if q := ask(p); q.Notes[0].Code != NoteUntold || q.Plan.Orders[0][0] != 2 {
		t.Errorf("got %+v", q)
	}
	e.reply.Store("valhalla-error.json")
	e.status.Store(500)
	for range 2 {
		if q := ask(three()); q.Notes[0].Code != NoteEngine || q.Gain.Saved != 1 {
			t.Errorf("got %+v", q)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, log.String())
	}
}

func TestVroomPairs(t *testing.T) {
	e := serve(t, "vroom.json")
	v := &Vroom{Remote: Remote{URL: e.URL}, Own: plan.Search{}, Log: slog.New(slog.DiscardHandler)}
	p := three()
	p.Stops[0].Drop, p.Stops[1].Windows = 0, nil
	p.Pairs = []plan.Pair{{Pickup: 0, Delivery: 1}}
	if _, err := v.Propose(context.Background(), p, plan.Budget{Iterations: 100}); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(e.last().body["shipments"])
	if want := `[{"amount":[1],"delivery":{"id":1,"location_index":2,"service":60,"time_windows":[[0,7776000]]},"pickup":{"id":0,"location_index":1,"service":60,"time_windows":[[0,140]]},"skills":[1]}]`; string(got) != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}
