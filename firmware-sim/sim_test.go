package sim_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
	"time"

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

func TestFaultsByControlReachTheRegisters(t *testing.T) {
	_, s := start(t, calm)
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
