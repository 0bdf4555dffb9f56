package web

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/people"
	"frostline/hub/record"
	"frostline/hub/rest"
	"frostline/hub/store"
	"frostline/hub/web/webtest"
	"frostline/proto/thermal"
)

// dispatcher has three routes in memory, with deliveries of every class, and
// orders suggested by a real desk.
type dispatcher struct {
	routes map[string]dispatch.Route
	desk   *propose.Desk

	mu    sync.Mutex
	all   []risk.Delivery
	made  int64
	wake  chan struct{}
	where map[string]progress.Where
}

func (d *dispatcher) List() ([]risk.Delivery, int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all, d.made
}
func (d *dispatcher) Watch() (<-chan struct{}, func()) { return d.wake, func() {} }
func (d *dispatcher) Leg(_ context.Context, id string) (dispatch.Route, error) {
	r, ok := d.routes[id]
	if !ok {
		return r, fmt.Errorf("route %q: %w", id, record.ErrNotFound)
	}
	return r, nil
}
func (d *dispatcher) Latest(route string, revision int64) (propose.Proposal, bool) {
	return d.desk.Latest(route, revision)
}
func (d *dispatcher) Proposal(ctx context.Context, route string) (propose.Proposal, error) {
	return d.desk.Proposal(ctx, route)
}
func (d *dispatcher) Reorder(_ context.Context, _, _, id string, _ []string, _ int64) (dispatch.Route, error) {
	return dispatch.Route{}, record.Refusedf("route %q: is in memory; TestDispatcherAppliesAnOrder has a real one", id)
}
func (d *dispatcher) Hold(_ context.Context, _, _ string, h fact.StopHeld) (dispatch.Route, error) {
	return dispatch.Route{}, record.Refusedf("route %q: is in memory; TestStopsAreHeld has a real one", h.Route)
}
func (d *dispatcher) Recall(_ context.Context, _, _ string, c dispatch.Recalling) (dispatch.Route, error) {
	return dispatch.Route{}, record.Refusedf("route %q: is in memory; TestDispatcherCallsBack has a real one", c.Route)
}
func (d *dispatcher) Message(_ context.Context, _, _ string, m fact.CourierMessaged) (dispatch.Route, error) {
	return dispatch.Route{}, record.Refusedf("route %q: is in memory; TestDispatcherWrites has a real one", m.Route)
}
func (d *dispatcher) Panels(_ context.Context, courier string) ([]string, error) {
	return map[string][]string{"van-1": {"gw-van-1"}}[courier], nil
}
func (d *dispatcher) Where(route string) (progress.Where, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w, ok := d.where[route]
	return w, ok
}
func (d *dispatcher) Chart(route string) (progress.Chart, bool) {
	r, ok := d.routes[route]
	c := progress.Chart{Fences: map[fact.Ref]fence.Fence{}}
	for _, s := range r.Stops {
		p, _, _ := d.Place(context.Background(), s.Place.ID)
		p.Longitude += p.Latitude / 1000 * 37 % 11 * 150_000 // a map of a line shows little
		c.Fences[s.Place] = fence.Fence{ID: s.Place.String(), Centre: road.Point{Latitude: p.Latitude, Longitude: p.Longitude}, Radius: 150}
	}
	if w, ok := d.Where(route); ok {
		for i := range 20 {
			at := w.Fix.Where
			at.Latitude -= int64(20-i) * 6000
			at.Longitude -= int64(20-i) * int64(20-i) * 400
			c.Track = append(c.Track, fence.Fix{At: w.Fix.At - int64(20-i)*5000, Where: at})
		}
	}
	return c, ok
}
func (d *dispatcher) Open(context.Context) ([]dispatch.Route, error) { return nil, nil }
func (d *dispatcher) Job(_ context.Context, id string) (dispatch.Job, error) {
	return dispatch.Job{JobPlanned: fact.JobPlanned{ID: id, Shipment: "SH-" + id, Load: 4000}}, nil
}
func (d *dispatcher) Courier(_ context.Context, id string) (dispatch.Courier, error) {
	return dispatch.Courier{CourierDefined: fact.CourierDefined{ID: id, Kind: "van", Party: "co1"}}, nil
}
func (d *dispatcher) Place(_ context.Context, id string) (dispatch.Place, bool, error) {
	var n int64
	fmt.Sscanf(id, "pl_%d", &n)
	return dispatch.Place{ID: id, Latitude: 476_000_000 + n*250_000, Longitude: -1_223_000_000}, true, nil
}

