package patient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/privacy"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

var ctx = context.Background()

const hour = 60 * minute

// company is what the contexts know, as a test sets it.
type company struct {
	mu       sync.Mutex
	at       int64
	wall     bool // the clock goes by itself
	began    time.Time
	status   []fact.ShipmentReported
	packages []orders.Package
	states   map[string]correlate.State
	cases    []excursion.View
	jobs     []dispatch.Job
	route    *dispatch.Route
	home     *dispatch.Place
	arrival  *dispatch.Arrival
	where    *progress.Where
	chart    correlate.Chart
	events   []event.Event
	broken   error
}

var noon = time.Date(2026, 9, 14, 20, 0, 0, 0, time.UTC).UnixMilli() // 13:00 in Seattle

func temp(t thermal.Temp) *thermal.Temp { return &t }

// newCompany has a delivery of one box, on its way, in range.
func newCompany() *company {
	c := &company{at: noon, states: map[string]correlate.State{}}
	c.packages = []orders.Package{{PackagePacked: fact.PackagePacked{ID: "P1", Shipment: "SH-1", At: noon - 4*hour}}}
	c.status = []fact.ShipmentReported{{ID: "r1", Shipment: "SH-1", Status: "dispatched", At: noon - 2*hour, Made: noon - 2*hour}}
	c.jobs = []dispatch.Job{{JobPlanned: fact.JobPlanned{ID: "J1", Shipment: "SH-1", To: fact.Ref{Kind: fact.Place, ID: "pl_1"}}, Route: "R1"}}
	c.route = &dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: "R1", Courier: "van-1", Stops: []fact.Stop{
		{ID: "s1", Job: "J0", Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: "pl_0"}},
		{ID: "s2", Job: "J1", Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: "pl_1"}, ETA: noon + hour}}},
		Reports: []fact.RouteReported{{ID: "rr", Route: "R1", Status: "started", At: noon - 2*hour}}}
	c.home = &dispatch.Place{ID: "pl_1", Latitude: 476208000, Longitude: -1221873000}
	c.arrival = &dispatch.Arrival{At: noon + 50*minute, Low: noon + 41*minute, High: noon + 68*minute}
	c.where = &progress.Where{Fix: fence.Fix{At: noon - 4000, Where: road.Point{Latitude: 476091000, Longitude: -1223207500}}, Next: "s1"}
	c.measure("P1", 5_120, correlate.InRange)
	c.chart = chartOf(noon, 20*minute)
	return c
}

// chartOf is four hours up to now, with a gap in the middle.
func chartOf(now, gap int64) correlate.Chart {
	c := correlate.Chart{Package: "P1", From: now - 4*hour, To: now, Width: 2 * minute, Low: temp(2000), High: temp(8000)}
	if gap > 0 {
		c.Unmonitored = []thermal.Unmonitored{{From: now - 2*hour, To: now - 2*hour + gap, Reason: "sensor silent"}}
	}
	for i := range 120 {
		if i >= 60 && i < 60+int(gap/c.Width) {
			c.Min, c.Mean, c.Max = append(c.Min, nil), append(c.Mean, nil), append(c.Max, nil)
			continue
		}
		v := thermal.Temp(4800 + 700*math.Sin(float64(i)/7))
		c.Min, c.Mean, c.Max = append(c.Min, temp(v-150)), append(c.Mean, temp(v)), append(c.Max, temp(v+170))
	}
	return c
}

func (c *company) measure(pkg string, t thermal.Temp, is correlate.Condition) {
	c.states[pkg] = correlate.State{Package: pkg, State: is, Since: c.at - 30*minute, Temperature: &t, At: c.at - 3000, Until: c.at + 10*minute, Outcome: thermal.InRange}
}

func (c *company) silent(pkg string, since int64) {
	c.states[pkg] = correlate.State{Package: pkg, State: correlate.Unknown, Since: since, Reason: "sensor silent", Outcome: thermal.Unknown}
}

func (c *company) close(pkg, how string, outcome thermal.Outcome) {
	for i := range c.packages {
		if c.packages[i].ID == pkg {
			c.packages[i].Closed = &fact.PackageClosed{ID: pkg, How: how, At: c.at}
		}
	}
	c.states[pkg] = correlate.State{Package: pkg, State: correlate.Unknown, Since: c.at, Reason: "the watch has ended: " + how, Outcome: outcome}
}

func (c *company) visit(stop, status string, at int64) {
	c.route.Made = append(c.route.Made, fact.StopReported{ID: fmt.Sprint(stop, status), Route: "R1", Stop: stop, Status: status, At: at, Made: at})
}

func (c *company) report(status string, at int64) {
	c.status = append(c.status, fact.ShipmentReported{ID: "r" + status, Shipment: "SH-1", Status: status, At: at, Made: at})
}

// do changes something under the lock, and tells an event of a stream.
func (c *company) do(stream string, change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.events = append(c.events, event.Event{Position: int64(len(c.events) + 1), Stream: stream})
}

