package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/risk"
	"frostline/hub/fact"
	"frostline/hub/web/webtest"
)

func TestMapSaysWhatIsOldAndWhatIsMissing(t *testing.T) {
	c, _ := withDispatch(t)
	s, _ := c.serve(t, "127.0.0.1:0")
	body := pageOf(t, s.URL()+"dispatch")
	for _, want := range []string{
		`class="vehicle" data-vehicle="R-7"`, `class="vehicle old" data-vehicle="R-8"`, "R-8 · 22 min", "Not on the map: ups (R-9): no position came within the last hour",
		`class="stop recalled" data-stop="R-7/s4"`, `class="stop held" data-stop="R-8/s6"`, `class="stop late" data-stop="R-7/s1"`, `class="stop planned next" data-stop="R-7/s3"`,
		"old position", "fence of 150 m", "47.64000, −122.36000",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	if strings.Contains(body, `data-stop="R-7/s9"`) {
		t.Error("a stop that has ended is drawn among all routes")
	}
	one := pageOf(t, s.URL()+"dispatch?route=R-7")
	if !strings.Contains(one, `data-stop="R-7/s9"`) || strings.Contains(one, `data-vehicle="R-8"`) || !strings.Contains(one, "Map of route R-7") {
		t.Error("the route that was chosen is not shown alone")
	}
	for _, odd := range []string{"?route=nothing", "?route=%3Cb%3E", "?route=" + strings.Repeat("x", 300)} {
		if body := pageOf(t, s.URL()+"dispatch"+odd); !strings.Contains(body, `data-vehicle="R-8"`) || strings.Contains(body, "<b>") {
			t.Errorf("%s: all routes are not shown", odd)
		}
	}
	// A route that has not begun is not followed yet, which is no missing position.
	waits := runView{Route: dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: "R-10", Courier: "van-3"}}, Status: "planned"}
	if m := s.drawBoard([]runView{waits}, "", c.now().UnixMilli()); len(m.Away) != 1 || !m.Away[0].Planned {
		t.Errorf("a route to come: %+v", m.Away)
	}
	// Each mark lies in the picture.
	for _, m := range regexp.MustCompile(`<use href="#m-[a-z-]+" x="([-\d.]+)" y="([-\d.]+)"`).FindAllStringSubmatch(body, -1) {
		var x, y float64
		if _, err := fmt.Sscan(m[1], &x); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(m[2], &y); err != nil || x < 0 || x > mapWidth || y < 0 || y > mapHeight {
			t.Errorf("%s lies outside, %v", m[0], err)
		}
	}
}

// many gives the board so many routes of so many stops each.
func (d *dispatcher) many(now int64, routes, stops int) {
	d.all = nil
	for i := range routes {
		r := dispatch.Route{RoutePlanned: fact.RoutePlanned{ID: fmt.Sprint("Q-", i), Courier: "van-1"}}
		for j := range stops {
			id := fmt.Sprint("s", j)
			r.Stops = append(r.Stops, fact.Stop{ID: id, Job: "J1", Kind: "delivery", Place: fact.Ref{Kind: fact.Place, ID: fmt.Sprint("pl_", i*stops+j)}})
			d.all = append(d.all, risk.Assess(risk.Delivery{Route: r.ID, Stop: id, Courier: "van-1", Shipment: "SH"}, nil))
		}
		d.routes[r.ID] = r
		w := d.where["R-7"]
		w.Fix.At, w.Fix.Where.Latitude = now-int64(i)*1000, w.Fix.Where.Latitude+int64(i)*30_000
		d.where[r.ID] = w
	}
}

// board is a board with 60 routes of 20 stops.
func manyRoutes(t testing.TB) *Server {
	c := newCompany()
	d := dispatches(t, c.now)
	d.many(c.now().UnixMilli(), 60, 20)
	c.dispatch = d
	s, _ := c.serve(t, "127.0.0.1:0")
	return s
}

func TestManyRoutesStayReadable(t *testing.T) {
	s := manyRoutes(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/dispatch", nil)
	r.Host = "localhost"
	s.Handler().ServeHTTP(w, r)
	body := w.Body.String()
	picture := body[strings.Index(body, "<svg class=\"dispatch-map\""):]
	picture = picture[:strings.Index(picture, "</svg>")]
	if n := strings.Count(picture, `<use class="stop`); n != 1200 || strings.Contains(picture, `class="number"`) {
		t.Errorf("%d stops are drawn, with numbers: %t", n, strings.Contains(picture, `class="number"`))
	}
	if n := strings.Count(picture, "data-vehicle="); n != 60 {
		t.Errorf("%d vehicles", n)
	}
	if len(picture) > 200<<10 {
		t.Errorf("the picture takes %d bytes", len(picture))
	}
	t.Logf("page %d KB, picture %d KB", len(body)>>10, len(picture)>>10)
}

func BenchmarkBoardOfSixtyRoutes(b *testing.B) {
	s := manyRoutes(b)
	for b.Loop() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/dispatch", nil)
		r.Host = "localhost"
		s.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		b.ReportMetric(float64(w.Body.Len()), "B/page")
	}
}

// TestVehicleMovesOnTheMap while the page is open, in the route that was chosen; and goes
// on after the hub was away.
func TestVehicleMovesOnTheMap(t *testing.T) {
	c, d := withDispatch(t)
	s, stop := c.serve(t, "127.0.0.1:0")
	tb := webtest.New(t, webtest.Browser(t), s.URL())
	tb.Open(s.URL() + "dispatch")
	tb.Until(following)
	webtest.Eval[any](tb, "document.querySelector('.choose a[href*=\"R-7\"]').click()") // at once: what is focused may be renewed
	tb.Until("location.search === '?route=R-7' && document.querySelectorAll('.dispatch-map .vehicle').length === 1")
	tb.Until(following)
	const at = "document.querySelector('.vehicle[data-vehicle=\"R-7\"] use').getAttribute('y')"
	before := webtest.Eval[string](tb, at)
	drive := func() {
		d.mu.Lock()
		w := d.where["R-7"]
		w.Fix.Where.Latitude += 50_000
		w.Fix.At = c.now().UnixMilli()
		d.where["R-7"] = w
		d.mu.Unlock()
		d.tell(c.now().UnixMilli(), func(all []risk.Delivery) []risk.Delivery { return all })
	}
	drive()
	tb.Until(at + " !== '" + before + "'")
	if !webtest.Eval[bool](tb, "location.search === '?route=R-7' && document.querySelectorAll('.dispatch-map .vehicle').length === 1 && document.querySelector('.work') !== null") {
		t.Error("by renewing, another route is shown than was chosen")
	}
	// The network is away, and comes back.
	moved := webtest.Eval[string](tb, at)
	tb.Expected = []string{"net::ERR_", "Failed to fetch"}
	addr := strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/")
	stop()
	tb.Until("!(" + following + ")")
	d.mu.Lock()
	w := d.where["R-7"]
	w.Fix.Where.Latitude += 50_000
	d.where["R-7"] = w
	d.mu.Unlock()
	c.serve(t, addr)
	tb.Until(at + " !== '" + moved + "'")
	for _, width := range []int64{320, 390, 1440} {
		tb.Size(width, 900, "light")
		if over := webtest.Eval[int](tb, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			t.Errorf("at %d px it is %d px too wide: %s", width, over, webtest.Eval[string](tb, "[...document.querySelectorAll('main *')].filter((e) => !e.closest('.scroll') && e.getBoundingClientRect().right > document.documentElement.clientWidth).map((e) => e.tagName + '.' + e.className + '#' + e.id).slice(0, 8).join(' ')"))
		}
	}
}
