package sim_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/ds18b20"
	"periph.io/x/devices/v3/mcp9808"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/control"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/internal/testbus"
	"frostline/proto/simbus"
)

// start runs a scenario in a folder short enough for socket paths.
func start(t *testing.T, s func(dir string) sim.Scenario) (*sim.Running, sim.Scenario) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	made := s(dir)
	r, err := sim.Start(t.Context(), made, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r, made
}

func only(s sim.Scenario, name string) sim.Board {
	for _, b := range s.Boards {
		if b.Name == name {
			return b
		}
	}
	panic("no board " + name)
}

func dial(t *testing.T, bus string) testbus.Do {
	t.Helper()
	do, closes, err := testbus.Dial(bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closes() })
	return do
}

func steer(t *testing.T, b sim.Board) *control.Client {
	t.Helper()
	c, err := control.Dial(t.Context(), "unix", b.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var july = time.Date(2025, 7, 15, 12, 0, 0, 0, time.UTC)

// The real drivers read every sensor of the demonstration over real sockets.
func TestDriversReadTheDemoOverSockets(t *testing.T) {
	_, s := start(t, sim.Demo)
	for _, b := range s.Boards {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			low, high := 1.0, 9.0
			switch b.Name {
			case "sodo-freezer":
				low, high = -26, -15
			case "sodo-ambient":
				low, high = 19, 26
			}
			w1 := testbus.OneWire{Do: dial(t, sim.BusName(b, "w1"))}
			found, err := w1.Search(false)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, d := range b.Devices {
				if d.ROM != "" {
					want = append(want, d.ROM)
				}
			}
			if len(found) != len(want) {
				t.Fatalf("found %x, want %v", found, want)
			}
			for _, a := range found {
				if !strings.Contains(strings.Join(want, " "), device.FormatROM(uint64(a))) {
					t.Errorf("found %x, want one of %v", a, want)
				}
				d, err := ds18b20.New(w1, a, 9)
				if err != nil {
					t.Fatal(err)
				}
				var e physic.Env
				if err := d.Sense(&e); err != nil {
					t.Fatal(err)
				}
				between(t, "ds18b20", e.Temperature.Celsius(), low, high)
			}
			i2c := testbus.I2C{Do: dial(t, sim.BusName(b, "i2c-1"))}
			m, err := mcp9808.New(i2c, &mcp9808.DefaultOpts)
			if err != nil {
				t.Fatal(err)
			}
			c, err := m.SenseTemp()
			if err != nil {
				t.Fatal(err)
			}
			between(t, "mcp9808", c.Celsius(), low, high)
			if err := i2c.Tx(0x44, []byte{0xFD}, nil); err != nil {
				t.Fatal(err)
			}
			r := make([]byte, 6)
			for { // until the measurement is over, as a driver that polls does
				err := i2c.Tx(0x44, nil, r)
				if err == nil {
					break
				}
				if !errors.Is(err, testbus.ErrNack) {
					t.Fatal(err)
				}
			}
			between(t, "sht4x", -45+175*float64(binary.BigEndian.Uint16(r))/65535, low, high)
			between(t, "humidity", -6+125*float64(binary.BigEndian.Uint16(r[3:]))/65535, 20, 100)
			if _, err := dial(t, sim.BusName(b, "gpio-17")).Level(); err != nil {
				t.Error(err)
			}
		})
	}
}

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s: %.3f, want %g to %g", what, got, low, high)
	}
}

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

