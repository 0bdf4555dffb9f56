package sim_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/devices/v3/ds18b20"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/control"
	"frostline/firmware-sim/internal/testbus"
	"frostline/firmware-sim/scenario"
)

func TestDrivenClock(t *testing.T) {
	_, s := start(t, sim.Demo)
	b := only(s, "sodo-cold")
	c := steer(t, b)
	ctx := t.Context()
	if err := c.Advance(ctx, 1000); err == nil || !strings.Contains(err.Error(), "mode driven first") {
		t.Errorf("advance of a running clock: %v", err)
	}
	if err := c.Drive(ctx, july, 0); err != nil {
		t.Fatal(err)
	}
	r, err := c.Do(ctx, control.Request{Op: "status"})
	if err != nil || r.NowMs != 0 || r.UTCms != july.UnixMilli() {
		t.Fatalf("at %d ms, %d UTC, %v", r.NowMs, r.UTCms, err)
	}

	// A conversion takes driven time, however long one waits.
	w1 := testbus.OneWire{Do: dial(t, sim.BusName(b, "w1"))}
	found, err := w1.Search(false)
	if err != nil {
		t.Fatal(err)
	}
	if err := ds18b20.StartAll(w1); err != nil {
		t.Fatal(err)
	}
	dev := onewire.Dev{Bus: w1, Addr: found[0]}
	temperature := func() float64 {
		var pad [9]byte
		if err := dev.Tx([]byte{0xBE}, pad[:]); err != nil || !onewire.CheckCRC(pad[:]) {
			t.Fatalf("scratchpad % x, %v", pad, err)
		}
		return float64(int16(binary.LittleEndian.Uint16(pad[:]))) / 16
	}
	if err := c.Advance(ctx, 749); err != nil {
		t.Fatal(err)
	}
	if got := temperature(); got != 85 {
		t.Errorf("after 749 ms: %g, want the power-on value", got)
	}
	if err := c.Advance(ctx, 750); err != nil {
		t.Fatal(err)
	}
	if got := temperature(); got == 85 {
		t.Error("after 750 ms: still the power-on value")
	}
	if err := c.Advance(ctx, 700); err == nil || !strings.Contains(err.Error(), "want a later time") {
		t.Errorf("advance into the past: %v", err)
	}
	if err := c.Advance(ctx, 365*24*3600*1000); err == nil {
		t.Error("advance by a year was accepted")
	}

	// Eight hours, and back to the present.
	if err := c.Advance(ctx, 8*3600*1000); err != nil {
		t.Fatal(err)
	}
	r, err = c.Do(ctx, control.Request{Op: "status"})
	if err != nil || r.UTCms != july.Add(8*time.Hour).UnixMilli() || r.Status.Mode != "driven" {
		t.Errorf("after eight hours: %d UTC, mode %s, %v", r.UTCms, r.Status.Mode, err)
	}
	if err := c.Run(ctx, 1); err != nil {
		t.Fatal(err)
	}
	r, err = c.Do(ctx, control.Request{Op: "status"})
	if off := time.Since(time.UnixMilli(r.UTCms)); err != nil || off < -time.Second || off > time.Minute || r.Status.Mode != "real" {
		t.Errorf("running again: %s from the present, mode %s, %v", off, r.Status.Mode, err)
	}
}

