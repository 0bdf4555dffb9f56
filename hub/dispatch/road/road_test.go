package road

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var berlin = []Point{{525170370, 133888600}, {525294070, 133976340}, {525232190, 134285550}}

// engine serves a recorded reply over HTTP and keeps what it was asked.
type engine struct {
	*httptest.Server
	reply  atomic.Value // file
	status atomic.Int64
	asked  atomic.Value // *asked
	calls  atomic.Int64
}

type asked struct {
	method, uri string
	body        map[string]any
}

func serve(t *testing.T, file string) *engine {
	e := &engine{}
	e.reply.Store(file)
	e.status.Store(200)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.calls.Add(1)
		q := &asked{method: r.Method, uri: r.RequestURI}
		if b, _ := io.ReadAll(r.Body); len(b) > 0 {
			if err := json.Unmarshal(b, &q.body); err != nil {
				t.Error(err)
			}
		}
		e.asked.Store(q)
		b, err := os.ReadFile("testdata/" + e.reply.Load().(string))
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(e.status.Load()))
		w.Write(b)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *engine) last() *asked { return e.asked.Load().(*asked) }

func (e *engine) osrm() *OSRM {
	return &OSRM{Remote{URL: e.URL, Profiles: map[Kind]string{Van: "driving"}}}
}

func TestOSRMTable(t *testing.T) {
	e := serve(t, "osrm-table.json")
	got, err := e.osrm().Table(context.Background(), Van, berlin)
	if err != nil {
		t.Fatal(err)
	}
	want := "/table/v1/driving/13.388860,52.517037;13.397634,52.529407;13.428555,52.523219?annotations=duration,distance"
	if q := e.last(); q.method != "GET" || q.uri != want {
		t.Errorf("asked %s %s, want %s", q.method, q.uri, want)
	}
	if !reflect.DeepEqual(got.Seconds, [][]int32{{0, 193, 383}, {199, 0, 284}, {345, 223, 0}}) ||
		!reflect.DeepEqual(got.Metres, [][]int32{{0, 1887, 3791}, {1824, 0, 2838}, {3275, 2362, 0}}) || got.Estimated || got.Source != OSRMSource {
		t.Errorf("got %+v", got)
	}
	if _, err := e.osrm().Table(context.Background(), Drone, berlin); err == nil || !strings.Contains(err.Error(), `kind "drone"`) {
		t.Errorf("a kind without a profile: %v", err)
	}
}

func TestOSRMUnreachableAndRefused(t *testing.T) {
	e := serve(t, "osrm-island.json")
	got, err := e.osrm().Table(context.Background(), Van, berlin[:2])
	if err != nil {
		t.Fatal(err)
	}
	if got.Seconds[0][1] != Far || got.Metres[1][0] != Far || len(got.Unreachable) != 2 {
		t.Errorf("got %+v", got)
	}
	e.reply.Store("osrm-toobig.json")
	e.status.Store(400)
	if _, err := e.osrm().Table(context.Background(), Van, berlin); err == nil || !strings.Contains(err.Error(), "TooBig") {
		t.Errorf("too big: %v", err)
	}
	e.reply.Store("osrm-table.json")
	e.status.Store(200)
	if _, err := e.osrm().Table(context.Background(), Van, berlin[:2]); err == nil {
		t.Error("a table of three places for two was taken")
	}
}

// TestOSRMPieces: a table larger than the engine takes is asked for in pieces
// and put together.
func TestOSRMPieces(t *testing.T) {
	var points []Point
	for i := range 23 {
		points = append(points, Point{int64(i) * 1e6, 0})
	}
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		coordinates := strings.Split(strings.TrimPrefix(r.URL.Path, "/table/v1/driving/"), ";")
		if len(coordinates) > 10 {
			t.Errorf("%d coordinates in one call", len(coordinates))
		}
		_, raw, _ := strings.Cut(r.URL.RawQuery, "&sources=")
		from, to, _ := strings.Cut(raw, "&destinations=")
		number := func(i string) float64 {
			var k int
			json.Unmarshal([]byte(i), &k)
			var lat float64
			json.Unmarshal([]byte(strings.Split(coordinates[k], ",")[1]), &lat)
			return lat * 10
		}
		var table [][]float64
		for _, a := range strings.Split(from, ";") {
			var row []float64
			for _, b := range strings.Split(to, ";") {
				row = append(row, 100*number(a)+number(b))
			}
			table = append(table, row)
		}
		json.NewEncoder(w).Encode(map[string]any{"code": "Ok", "durations": table, "distances": table})
	}))
	defer s.Close()
	o := &OSRM{Remote{URL: s.URL, Profiles: map[Kind]string{Van: "driving"}, MaxTable: 10}}
	got, err := o.Table(context.Background(), Van, points)
	if err != nil {
		t.Fatal(err)
	}
	for i := range points {
		for j := range points {
			if want := int32(100*i + j); got.Seconds[i][j] != want && got.Seconds[i][j] != want+1 {
				t.Fatalf("from %d to %d: %d, want %d", i, j, got.Seconds[i][j], want)
			}
		}
	}
	if calls.Load() != 25 {
		t.Errorf("%d calls, want 25", calls.Load())
	}
}

