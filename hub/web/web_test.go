package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"frostline/hub/view"
	"frostline/proto/reading"
)

func TestListensOnThisMachineAlone(t *testing.T) {
	c := newCompany()
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "0.0.0.0:8080": false, ":8080": false,
		"192.168.1.5:80": false, "hub.example:80": false, "[::]:80": false, "127.0.0.1": false,
	} {
		_, err := New(Config{Addr: addr, vouched: &everybody, Fleet: c, History: c, Feed: c, Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != ok {
			t.Errorf("address %q: got error %v, want one: %t", addr, err, !ok)
		}
		if err != nil && !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("address %q: %v does not say what to use", addr, err)
		}
	}
}

func TestGuard(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	for _, tt := range []struct {
		name, method, host, path string
		header                   map[string]string
		body                     string
		want                     int
	}{
		{"a page", "GET", "", "/", nil, "", 200},
		{"by name", "GET", "localhost:8080", "/account", nil, "", 200},
		{"by IPv6", "GET", "[::1]:8080", "/health", nil, "", 200},
		{"renamed", "GET", "evil.example", "/", nil, "", 421},
		{"renamed to look alike", "GET", "127.0.0.1.evil.example", "/", nil, "", 421},
		{"another loopback name", "GET", "localhost.evil.example:80", "/live", nil, "", 421},
		{"writing", "POST", "", "/", nil, "x=1", 405},
		{"a body", "GET", "", "/", nil, "x", 400},
		{"loaded by another site", "GET", "", "/data/site-1/zone-a-air/temperature?from=1&to=2&buckets=1", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, "", 403},
		{"linked by another site", "GET", "", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, "", 200},
		{"no page", "GET", "", "/nothing", nil, "", 404},
		{"no sensor", "GET", "", "/sensor/site-1/x", nil, "", 404},
		{"no gateway", "GET", "", "/sensor/x/y", nil, "", 404},
		{"no series", "GET", "", "/data/site-1/zone-a-air/door?from=1&to=2&buckets=1", nil, "", 404},
		{"no quantity", "GET", "", "/data/site-1/zone-a-air/heat?from=1&to=2&buckets=1", nil, "", 404},
		{"nonsense span", "GET", "", "/data/site-1/zone-a-air/temperature?from=2&to=1&buckets=1", nil, "", 400},
		{"too long", "GET", "", "/sensor/site-1/zone-a-air?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", nil, "", 400},
		{"no time", "GET", "", "/sensor/site-1/zone-a-air?from=now&to=then", nil, "", 400},
		{"markup in an address", "GET", "", "/sensor/%3Cscript%3Ealert(1)%3C/script%3E/x?from=%22%3E%3Cscript%3E", nil, "", 404},
		{"an asset", "GET", "", "/assets/modules/home.js", nil, "", 200},
		{"no asset", "GET", "", "/assets/web.go", nil, "", 404},
	} {
		req, err := http.NewRequest(tt.method, strings.TrimSuffix(s.URL(), "/")+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.host != "" {
			req.Host = tt.host
		}
		for k, v := range tt.header {
			req.Header.Set(k, v)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%s: got %d, want %d: %.200s", tt.name, resp.StatusCode, tt.want, body)
		}
		if resp.Header.Get("Content-Security-Policy") != contentPolicy || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers are %v", tt.name, resp.Header)
		}
		if strings.Contains(string(body), "<script>alert") {
			t.Errorf("%s: markup came through", tt.name)
		}
	}
}

// events reads a stream of server-sent events.
type sent struct{ id, name, data string }

func follow(t *testing.T, ctx context.Context, url string, header ...string) func() (sent, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("stream answers %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func() (e sent, err error) {
		for lines.Scan() {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					return e, nil
				}
			}
		}
		return e, errors.Join(lines.Err(), io.EOF)
	}
}