func TestReceiverOnItsTerminal(t *testing.T) {
	_, s := start(t, sim.Demo)
	b := only(s, "van-1")
	c := steer(t, b)
	ctx := t.Context()
	if err := c.Drive(ctx, july.Add(300*time.Millisecond), 0); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(filepath.Dir(b.Socket), "van-1.gnss"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Only seconds of driven time are of interest, not what came before.
	rmcs := make(chan nmea.RMC, 1000)
	go func() {
		defer close(rmcs)
		for in := bufio.NewScanner(f); in.Scan(); {
			if s, err := nmea.Parse(in.Text()); err == nil {
				if rmc, ok := s.(nmea.RMC); ok {
					rmcs <- rmc
				}
			}
		}
	}()
	next := func() nmea.RMC {
		select {
		case r := <-rmcs:
			return r
		case <-time.After(20 * time.Second):
			t.Fatal("no sentence")
			panic("unreachable")
		}
	}
	until := func(want time.Time) nmea.RMC {
		for {
			r := next()
			if at := nmea.DateTime(2000, r.Date, r.Time); at.Equal(want) {
				return r
			} else if at.Nanosecond() != 0 {
				t.Fatalf("sentence of %s", at)
			}
		}
	}

	// 300 ms past the second: 700 ms later is the next, and each 1 s after it.
	moved := false
	for n := int64(1); n <= 600; n++ {
		if err := c.Advance(ctx, n*1000); err != nil {
			t.Fatal(err)
		}
		r := until(july.Add(time.Duration(n) * time.Second))
		between(t, "latitude", r.Latitude, 47.57, 47.63)
		between(t, "longitude", r.Longitude, -122.34, -122.18)
		moved = moved || r.Speed > 10
	}
	if !moved {
		t.Error("the van did not move in ten minutes")
	}
	// A long advance sends its last second alone.
	if err := c.Advance(ctx, 3_600_000); err != nil {
		t.Fatal(err)
	}
	until(july.Add(time.Hour))
	status, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range status.Devices {
		if d.Name == "gnss" && d.Skipped != 2999 {
			t.Errorf("%d bursts passed over, want 2999", d.Skipped)
		}
	}
	if err := c.Fault(ctx, "gnss", "fix-loss", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(ctx, 3_601_000); err != nil {
		t.Fatal(err)
	}
	if r := until(july.Add(time.Hour + time.Second)); r.Validity != nmea.InvalidRMC {
		t.Error("fix lost, but the sentence is valid")
	}
	slow := 3.0
	if err := c.Fault(ctx, "gnss", "slow", &slow); err != nil {
		t.Fatal(err)
	}
	for ms := int64(3_602_000); ms <= 3_605_000; ms += 1000 {
		if err := c.Advance(ctx, ms); err != nil {
			t.Fatal(err)
		}
	}
	if r := next(); !nmea.DateTime(2000, r.Date, r.Time).Equal(july.Add(time.Hour + 2*time.Second)) {
		t.Errorf("slow by 3 s: first sentence of %s", r.Time)
	}

	// Real time: the present, once a second.
	if err := c.Fault(ctx, "gnss", "none", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx, 1); err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	for seen := 0; seen < 2; {
		r := next()
		at := nmea.DateTime(2000, r.Date, r.Time)
		if at.Year() == 2025 && at.Month() == time.July {
			continue // left over
		}
		if off := time.Since(at); off < -time.Second || off > time.Minute {
			t.Errorf("real time: sentence is %s old", off)
		}
		if seen == 1 && at.Sub(last) != time.Second {
			t.Errorf("%s after %s, want a second", at, last)
		}
		last = at
		seen++
	}
}

func TestFaultsByControlReachTheRegisters(t *testing.T) {
	_, s := start(t, sim.Demo)
	b := only(s, "sodo-cold")
	c := steer(t, b)
	ctx := t.Context()
	fault := func(device, kind string) {
		t.Helper()
		if err := c.Fault(ctx, device, kind, nil); err != nil {
			t.Fatal(err)
		}
	}
	w1 := testbus.OneWire{Do: dial(t, sim.BusName(b, "w1"))}
	i2c := testbus.I2C{Do: dial(t, sim.BusName(b, "i2c-1"))}
	door := dial(t, sim.BusName(b, "gpio-17"))

	fault("probe-1", "unplugged")
	if found, err := w1.Search(false); err != nil || len(found) != 1 {
		t.Errorf("one of two unplugged: found %x, %v", found, err)
	}
	fault("probe-2", "unplugged")
	var none onewire.NoDevicesError
	if _, err := w1.Search(false); !errors.As(err, &none) {
		t.Errorf("both unplugged: %v", err)
	}
	fault("air", "unplugged")
	if err := i2c.Tx(0x44, []byte{0xFD}, nil); !errors.Is(err, testbus.ErrNack) {
		t.Errorf("sht4x unplugged: %v", err)
	}
	if err := c.Drive(ctx, july, 0); err != nil {
		t.Fatal(err)
	}
	fault("room", "door-open")
	if err := c.Advance(ctx, 1000); err != nil {
		t.Fatal(err)
	}
	if l, err := door.Level(); err != nil || l != 1 {
		t.Errorf("door left open: level %d, %v", l, err)
	}
	fault("room", "compressor-off")
	if err := c.Advance(ctx, 6*3600*1000); err != nil {
		t.Fatal(err)
	}
	r := make([]byte, 2)
	if err := i2c.Tx(0x18, []byte{5}, r); err != nil || float64(binary.BigEndian.Uint16(r)&0xFFF)/16 < 8 {
		t.Errorf("six hours without compressor: register % x, %v", r, err)
	}
	status, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if status.World[0].Fault != "compressor-off" || status.Devices[0].Fault != "unplugged" || status.Devices[0].Address != "28-000007a1c001" {
		t.Errorf("status %+v", status)
	}
	for _, bad := range [][2]string{{"attic", "none"}, {"room", "crc"}, {"wall", "crc"}, {"air", "gremlin"}} {
		if err := c.Fault(ctx, bad[0], bad[1], nil); err == nil || !strings.Contains(err.Error(), "want one of") {
			t.Errorf("fault %s %s: %v", bad[0], bad[1], err)
		}
	}
}

// A slow sensor holds up its own bus and no other.
func TestClockStretchingHoldsOneBus(t *testing.T) {
	_, s := start(t, sim.Demo)
	b := only(s, "sodo-cold")
	c := steer(t, b)
	long := 60.0
	if err := c.Fault(t.Context(), "wall", "slow", &long); err != nil {
		t.Fatal(err)
	}
	stretched := testbus.I2C{Do: dial(t, sim.BusName(b, "i2c-1"))}
	answered := make(chan error, 1)
	go func() { answered <- stretched.Tx(0x18, []byte{5}, make([]byte, 2)) }()
	w1 := testbus.OneWire{Do: dial(t, sim.BusName(b, "w1"))}
	for range 20 {
		if found, err := w1.Search(false); err != nil || len(found) != 2 {
			t.Fatalf("found %x, %v", found, err)
		}
	}
	select {
	case err := <-answered:
		t.Errorf("the slow sensor answered at once: %v", err)
	default:
	}
}

func TestSocketsRefuseWhatTheyShould(t *testing.T) {
	run, s := start(t, func(dir string) sim.Scenario {
		d := sim.Demo(dir)
		d.Boards = d.Boards[:1]
		d.Boards[0].TCP = "127.0.0.1:0"
		return d
	})
	b := s.Boards[0]
	if _, _, err := testbus.Dial(sim.BusName(b, "i2c-9")); err == nil || !strings.Contains(err.Error(), `no bus "i2c-9": want one of w1, i2c-1, gpio-17`) {
		t.Errorf("unknown bus: %v", err)
	}
	if _, _, err := testbus.Dial(sim.BusName(b, strings.Repeat("x", 65))); err == nil {
		t.Error("a bus name of 65 bytes was accepted")
	}
	// The same buses over TCP.
	w1 := testbus.OneWire{Do: dial(t, "sim:tcp:"+run.Addr(b.Name)+"/w1")}
	if found, err := w1.Search(false); err != nil || len(found) != 2 {
		t.Errorf("over TCP: found %x, %v", found, err)
	}
	if info, err := os.Stat(b.Socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket mode %v, %v", info.Mode(), err)
	}
	// A request that makes no sense is answered, and the connection lives on.
	do := dial(t, sim.BusName(b, "gpio-17"))
	if r, err := do([]byte{99}); err != nil || r[0] != byte(simbus.StatusError) {
		t.Errorf("nonsense: % x, %v", r, err)
	}
	if _, err := do.Level(); err != nil {
		t.Error(err)
	}
	// A torn frame ends the connection and nothing else.
	conn, err := net.Dial("unix", b.Socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{0, 9, 'w'}); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := do.Level(); err != nil {
		t.Error(err)
	}
	// A second simulator does not take the socket over.
	if again, err := sim.Start(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "another firmware-sim serves it") {
		t.Errorf("second simulator: %v", err)
		if again != nil {
			again.Stop()
		}
	}
	if _, err := do.Level(); err != nil {
		t.Error(err)
	}
}

func TestStopLeavesNothingAndStartReplacesLeftovers(t *testing.T) {
	dir, err := os.MkdirTemp("", "sim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := sim.Demo(dir)
	// A socket whose process is gone.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.Boards[0].Socket})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := sim.Start(ctx, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	do, closes, err := testbus.Dial(sim.BusName(s.Boards[0], "w1"))
	if err != nil {
		t.Fatal(err)
	}
	defer closes()
	cancel() // with an open connection
	if err := r.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := do([]byte{byte(simbus.OpReset)}); err == nil {
		t.Error("the connection still answers")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// Something else at a path is not touched.
	if err := os.WriteFile(s.Boards[2].Socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Start(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "something other than a socket") {
		t.Errorf("regular file in the way: %v", err)
	}
	if _, err := os.Lstat(s.Boards[0].Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed start left the first board's socket: %v", err)
	}
}

func TestStartRefusesABadScenario(t *testing.T) {
	s := sim.Demo(t.TempDir())
	s.Boards[0].Devices[0].ROM = "nonsense"
	if _, err := sim.Start(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "boards[0].devices[0].rom") {
		t.Errorf("error %v", err)
	}
}

// The demonstration keeps to the ranges it is about, over a July and a January
// day, so that an alarm on it means something.
func TestDemoStaysInRange(t *testing.T) {
	for _, begin := range []time.Time{july, time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)} {
		run, s := start(t, sim.Demo)
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
