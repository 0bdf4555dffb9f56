package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/clock"
	"frostline/edge/panel"
	"frostline/edge/sensor"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// stopped is an agent that does not run, present one that does.
type stopped struct{}

func (stopped) Status(context.Context) (panel.Status, error) {
	return panel.Status{}, panel.ErrNotRunning
}

type present struct{ s panel.Status }

func (p present) Status(context.Context) (panel.Status, error) { return p.s, nil }

// fakeSensor is a driver with prepared answers.
type fakeSensor struct {
	values []sensor.Value
	begin  error
	read   error
	lead   time.Duration
	hangs  bool
}

func (f *fakeSensor) Model() string                  { return "fake" }
func (f *fakeSensor) Quantities() []reading.Quantity { return nil }
func (f *fakeSensor) Lead() time.Duration            { return f.lead }
func (f *fakeSensor) Begin(context.Context) error {
	if f.hangs {
		select {}
	}
	return f.begin
}
func (f *fakeSensor) Read(context.Context) ([]sensor.Value, error) { return f.values, f.read }
func (f *fakeSensor) Close() error                                 { return nil }

// onBus is a bus with thermometers.
func onBus(roms ...string) func(kind, string) ([]sensor.Spec, int, error) {
	return func(kind, string) (found []sensor.Spec, others int, err error) {
		for _, r := range roms {
			found = append(found, sensor.Spec{Driver: "ds18b20", Address: r})
		}
		return found, 0, nil
	}
}

// bootClock runs with the time of the test.
type bootClock struct {
	clock.Clock
	began time.Time
	utc   int64
}

func (c bootClock) Now() int64 { return 1000 + time.Since(c.began).Milliseconds() }
func (c bootClock) UTC() int64 { return c.utc }

// newTestBench is a gateway in good order, without a hub.
func newTestBench(t *testing.T) *bench {
	b := newBench(Config{Gateway: "van-14", DataDir: t.TempDir(), Clock: bootClock{began: time.Now(), utc: time.Now().UnixMilli()}})
	b.agent, b.find = stopped{}, onBus()
	b.sources = sources{rtcFile: "/nonexistent",
		ntp: func(c clock.Clock) (truetime.Anchor, bool, error) {
			return truetime.Anchor{At: c.Now(), UTC: c.UTC(), Uncertainty: 12, Source: truetime.NTP}, true, nil
		},
		rtc: func(clock.Clock, string) (truetime.Anchor, bool, error) { return truetime.Anchor{}, false, nil },
	}
	b.Journal = filepath.Join(b.DataDir, "journal")
	t.Cleanup(func() { b.buses.Close() })
	return b
}

// examine runs all checks and gives the results by name.
func examine(t *testing.T, b *bench) (results map[string]Result, exit int) {
	t.Helper()
	var out bytes.Buffer
	exit, err := b.run(t.Context(), &out, true)
	if err != nil {
		t.Fatal(err)
	}
	results = map[string]Result{}
	for d := json.NewDecoder(&out); ; {
		var r Result
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return results, exit
		} else if err != nil {
			t.Fatal(err)
		}
		if r.Outcome == "" || r.Found == "" || strings.ContainsAny(r.Found, "\n\r") {
			t.Errorf("result is not whole: %+v", r)
		}
		if (r.Outcome == Warn || r.Outcome == Fail) && r.Check != "overall" && !strings.HasSuffix(r.Do, ".") {
			t.Errorf("%s: says no remedy in a sentence: %+v", r.Check, r)
		}
		if old, twice := results[r.Check]; twice && old.Outcome != OK {
			continue // of several, keep what is not ok
		}
		results[r.Check] = r
	}
}