// tell makes another list, and wakes who watches.
func (d *dispatcher) tell(now int64, change func([]risk.Delivery) []risk.Delivery) {
	d.mu.Lock()
	d.all, d.made = change(slices.Clone(d.all)), now
	d.mu.Unlock()
	d.wake <- struct{}{}
}

func dispatches(t testing.TB, now func() time.Time) *dispatcher {
	t.Helper()
	at, minute := now().UnixMilli(), int64(60_000)
	d := &dispatcher{routes: map[string]dispatch.Route{}, where: map[string]progress.Where{}, made: at, wake: make(chan struct{}, 1)}
	site := fact.Ref{Kind: fact.Site, ID: "sodo"}
	loads := map[string]risk.Load{}
	warm := func(id string, temp thermal.Temp, best, low, high int64) risk.Load {
		return risk.Load{Package: id, Condition: risk.InRange, Temperature: &temp, Taken: at - 4000, Outlook: []thermal.Outlook{
			{Limit: "cold", At: 2000, Why: "not on this course"}, {Limit: "warm", At: 8000, OnCourse: true, Estimate: true, Reached: at + best*minute, Earliest: at + low*minute, Latest: at + high*minute}}}
	}
	still, hot := thermal.Temp(4450), thermal.Temp(9120)
	for id, l := range map[string]risk.Load{
		"J1": warm("PKG-101", 6900, 44, 35, 60), "J2": warm("PKG-102", 5400, 96, 75, 150), "J3": warm("PKG-103", 5100, 240, 190, 320),
		"J4": {Package: "PKG-104", Condition: risk.InRange, Temperature: &still, Taken: at - 9000, Outlook: []thermal.Outlook{{Limit: "warm", At: 8000, Why: "holds its temperature"}}},
		"J5": {Package: "PKG-105", Condition: risk.NotKnown, Reason: "sensor silent", Since: at - 22*minute},
		"J6": {Package: "PKG-106", Condition: risk.OutOfRange, Since: at - 12*minute, Temperature: &hot, Taken: at - 3000},
		"J7": {Package: "PKG-<b>107", Condition: risk.InRange, Temperature: &still, Taken: at - 9000, Budgets: []thermal.BudgetOutlook{{Budget: "room temperature", Left: 50 * minute, Spending: true, OnCourse: true, Ends: at + 50*minute, Earliest: at + 40*minute, Latest: at + 70*minute}}},
	} {
		loads[id] = l
	}
	plan := func(id, courier string, jobs ...string) {
		r := dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: id, Courier: courier, Start: site, Depart: at - 30*minute}, Plans: 1}
		r.Revision = 3
		for i, j := range jobs {
			r.Stops = append(r.Stops, fact.Stop{ID: "s" + j[1:], Job: j, Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: "pl_" + j[1:]}})
			arrive := at + int64(i+1)*25*minute
			if l, ok := loads[j]; ok {
				d.all = append(d.all, risk.Assess(risk.Delivery{Route: id, Stop: "s" + j[1:], Job: j, Shipment: "SH-" + j, Courier: courier, HandOver: 5 * minute, Held: j == "J6",
					Arrival: &dispatch.Arrival{At: arrive, Low: arrive - 7*minute, High: arrive + 9*minute, Basis: "position 8 s old; ways are estimated, and take 0.8 to 1.4 times that"}}, []risk.Load{l}))
			}
		}
		r.Reports = []fact.RouteReported{{ID: "g" + id, Route: id, Status: "started", At: at - 29*minute}}
		d.routes[id] = r
	}
	plan("R-7", "van-1", "J9", "J3", "J4", "J1", "J2")
	done := d.routes["R-7"]
	done.Made = []fact.StopReported{{ID: "x", Route: "R-7", Stop: "s9", Status: "completed", At: at - 8*minute, Source: "driver"}}
	done.Messages = []fact.CourierMessaged{{ID: "m1", Route: "R-7", Text: "Check the doors and the cooling.", At: at - 20*minute}, {ID: "m2", Route: "R-7", Text: "Please call dispatch.", At: at - 3*minute}, {ID: "m3", Route: "R-7", Text: "Do not hand over stop s4: bring it back.", At: at - minute}}
	done.Received = []fact.MessageReceived{{Message: "m1", Route: "R-7", Gateway: "gw-van-1", Status: "shown", At: at - 20*minute}, {Message: "m1", Route: "R-7", Gateway: "gw-van-1", Status: "confirmed", At: at - 18*minute}, {Message: "m2", Route: "R-7", Gateway: "gw-van-1", Status: "shown", At: at - 2*minute}}
	done.Holds = []fact.StopHeld{{ID: "b", Route: "R-7", Stop: "s4", Held: true, Recalled: true, Cause: "the lot is recalled", At: at - minute}}
	d.routes["R-7"] = done
	plan("R-8", "bike-2", "J5", "J6")
	held := d.routes["R-8"]
	held.Holds = []fact.StopHeld{{ID: "h", Route: "R-8", Stop: "s6", Held: true, Cause: "excursion of PKG-106", At: at - 10*minute}}
	d.routes["R-8"] = held
	plan("R-9", "ups", "J7")
	risk.Sort(d.all)
	drives := func(route string, lat, lon, age int64, next string) {
		d.where[route] = progress.Where{Fix: fence.Fix{At: at - age, Where: road.Point{Latitude: lat, Longitude: lon}, Accuracy: 6000}, Next: next}
	}
	drives("R-7", 476_400_000, -1_223_600_000, 8000, "s3")
	drives("R-8", 477_300_000, -1_222_700_000, 22*minute, "s5")
	var err error
	if d.desk, err = propose.New(propose.Options{
		Routes: d, Road: road.Estimate{}, Now: now, Log: slog.New(slog.DiscardHandler),
		Site: func(context.Context, string) (*fact.Position, error) {
			return &fact.Position{Latitude: 475_800_000, Longitude: -1_223_000_000}, nil
		},
		Where: func(string) (road.Fix, bool) {
			return road.Fix{At: road.Point{Latitude: 475_800_000, Longitude: -1_223_000_000}, Time: now()}, true
		},
		Loads: func(_ context.Context, shipment string) ([]risk.Load, error) {
			return []risk.Load{loads[strings.TrimPrefix(shipment, "SH-")]}, nil
		},
	}); err != nil {
		t.Fatal(err)
	}
	for id := range d.routes {
		if _, err := d.desk.Proposal(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// withDispatch is a company whose hub has a dispatcher.
func withDispatch(t testing.TB) (*company, *dispatcher) {
	c := newCompany()
	d := dispatches(t, c.now)
	c.dispatch = d
	w := openTraced(t, c.now)
	w.lives()
	c.trace, c.lookup = w, w.lookup
	carried := openCarried(t, somewhere(t), c.now)
	carried.stories()
	c.sagas, c.holds = carried.sagas, carried.holds
	return c, d
}

func pageOf(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, r.StatusCode, err)
	}
	return string(b)
}