// The same seed and the same advances give the same bits on every bus and line,
// whatever else was read in between.
func TestRunsAreRepeatable(t *testing.T) {
	record := func(seed uint64, curious bool) string {
		run, s := start(t, func(dir string) sim.Scenario {
			d := sim.Demo(dir)
			d.Seed = seed
			for i := range d.Boards {
				d.Boards[i].Start, d.Boards[i].Driven = july.Format(time.RFC3339), true
			}
			return d
		})
		var out strings.Builder
		for _, name := range []string{"sodo-cold", "van-2"} {
			b := only(s, name)
			c := steer(t, b)
			i2c := testbus.I2C{Do: dial(t, sim.BusName(b, "i2c-1"))}
			for ms := int64(10_000); ms <= 3_600_000; ms += 10_000 {
				for at := ms - 9_000; curious && at < ms; at += 3_000 {
					if err := c.Advance(t.Context(), at); err != nil {
						t.Fatal(err)
					}
					if err := i2c.Tx(0x44, []byte{0xFD}, nil); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Advance(t.Context(), ms); err != nil {
					t.Fatal(err)
				}
				r := make([]byte, 2)
				if err := i2c.Tx(0x18, []byte{5}, r); err != nil {
					t.Fatal(err)
				}
				out.Write(r)
			}
		}
		if err := run.Stop(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	a := record(1, false)
	if a != record(1, true) {
		t.Error("the same seed gave another run")
	}
	if a == record(2, false) {
		t.Error("another seed gave the same run")
	}
}

// The demonstration keeps to the ranges it is about, over a July and a January
// day, unless something is planned to go wrong, so that an alarm on it means
// something.
func TestDemoStaysInRange(t *testing.T) {
	for _, begin := range []time.Time{july, time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)} {
		run, s := start(t, calm)
		for _, b := range s.Boards {
			target := run.Board(b.Name)
			ms := begin.UnixMilli()
			if err := target.SetClock(control.Clock{Driven: true, UTCms: &ms, ToMs: new(int64)}); err != nil {
				t.Fatal(err)
			}
			low, high := 2.0, 8.0
			switch b.Name {
			case "sodo-freezer":
				low, high = -25, -15
			case "sodo-ambient":
				low, high = 20, 25
			}
			lowest, highest := math.Inf(1), math.Inf(-1)
			for at := time.Minute; at <= 24*time.Hour; at += time.Minute {
				if err := target.Advance(t.Context(), at.Milliseconds()); err != nil {
					t.Fatal(err)
				}
				for _, d := range target.Status().Devices {
					if d.Kind != "contact" && d.Kind != "gnss" {
						lowest, highest = min(lowest, d.True), max(highest, d.True)
					}
				}
			}
			t.Logf("%s %s: %.2f to %.2f °C", begin.Format("January"), b.Name, lowest, highest)
			if lowest < low || highest > high {
				t.Errorf("%s in %s: %.2f to %.2f °C, want %g to %g", b.Name, begin.Month(), lowest, highest, low, high)
			}
		}
		if err := run.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// calm is the demonstration in which nothing is planned to go wrong.
func calm(dir string) sim.Scenario {
	d := sim.Demo(dir)
	for i := range d.Boards {
		d.Boards[i].Schedule = nil
	}
	return d
}

// What is planned to go wrong in the demonstration shows in its sensors, in
// every season, and is over in the end.
func TestDemoGoesWrongAsPlanned(t *testing.T) {
	for _, begin := range []time.Time{july, time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)} {
		run, _ := start(t, sim.Demo)
		drive := func(name string) func(to time.Duration) (warmest, coldest float64) {
			target := run.Board(name)
			ms := begin.UnixMilli()
			if err := target.SetClock(control.Clock{Driven: true, UTCms: &ms, ToMs: new(int64)}); err != nil {
				t.Fatal(err)
			}
			at := time.Duration(0)
			return func(to time.Duration) (warmest, coldest float64) {
				warmest, coldest = math.Inf(-1), math.Inf(1)
				for at < to {
					at += time.Minute
					if err := target.Advance(t.Context(), at.Milliseconds()); err != nil {
						t.Fatal(err)
					}
					for _, d := range target.Status().Devices {
						if d.Name == "probe-1" {
							warmest, coldest = max(warmest, d.True), min(coldest, d.True)
						}
					}
				}
				return warmest, coldest
			}
		}
		month := begin.Month()
		cold := drive("sodo-cold")
		if w, _ := cold(3 * time.Hour); w > 8 {
			t.Errorf("%s: the cold room is at %.2f °C before its door is left open", month, w)
		}
		if w, _ := cold(4*time.Hour + 15*time.Minute); w < 9 {
			t.Errorf("%s: the cold room is at %.2f °C with its door left open", month, w)
		}
		cold(5 * time.Hour)
		if w, _ := cold(8 * time.Hour); w > 8 {
			t.Errorf("%s: the cold room is at %.2f °C after its door was closed", month, w)
		}
		freezer := drive("sodo-freezer")
		if w, _ := freezer(time.Hour); w > -15 {
			t.Errorf("%s: the freezer is at %.2f °C before its compressor stands", month, w)
		}
		if w, _ := freezer(7 * time.Hour); w < -14.5 {
			t.Errorf("%s: the freezer is at %.2f °C with its compressor standing", month, w)
		}
		van := drive("van-2")
		if _, c := van(5*time.Hour + 30*time.Minute); c < 2 {
			t.Errorf("%s: van 2 is at %.2f °C before the frozen pack", month, c)
		}
		if _, c := van(7 * time.Hour); c > 0 {
			t.Errorf("%s: van 2 is at %.2f °C with a frozen pack", month, c)
		}
		van(8 * time.Hour)
		if _, c := van(10 * time.Hour); c < 2 {
			t.Errorf("%s: van 2 is at %.2f °C after it got a good pack", month, c)
		}
		if err := run.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestScheduleIsChecked(t *testing.T) {
	for _, c := range []struct{ schedule, want string }{
		{"{at: 1h, for: 1h, name: cellar, fault: door-open}", "the name of a device or of an object"},
		{"{at: 1h, for: 1h, name: room, fault: flood}", `fault "flood" is not known`},
		{"{at: -1h, for: 1h, name: room, fault: door-open}", "schedule[0].at -1h0m0s: want 0"},
		{"{at: 1h, name: room, fault: door-open}", "schedule[0].for 0s: want more than 0"},
		{"{at: 1h, for: 1h, name: room, fault: frozen-pack}", "a room cannot have fault frozen-pack"},
	} {
		dir := t.TempDir()
		text := string(scenario.DemoYAML())
		begin := strings.Index(text, "      - {at:")
		text = text[:begin] + "      - " + c.schedule + text[begin+strings.IndexByte(text[begin:], '\n'):]
		s, err := scenario.Parse([]byte(text))
		if err == nil {
			_, err = sim.Open(s.In(dir), nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.schedule, err, c.want)
		}
	}
}
