package influx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"net/http/httptest"

	"frostline/hub/influx/influxtest"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

const began = 1_750_000_000_000 // UTC at tick 0

// hub stands in for intake, history and registry: what they have is given.
type hub struct {
	mu      sync.Mutex
	batches []*batch.Batch
	dated   map[uint32]bool // boots
}

func (h *hub) Replay(_ context.Context, after int64, yield func(*batch.Batch) error) error {
	h.mu.Lock()
	all := h.batches
	h.mu.Unlock()
	for _, b := range all {
		if b.ID > after {
			if err := yield(b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *hub) Timeline(_ context.Context, _ string, _, boot uint32) (*truetime.Timeline, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.dated[boot] {
		return nil, nil
	}
	return truetime.NewTimeline([]truetime.Anchor{{At: 0, UTC: began + int64(boot)*1e9, Uncertainty: 5, Source: truetime.GNSS}}), nil
}

func meaning(_ string, _, series uint32) (Meaning, bool) {
	switch series {
	case 1:
		return Meaning{"air temp", reading.Temperature}, true
	case 2:
		return Meaning{"air temp", reading.Humidity}, true
	}
	return Meaning{}, false
}

// commit adds parcels of 50 readings of two series, one of which is no value.
func (h *hub) commit(boot uint32, parcels int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range parcels {
		id := int64(len(h.batches) + 1)
		var columns []batch.Column
		for series := uint32(1); series <= 2; series++ {
			c := batch.Column{Series: series}
			for i := range int64(50) {
				c.Ticks = append(c.Ticks, id*50_000+i*1000)
				c.Values = append(c.Values, 4000+i)
			}
			c.Flaws = []batch.Flaw{{At: 7, Quality: reading.NoAnswer}}
			columns = append(columns, c)
		}
		h.batches = append(h.batches, &batch.Batch{ID: id, Gateway: "van 1,=", Epoch: 1, Readings: 100,
			Boots: []batch.Boot{{Boot: boot, Columns: columns}}})
	}
}

func open(t *testing.T, db *store.DB, h *hub, url string) *Writer {
	t.Helper()
	w, err := New(Options{
		Config: Config{URL: url, Org: "frostline", Bucket: "frostline/autogen"}, Store: db, Evidence: h, Times: h,
		Meaning: meaning, Log: storetest.Logger(t), Points: 120, Retry: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run lets a writer work until something holds.
func run(t *testing.T, w *Writer, what string, until func(Status) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !until(w.Status()) {
		select {
		case <-deadline:
			t.Errorf("%s: not within a minute; %+v", what, w.Status())
			cancel()
			<-done
			t.FailNow()
		case <-tick.C:
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func drained(h *hub) func(Status) bool {
	return func(s Status) bool { return s.Parcel == int64(len(h.batches)) && s.Spooled == 0 && s.Failing == "" }
}

func TestReadingsArriveOnce(t *testing.T) {
	server := influxtest.Start(t)
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		server.Query(`DROP DATABASE frostline`)
		server.Query(`CREATE DATABASE frostline`)
		h := &hub{dated: map[uint32]bool{1: true}}
		h.commit(1, 10)
		run(t, open(t, db, h, server.URL()), "writing", drained(h))
		check := func(when string) {
			t.Helper()
			for _, m := range []string{"temperature", "humidity"} {
				if n := server.Count(m, "value"); n != 490 {
					t.Errorf("%s: %d values of %s, want 490", when, n, m)
				}
				if n := server.Count(m, "flaw"); n != 10 {
					t.Errorf("%s: %d flaws of %s, want 10", when, n, m)
				}
			}
		}
		check("once")
		row := server.Query(`SELECT value, uncertainty_ms, gateway, sensor FROM temperature ORDER BY time LIMIT 1`)[0]
		if row[0].(float64) != began+1e9+50_000 || row[1] != 4.0 || row[2].(float64) < 5 || row[3] != "van 1,=" || row[4] != "air temp" {
			t.Errorf("first point %v", row)
		}
		// A hub restored from a copy of yesterday writes the same again.
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE influx_cursor SET parcel = 3`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		run(t, open(t, db, h, server.URL()), "writing again", drained(h))
		check("twice")
	})
}

func TestServerIsKilledAndComesBack(t *testing.T) {
	server := influxtest.Start(t)
	h := &hub{dated: map[uint32]bool{1: true}}
	w := open(t, storetest.Open(t, storetest.SQLite(t)), h, server.URL())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for range 3 {
		h.commit(1, 10)
		w.Committed(nil)
		server.Kill()
		await(t, "a failure", func() bool { h.commit(1, 1); w.Committed(nil); return w.Status().Failing != "" })
		server.Run()
		await(t, "the rest", func() bool { return drained(h)(w.Status()) })
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n, want := server.Count("temperature", "value"), 49*len(h.batches); n != want {
		t.Errorf("%d values, want %d", n, want)
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// TestPromise10PartialWrite: InfluxDB writes what it can of a batch and says
// only that something was wrong.
func TestPromise10PartialWrite(t *testing.T) {
	server := influxtest.Start(t)
	post(t, server.URL()+"/write?db=frostline&precision=ms", "temperature,gateway=x value=\"text\" 1751000050000\n")
	h := &hub{dated: map[uint32]bool{1: true}}
	h.commit(1, 2)
	w := open(t, storetest.Open(t, storetest.SQLite(t)), h, server.URL())
	run(t, w, "writing", drained(h))
	if n := server.Count("humidity", "value"); n != 98 {
		t.Errorf("%d values of humidity, want 98", n)
	}
	lines, reasons, err := w.Refused(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 98 || w.Status().Refused != 98 || !strings.Contains(reasons[0], "conflict") || !strings.HasPrefix(lines[0], "temperature,") {
		t.Errorf("%d refused, status %+v, first %q for %q", len(lines), w.Status(), lines[0], reasons[0])
	}
	if n := server.Count("temperature", "flaw"); n != 2 {
		t.Errorf("%d flaws, want 2: points beside the refused ones are written", n)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	r, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode/100 != 2 {
		b, _ := io.ReadAll(r.Body)
		t.Fatalf("%s: %s %s", url, r.Status, b)
	}
}

// TestWritesFailAndFailButDone puts a bad connection before the real server:
// every third answer is lost before the write, every third after it.
func TestWritesFailAndFailButDone(t *testing.T) {
	server := influxtest.Start(t)
	to, _ := url.Parse(server.URL())
	proxy := httputil.NewSingleHostReverseProxy(to)
	var n atomic.Int64
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 3 {
		case 0:
			panic(http.ErrAbortHandler)
		case 1:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer bad.Close()
	h := &hub{dated: map[uint32]bool{1: true}}
	h.commit(1, 6)
	w := open(t, storetest.Open(t, storetest.SQLite(t)), h, bad.URL)
	run(t, w, "writing", drained(h))
	if got := server.Count("temperature", "value"); got != 49*6 {
		t.Errorf("%d values, want %d", got, 49*6)
	}
	if w.Status().Retries == 0 {
		t.Error("nothing has failed: the test shows nothing")
	}
}

func TestUndatedReadingsWaitForTheirAnchor(t *testing.T) {
	server := influxtest.Start(t)
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		server.Query(`DROP DATABASE frostline`)
		server.Query(`CREATE DATABASE frostline`)
		h := &hub{dated: map[uint32]bool{2: true}}
		h.commit(1, 3)
		h.commit(2, 2)
		run(t, open(t, db, h, server.URL()), "writing", func(s Status) bool { return drained(h)(s) && s.Waiting == 3 })
		if n := server.Count("temperature", "value"); n != 98 {
			t.Errorf("%d values before the anchor, want 98", n)
		}
		h.mu.Lock()
		h.dated[1] = true
		h.mu.Unlock()
		run(t, open(t, db, h, server.URL()), "writing late", func(s Status) bool { return s.Waiting == 0 && s.Spooled == 0 && s.Parcel == 5 && s.Written > 0 })
		if n := server.Count("temperature", "value"); n != 49*5 {
			t.Errorf("%d values after the anchor, want %d", n, 49*5)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	dir := t.TempDir()
	loose := filepath.Join(dir, "token")
	if err := os.WriteFile(loose, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Bucket: "b"}, "influx.url: empty"},
		{Config{URL: "influx:8086", Bucket: "b"}, "influx.url:"},
		{Config{URL: "http://u:p@h:8086", Bucket: "b"}, "without user and password"},
		{Config{URL: "http://h:8086"}, "influx.bucket: empty"},
		{Config{URL: "http://h:8086", Bucket: "b", TokenFile: loose}, "chmod 600"},
		{Config{URL: "http://h:8086", Bucket: "b", TokenFile: filepath.Join(dir, "none")}, "no such file"},
	} {
		if _, err := New(Options{Config: c.config}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("no configuration: %v", err)
	}
	var answer error = errors.New("no answer")
	if status(answer) != 0 {
		t.Error("an error without an answer has a status")
	}
}