func TestBoard(t *testing.T) {
	c, d := withDispatch(t)
	s, _ := c.serve(t, "127.0.0.1:0")
	body := pageOf(t, s.URL()+"dispatch")
	for _, want := range []string{
		"out of range now, since", "held: not to be delivered until somebody lets it go", "excursion of PKG-106", // a held one
		"8 °C in 35–60 min, arrives in 93–109 min; 61 min too late (−79 min to −38 min)",
		"sensor silent, since 13:43 UTC", "budget room temperature ends in 40–70 min", "the readings lead to no limit",
		`href="#s-late"`, `href="#s-wrong"`, `href="#s-calm"`, `href="#s-silent"`, "next stop s3", "1 of 5 stops done", "4.45 °C",
		"Suggested order", "1 package is handed over in time that would get too warm", "frostline routes order R-7 s1 s2 s3 s4 --revision 3", "It breaks nothing that the planned order keeps",
		"Ways are estimated: nobody looked at a map", "aria-current=\"page\">Dispatch<",
	} {
		if !strings.Contains(html.UnescapeString(body), want) {
			t.Errorf("%q is not in it", want)
		}
	}
	for _, no := range []string{"ZgotmplZ", "%!", "<b>107"} {
		if strings.Contains(body, no) {
			t.Errorf("%q is in it", no)
		}
	}
	d.tell(c.now().UnixMilli()+60_000, func(all []risk.Delivery) []risk.Delivery { return all })
	if body := pageOf(t, s.URL()+"dispatch"); strings.Contains(body, "not refreshed since") {
		t.Error("a new list is said to be old")
	}
	d.tell(c.now().UnixMilli()-60_000, func(all []risk.Delivery) []risk.Delivery { return all })
	if body := pageOf(t, s.URL()+"dispatch"); !strings.Contains(body, "The list is not refreshed since 14 Sep 2026 14:04:") {
		t.Error("a list that is a minute old is shown as if it were not")
	}
	many := make([]risk.Delivery, 0, 700)
	for i := range 700 {
		many = append(many, risk.Assess(risk.Delivery{Route: fmt.Sprint("Q", i%90), Stop: fmt.Sprint("s", i)}, nil))
	}
	d.tell(c.now().UnixMilli(), func([]risk.Delivery) []risk.Delivery { return many })
	if body := pageOf(t, s.URL()+"dispatch"); !strings.Contains(body, "500 less urgent deliveries are not listed") || !strings.Contains(body, "30 more routes are not shown") || !strings.Contains(body, `700</span> unknown`) {
		t.Error("what is left out is not told")
	}
}