func TestOSRMRouteAndMatch(t *testing.T) {
	e := serve(t, "osrm-route.json")
	w, err := e.osrm().Way(context.Background(), Van, berlin)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w.Legs, []Leg{{192.6, 1886.89}, {283.9, 2838.09}}) || !reflect.DeepEqual(w.Shape, []Point{{385000000, -1202000000}, {407000000, -1209500000}, {432520000, -1264530000}}) {
		t.Errorf("got %+v", w)
	}
	e.reply.Store("osrm-match.json")
	track := make([]Fix, 4)
	for i := range track {
		track[i] = Fix{berlin[0], time.Unix(1_700_000_000+int64(i), 0), 5}
	}
	m, err := e.osrm().Match(context.Background(), Van, track)
	if err != nil {
		t.Fatal(err)
	}
	if q := e.last().uri; !strings.HasSuffix(q, "?overview=false&timestamps=1700000000;1700000001;1700000002;1700000003&radiuses=5.0;5.0;5.0;5.0") {
		t.Errorf("asked %s", q)
	}
	if m.Points[1] != nil || *m.Points[0] != (Point{525170410, 133888120}) || m.Confidence != 0.71 || m.Metres != 532.8 {
		t.Errorf("got %+v", m)
	}
	track[2].Time = track[1].Time
	if _, err := e.osrm().Match(context.Background(), Van, track); err == nil {
		t.Error("a track with two fixes in one second was sent")
	}
}

func TestValhalla(t *testing.T) {
	e := serve(t, "valhalla-matrix.json")
	v := &Valhalla{Remote{URL: e.URL, Profiles: map[Kind]string{Van: "auto"}}}
	got, err := v.Table(context.Background(), Van, berlin)
	if err != nil {
		t.Fatal(err)
	}
	q := e.last()
	if q.method != "POST" || q.uri != "/sources_to_targets" || q.body["costing"] != "auto" || len(q.body["sources"].([]any)) != 3 {
		t.Errorf("asked %+v", q)
	}
	if got.Seconds[0][1] != 101 || got.Metres[0][1] != 357 || got.Seconds[0][2] != Far || len(got.Unreachable) != 1 || got.Source != ValhallaSource {
		t.Errorf("got %+v", got)
	}
	e.reply.Store("valhalla-route.json")
	w, err := v.Way(context.Background(), Van, berlin)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(w.Legs, []Leg{{101.5, 357}, {202.25, 700}}) {
		t.Errorf("got %+v", w)
	}
	e.reply.Store("valhalla-error.json")
	e.status.Store(400)
	if _, err := v.Table(context.Background(), Van, berlin); err == nil || !strings.Contains(err.Error(), "No suitable edges near location") {
		t.Errorf("refused: %v", err)
	}
}

func TestEstimate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for kind := range classes {
		at := func(metres float64) Point { return Point{0, int64(metres / 0.011119492)} }
		last := Leg{}
		for range 2000 {
			d := rng.Float64() * 300e3
			a, b := guess(kind, Point{}, at(d)), guess(kind, Point{}, at(d*1.01+1))
			if b.Seconds < a.Seconds || b.Metres < a.Metres || a.Metres < 0.999*d-1 {
				t.Fatalf("%s: %g m: %+v, farther: %+v", kind, d, a, b)
			}
			last = a
		}
		if last.Seconds <= 0 {
			t.Errorf("%s: %+v", kind, last)
		}
	}
	w, err := Estimate{}.Way(context.Background(), Van, berlin)
	if err != nil {
		t.Fatal(err)
	}
	// OSRM's own figures for these two legs are 1.9 and 2.8 km, 193 and 284 s.
	for i, real := range []float64{192.6, 283.9} {
		if leg := w.Legs[i]; real < leg.Seconds*w.Low || real > leg.Seconds*w.High {
			t.Errorf("leg %d: %g s are not within %g and %g of %g", i, real, w.Low, w.High, leg.Seconds)
		}
	}
	if d := Straight(Point{514778000, -15000}, Point{488566000, 23522000}); d < 335.7e3 || d > 336.7e3 {
		t.Errorf("Greenwich to Paris: %g m", d)
	}
	if _, err := (Estimate{}).Table(context.Background(), Van, []Point{{910000000, 0}}); err == nil {
		t.Error("a place off the earth")
	}
}