func (c *company) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wall {
		return time.UnixMilli(c.at).Add(time.Since(c.began))
	}
	return time.UnixMilli(c.at)
}

func (c *company) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d.Milliseconds()
}

func (c *company) Shipment(_ context.Context, id string) (orders.Shipment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return orders.Shipment{ShipmentPlanned: fact.ShipmentPlanned{ID: id, ETA: noon + 2*hour}, Reports: c.status}, c.broken
}

func (c *company) Packages(_ context.Context, _, _, _ string, _ int) ([]orders.Package, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]orders.Package{}, c.packages...), c.broken
}

func (c *company) Briefs(ids []string) (out []correlate.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		s, ok := c.states[id]
		if !ok {
			s = correlate.State{Package: id, State: correlate.Unknown, Outcome: thermal.Unknown}
		}
		out = append(out, s)
	}
	return out
}

func (c *company) Chart(context.Context, string, string, int64, int64, int) (correlate.Chart, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chart, c.broken
}

type casesOf struct{ *company }

func (c casesOf) List(_ context.Context, f excursion.Filter, _ string, _ int) (out []excursion.View, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.cases {
		if v.Facts.Package == f.Package {
			out = append(out, v)
		}
	}
	return out, nil
}

func (c *company) Jobs(context.Context, string, bool, string, int) ([]dispatch.Job, error) {
	return c.jobs, nil
}
func (c *company) Leg(context.Context, string) (dispatch.Route, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.route, nil
}
func (c *company) Place(context.Context, string) (dispatch.Place, bool, error) {
	if c.home == nil {
		return dispatch.Place{}, false, nil
	}
	return *c.home, true, nil
}
func (c *company) ETA(_, stop string) (dispatch.Arrival, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.arrival == nil || stop != "s2" {
		return dispatch.Arrival{}, false
	}
	return *c.arrival, true
}
func (c *company) Where(string) (progress.Where, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.where == nil {
		return progress.Where{}, false
	}
	return *c.where, true
}
func (c *company) Last() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(len(c.events))
}
func (c *company) Read(_ context.Context, after int64, limit int, _ ...string) ([]event.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]event.Event{}, c.events[after:min(int64(len(c.events)), after+int64(limit))]...), c.broken
}

func (c *company) sources() Sources {
	return Sources{Orders: c, Verdicts: c, Cases: casesOf{c}, Routes: c, Progress: c, Site: func(context.Context, string) (*fact.Position, error) { return nil, nil }}
}

// seattle does not depend on the machine's table of zones.
var seattle = time.FixedZone("PDT", -7*3600)

// hub serves the pages of a company over the real links.
type hub struct {
	*testing.T
	*company
	links  *privacy.Links
	server *Server
	http   *httptest.Server
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, c *company) *hub {
	h := &hub{T: t, company: c, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.links, err = privacy.New(ctx, privacy.Options{Store: storetest.Open(t, storetest.SQLite(t)), Key: filepath.Join(t.TempDir(), "key"),
		Known: func(context.Context, string) (bool, error) { return true, nil }, Log: log, Now: c.now}); err != nil {
		t.Fatal(err)
	}
	if h.server, err = New(Config{Links: h.links, Events: c, Sources: c.sources(), Log: log, Zone: seattle, Contact: "Rainier Pharmacy, 555 0100", Floor: time.Millisecond, Now: c.now}); err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = h.server.Run(run) }()
	h.http = httptest.NewServer(h.server)
	t.Cleanup(func() { stop(); <-done; h.http.Close() })
	return h
}

// made makes a link that asks for ZIP 98134.
func (h *hub) made() (secret string, k privacy.Link) {
	h.Helper()
	secret, k, err := h.links.Make(ctx, "person/amy", "SH-1", privacy.ZIP, "98134", 0)
	if err != nil {
		h.Fatal(err)
	}
	return secret, k
}

// reply is an answer of the hub.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as it is, follows nothing and keeps no cookie.
func (h *hub) ask(method, path, cookie string, form url.Values, headers ...string) reply {
	h.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, h.http.URL+path, body)
	if err != nil {
		h.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// enter gives the cookie of a link.
func (h *hub) enter(secret string) string {
	h.Helper()
	r := h.ask("POST", Prefix+secret, "", url.Values{"answer": {"98134"}})
	if r.status != http.StatusSeeOther || len(r.header.Values("Set-Cookie")) != 1 {
		h.Fatalf("does not open: %d %v", r.status, r.header)
	}
	cookie, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	return cookie
}

// shown is the page of a link.
func (h *hub) shown(secret, cookie, query string) string {
	h.Helper()
	r := h.ask("GET", Prefix+secret+query, cookie, nil)
	if r.status != http.StatusOK || !strings.Contains(r.body, "data-cursor") {
		h.Fatalf("no delivery: %d %s", r.status, r.body)
	}
	return r.body
}