// TestPageAndProgramsSayTheSame: the board's words, classes and orders are those
// of the interface for programs.
func TestPageAndProgramsSayTheSame(t *testing.T) {
	c, d := withDispatch(t)
	s, _ := c.serve(t, "127.0.0.1:0")
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keeper, err := people.New(people.Options{Store: db, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	api, err := rest.New(t.Context(), rest.Config{Store: db, Tokens: keeper, Log: slog.New(slog.DiscardHandler), Risks: d, Proposals: d.desk})
	if err != nil {
		t.Fatal(err)
	}
	program := api.Trusted(func(*http.Request) string { return "os/1" })
	ask := func(path string, into any) {
		t.Helper()
		w := httptest.NewRecorder()
		program.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s: %v", path, w.Code, w.Body, err)
		}
	}
	var list struct {
		Deliveries []struct{ Route, Stop, Class, Says string }
	}
	ask("/deliveries/at-risk", &list)
	body := pageOf(t, s.URL()+"dispatch")
	rows := regexp.MustCompile(`(?s)<tr data-class="(\w+)" data-delivery="([^"]+)">.*?<span class="says">(.*?)</span>`).FindAllStringSubmatch(body, -1)
	if len(rows) != 7 || len(list.Deliveries) != 7 {
		t.Fatalf("%d on the page, %d for programs; want 7", len(rows), len(list.Deliveries))
	}
	for i, x := range list.Deliveries {
		if r := rows[i]; r[1] != x.Class || r[2] != x.Route+"/"+x.Stop || html.UnescapeString(r[3]) != x.Says {
			t.Errorf("line %d: the page says %q, programs %+v", i, r[1:], x)
		}
	}
	for id := range d.routes {
		var p propose.Proposal
		ask("/routes/"+id+"/proposal", &p)
		part := html.UnescapeString(body[strings.Index(body, `id="route-`+id+`"`):])
		part = part[:strings.Index(part, "</details>")]
		for _, says := range append(append([]string{p.Why}, p.Costs...), sentences(p)...) {
			if !strings.Contains(part, says) {
				t.Errorf("route %s: the page does not say %q", id, says)
			}
		}
		if command := strings.Join(p.Order, " ") + " --revision"; strings.Contains(part, command) != (p.Advice == propose.Change) {
			t.Errorf("route %s is advised to %s, and the page's command is another", id, p.Advice)
		}
	}
}

// sentences are those of a proposal.
func sentences(p propose.Proposal) (all []string) {
	for _, list := range [][]propose.Break{p.Breaks, p.Mends, p.Remain} {
		for _, b := range list {
			all = append(all, b.Says)
		}
	}
	for _, n := range p.Notes {
		all = append(all, n.Text)
	}
	if p.Advice == propose.Change {
		for _, stop := range p.Stops {
			for _, r := range stop.Reasons {
				all = append(all, r.Says)
			}
		}
	}
	return all
}

func TestBoardFollowsTheHub(t *testing.T) {
	c, d := withDispatch(t)
	s, _ := c.serve(t, "127.0.0.1:0")
	tb := webtest.New(t, webtest.Browser(t), s.URL())
	tb.Open(s.URL() + "dispatch#route-R-7")
	tb.Until(following)
	tb.Until("document.getElementById('route-R-7').open")
	webtest.Eval[any](tb, "document.querySelector('#route-R-7 summary').focus()")
	d.tell(c.now().UnixMilli(), func(all []risk.Delivery) []risk.Delivery { return all[1:] })
	tb.Until("document.querySelectorAll('.deliveries tbody tr').length === 6")
	if !webtest.Eval[bool](tb, "document.getElementById('route-R-7').open && document.activeElement.closest('details')?.id === 'route-R-7'") {
		t.Errorf("what was opened, or where the focus was, is lost by renewing: %s", webtest.Eval[string](tb, "document.getElementById('route-R-7').open + ' ' + document.activeElement.outerHTML.slice(0, 200)"))
	}
	if n := webtest.Eval[int](tb, "document.querySelectorAll('#delivery-tally [data-state=wrong] .n').length && Number(document.querySelector('#delivery-tally [data-state=wrong] .n').textContent)"); n != 0 {
		t.Errorf("%d are counted out of range", n)
	}
	for _, width := range []int64{320, 390, 1440} {
		tb.Size(width, 900, "light")
		if over := webtest.Eval[int](tb, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			t.Errorf("at %d px it is %d px too wide", width, over)
		}
	}
}
