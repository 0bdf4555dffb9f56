package propose

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// TestAnyRoute: whatever a route has come to, what is suggested names each stop
// that has not ended once, leaves what is begun in front and what is pinned in
// its place, breaks nothing worse than it mends, and is the same again.
func TestAnyRoute(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := newTown(r, 3+r.IntN(9)*(1+r.IntN(2)))
		w.route.Reports = []fact.RouteReported{{ID: "g", Route: "R1", Status: "started", At: w.now - 30*minute}}
		report := func(i int, status string) {
			w.route.Made = append(w.route.Made, fact.StopReported{ID: fmt.Sprint(i, status), Route: "R1", Stop: w.route.Stops[i].ID, Status: status, At: w.now - int64(20-len(w.route.Made))*minute})
		}
		for i := range r.IntN(3) {
			report(i, "completed")
		}
		if i := r.IntN(len(w.route.Stops)); r.IntN(2) == 0 {
			report(i, []string{"arrived", "departed"}[r.IntN(2)])
		}
		p, err := w.desk(t).Proposal(t.Context(), "R1")
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		check(t, seed, w, p)
		w.route.Revision++ // and another desk says the same
		again, err := w.desk(t).Proposal(t.Context(), "R1")
		if again.Revision--; err != nil || !reflect.DeepEqual(p, again) {
			t.Errorf("seed %d: another time\n%+v, before\n%+v", seed, again, p)
		}
	}
}

func check(t *testing.T, seed uint64, w *town, p Proposal) {
	t.Helper()
	var open []dispatch.Visit
	for _, begun := range []bool{true, false} {
		for _, v := range w.route.Visits() {
			if !v.Ended() && (v.Status != "planned") == begun {
				open = append(open, v)
			}
		}
	}
	if len(p.Order) != len(open) {
		t.Fatalf("seed %d: %d stops of %d", seed, len(p.Order), len(open))
	}
	for i, v := range open {
		if !slices.Contains(p.Order, v.ID) {
			t.Errorf("seed %d: stop %s is left out of %v", seed, v.ID, p.Order)
		}
		if at := slices.Index(p.Order, v.ID); p.Advice != None && (v.Pinned || v.Status != "planned") && at != i {
			t.Errorf("seed %d: stop %s (%s, pinned %t) is moved from %d to %d", seed, v.ID, v.Status, v.Pinned, i, at)
		}
	}
	if p.Advice == None {
		return
	}
	g := p.Gain
	if p.Advice == Keep && (g != Gain{} || len(p.Breaks) > 0 || len(p.Gains) > 0) {
		t.Errorf("seed %d: nothing is better, and yet %+v", seed, p)
	}
	if g.Saved < 0 {
		t.Errorf("seed %d: the order spoils %d packages more", seed, -g.Saved)
	}
	if p.Advice == Change && p.Why == "" {
		t.Errorf("seed %d: a change without a why: %+v", seed, p)
	}
	for _, s := range p.Stops {
		for _, x := range s.Reasons {
			if x.Says == "" {
				t.Errorf("seed %d: reason %s has no words", seed, x.Code)
			}
		}
	}
}