func TestStreamResumesAndEnds(t *testing.T) {
	c := newCompany()
	c.silence("site-1", "zone-a-air")
	s, stop := c.serve(t, "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	url := s.URL() + "live?gateway=site-1&sensor=zone-a-air"
	value := func(tick, v int64) {
		c.commit(zoneA, view.Reading{Epoch: 1, Boot: 9, Tick: tick, Dated: true, UTC: c.now().UnixMilli(), Value: v})
	}
	// until reads events to the one that tells the temperature v.
	until := func(next func() (sent, error), v string) sent {
		t.Helper()
		for {
			e, err := next()
			if err != nil {
				t.Fatalf("waiting for %s: %v", v, err)
			}
			var d struct{ Values []told }
			if e.name == "values" && json.Unmarshal([]byte(e.data), &d) == nil {
				for _, x := range d.Values {
					if x.Key == zoneA.String() && x.Value == v {
						return e
					}
				}
			}
			if e.name == "gateway" {
				t.Errorf("a page of one sensor was told of a gateway: %s", e.data)
			}
		}
	}
	first, drop := context.WithCancel(ctx)
	next := follow(t, first, url)
	if e, err := next(); err != nil || e.name != "hello" {
		t.Fatalf("got %+v %v, want hello", e, err)
	}
	value(1, 1_250)
	seen := until(next, "1.25")
	drop()
	value(2, 2_250)
	value(3, 3_250)
	next = follow(t, ctx, url, "Last-Event-ID", seen.id)
	for e, err := next(); ; e, err = next() {
		if err != nil {
			t.Fatal(err)
		}
		if e.name != "values" {
			continue
		}
		if strings.Contains(e.data, `"1.25"`) {
			t.Error("what was told before is told again after resuming")
		}
		if strings.Contains(e.data, `"3.25"`) {
			break
		}
	}
	// A number of another start of the hub is no place to go on from.
	until(follow(t, ctx, url+"&after=cafe.99999999"), "3.25")

	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	for {
		e, err := next()
		if err != nil {
			t.Fatal("the stream ended without bye")
		}
		if e.name == "bye" {
			break
		}
	}
	<-stopped
}

func TestStreamsAreBounded(t *testing.T) {
	s, _ := newCompany().serve(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range maxStreams {
		follow(t, ctx, s.URL()+"live?gateway=-")
	}
	resp, err := http.Get(s.URL() + "live")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("stream %d is answered %d, Retry-After %q", maxStreams+1, resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

func TestExportHoldsEveryReading(t *testing.T) {
	c := newCompany()
	s, _ := c.serve(t, "127.0.0.1:0")
	resp, err := http.Get(s.URL() + "export/site-1/freezer/temperature?from=2026-09-14T13:05:00Z&to=2026-09-14T14:05:00Z")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	rows, err := csv.NewReader(resp.Body).ReadAll()
	if err != nil || len(rows) != 361 {
		t.Fatalf("got %d rows, %v; want a head and 360 readings", len(rows), err)
	}
	var want view.Reading
	_ = c.Readings(t.Context(), view.Series{Gateway: "site-1", Sensor: "freezer", Quantity: reading.Temperature}, base-3_600_000, base, func(r view.Reading) error {
		want = r
		return io.EOF
	})
	if got := rows[1]; got[0] != "2026-09-14T13:05:00.000Z" || got[5] != view.Exact(reading.Temperature, want.Value) || got[7] != "ok" {
		t.Errorf("first row: %v", got)
	}
	if got := rows[360]; got[5] != "" || got[7] != "no-answer" {
		t.Errorf("a reading without an answer is exported as %v", got)
	}
}

func TestPagesSayWhatFailed(t *testing.T) {
	c := newCompany()
	c.broken = errors.New("disk on fire")
	s, err := New(Config{Addr: "127.0.0.1:0", vouched: &everybody, Fleet: c, History: c, Feed: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/sensor/site-1/zone-a-air", "/data/site-1/zone-a-air/temperature?from=1&to=2&buckets=1"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "127.0.0.1"
		s.Handler().ServeHTTP(w, r)
		if w.Code != 500 || strings.Contains(w.Body.String(), "disk on fire") || !strings.Contains(w.Body.String(), "log says why") {
			t.Errorf("%s: got %d %.200s", path, w.Code, w.Body)
		}
	}
}