// want checks one result: its outcome, and words of what was found or to do.
func want(t *testing.T, results map[string]Result, name string, outcome Outcome, words ...string) {
	t.Helper()
	r, is := results[name]
	if !is {
		t.Errorf("no result of %q among %v", name, results)
		return
	}
	if r.Outcome != outcome {
		t.Errorf("%s: got %s (%s), want %s", name, r.Outcome, r.Found, outcome)
	}
	for _, w := range words {
		if !strings.Contains(r.Found+" -> "+r.Do, w) {
			t.Errorf("%s: want %q in %q -> %q", name, w, r.Found, r.Do)
		}
	}
}

func TestGatewayInGoodOrder(t *testing.T) {
	b := newTestBench(t)
	hub := newTestHub(t)
	b.Hub, b.Identity = hub.address, hub.gateway(t).open
	b.Sensors = []sensor.Spec{{ID: "box-a", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"}}
	b.open = func(sensor.Spec, sensor.Env) (sensor.Driver, error) {
		return &fakeSensor{values: []sensor.Value{{Quantity: reading.Temperature, Value: 5062}}}, nil
	}
	b.find = onBus("28-0316a2794b2c")
	r, exit := examine(t, b)
	if exit != 0 {
		t.Errorf("exit %d", exit)
	}
	want(t, r, "agent", Skipped, "none runs")
	want(t, r, "sensor box-a", OK, "ds18b20 28-0316a2794b2c on w1: temperature 5.06 °C")
	want(t, r, "search w1", OK, "1 of 1 configured sensors found, and no other")
	want(t, r, "boot clock", OK)
	want(t, r, "ntp", OK, "± 12 ms")
	want(t, r, "rtc", Skipped)
	want(t, r, "satellite time", Skipped)
	want(t, r, "data directory", OK)
	want(t, r, "sync", OK, "a page is safe after")
	want(t, r, "journal", Skipped)
	for _, name := range []string{"enrolled", "key", "validity", "dns", "tcp", "tls", "mqtt", "acknowledgement"} {
		want(t, r, name, OK)
	}
	if got := r["overall"]; got.Outcome == Fail {
		t.Errorf("overall %+v", got)
	}
}

// TestCheckThatHangsIsLeft: the doctor ends, whatever a driver does.
func TestCheckThatHangsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := one("sensor dead", probeLimit, func(context.Context) Result {
			<-release
			return ok("too late")
		})
		var got []Result
		start := time.Now()
		c.run(t.Context(), func(r Result) { got = append(got, r) })
		if took := time.Since(start); took != probeLimit+patience {
			t.Errorf("left after %v, want %v", took, probeLimit+patience)
		}
		if len(got) != 1 || got[0].Outcome != Fail || got[0].Check != "sensor dead" {
			t.Errorf("got %+v", got)
		}
		close(release)
	})
}

func TestInterruptedDoctorSkipsTheRest(t *testing.T) {
	b := newTestBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	exit, err := b.run(ctx, &out, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "interrupted") || strings.Contains(out.String(), "ok  ") || exit != 1 {
		t.Errorf("got\n%s", out.String())
	}
}

// TestTextAndStream: results come one by one, in columns, and nothing in them
// steers a terminal.
func TestTextAndStream(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out, false)
	r.begin("disk")
	r.add(Result{Check: "space", Outcome: Warn, Found: "1 MB free\x1b[2J\nof 2 MB", Do: "Free some."})
	want := "warn     space                     1 MB free [2J of 2 MB\n                                   -> Free some.\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	r.add(Result{Check: "sync", Outcome: Fail, Found: "input/output error", Do: "Look at dmesg."})
	exit, err := r.end()
	if exit != 1 || err != nil || !strings.Contains(out.String(), "1 of 2 checks failed, 1 to see to") {
		t.Errorf("exit %d, %v:\n%s", exit, err, out.String())
	}
	reader, broken := io.Pipe()
	reader.Close()
	r = newReport(broken, true)
	r.add(Result{Check: "sync", Outcome: OK, Found: "fine"})
	if _, err := r.end(); err == nil {
		t.Error("an output that takes nothing gave no error")
	}
}