func TestStandin(t *testing.T) {
	e := serve(t, "osrm-table.json")
	var log strings.Builder
	s := &Standin{First: e.osrm(), Second: Estimate{}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ask := func() *Table {
		t.Helper()
		got, err := s.Table(context.Background(), Van, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ask(); got.Estimated || len(got.Notes) > 0 {
		t.Errorf("got %+v", got)
	}
	e.status.Store(503)
	e.reply.Store("osrm-toobig.json")
	for range 3 {
		if got := ask(); !got.Estimated || len(got.Notes) != 1 || got.Notes[0].Code != NoteRouter || got.High <= 1 {
			t.Errorf("got %+v", got)
		}
	}
	e.status.Store(200)
	e.reply.Store("osrm-table.json")
	ask()
	e.Close()
	if got := ask(); !got.Estimated || strings.Contains(got.Notes[0].Text, "13.38") || strings.Contains(log.String(), "13.38") {
		t.Errorf("positions were told: %+v\n%s", got.Notes, log.String())
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 2 || strings.Count(log.String(), "answers again") != 1 || s.Failures() != 4 || !s.Failing() {
		t.Errorf("%d warnings, %d failures:\n%s", n, s.Failures(), log.String())
	}
}

func TestTimeoutAndSize(t *testing.T) {
	stuck := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(stuck)
	o := &OSRM{Remote{URL: s.URL, Profiles: map[Kind]string{Van: "driving"}, Timeout: 20 * time.Millisecond}}
	if _, err := o.Table(context.Background(), Van, berlin); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("stuck: %v", err)
	}
	for _, url := range []string{"", "ftp://x", "http://", "osrm:5000"} {
		if err := (&Remote{URL: url}).Validate(); err == nil {
			t.Errorf("url %q was taken", url)
		}
	}
}

func TestCache(t *testing.T) {
	e := serve(t, "osrm-table.json")
	now := time.Unix(0, 0)
	c := NewCache(e.osrm(), 20, time.Hour, func() time.Time { return now })
	ask := func(points ...Point) {
		t.Helper()
		if _, err := c.Table(context.Background(), Van, points); err != nil {
			t.Fatal(err)
		}
	}
	other := []Point{berlin[1], berlin[0], berlin[2]}
	third := []Point{berlin[2], berlin[0], berlin[1]}
	ask(berlin...)
	ask(berlin...)
	ask(other...)
	if n := e.calls.Load(); n != 2 || c.Cells() != 18 {
		t.Errorf("%d calls, %d cells", n, c.Cells())
	}
	ask(berlin...)
	ask(third...) // other goes
	ask(berlin...)
	if n := e.calls.Load(); n != 3 || c.Cells() != 18 {
		t.Errorf("%d calls, %d cells", n, c.Cells())
	}
	now = now.Add(2 * time.Hour)
	ask(berlin...)
	hits, misses := c.Hits()
	if n := e.calls.Load(); n != 4 || hits != 3 || misses != 4 {
		t.Errorf("%d calls, %d hits, %d misses", n, hits, misses)
	}
	if _, err := NewCache(&Standin{First: &OSRM{}, Second: Estimate{}, Log: slog.New(slog.DiscardHandler)}, 100, time.Hour, time.Now).Table(context.Background(), Van, berlin); err != nil {
		t.Error(err)
	}
}

func FuzzPolyline(f *testing.F) {
	f.Add("_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI")
	f.Fuzz(func(t *testing.T, s string) {
		shape, err := polyline6(s)
		if err != nil {
			return
		}
		for _, p := range shape {
			if p.valid() != nil {
				t.Errorf("%q: %v", s, p)
			}
		}
	})
}
