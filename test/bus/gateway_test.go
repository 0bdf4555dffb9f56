// Package bus tests the edge's drivers, sampler and clock against firmware-sim,
// over its sockets and terminals as over hardware, while sensors break.
package bus

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/config"
	"frostline/edge/sampler"
	"frostline/edge/sensor"
	sim "frostline/firmware-sim"
	"frostline/firmware-sim/control"
	"frostline/proto/reading"
	"frostline/proto/truetime"
	"frostline/test/rig"
)

var (
	begin = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.DiscardHandler)
)

// gateway is the front half of an edge on a board of the demonstration: what
// is configured, opened and sampled, on a clock that the board follows.
type gateway struct {
	t     *testing.T
	dir   string
	world func(dir string) sim.Scenario
	board sim.Board
	sim   *sim.Running
	steer *control.Client
	clock *clock.Virtual
	gnss  *sensor.GNSS // nil: the board has no receiver
	names []string     // by series

	mu      sync.Mutex
	got     map[string][]reading.Reading // by "sensor quantity", since the last pass
	lost    int
	anchors []truetime.Anchor
}

// ID implements sampler.Table.
func (g *gateway) ID(s sampler.Series) (uint32, error) {
	g.names = append(g.names, fmt.Sprintf("%s %v", s.Sensor, s.Quantity))
	return uint32(len(g.names) - 1), nil
}

// open starts a board of the demonstration and samples all its sensors every
// ten seconds.
func open(t *testing.T, board string) *gateway {
	t.Helper()
	return openIn(t, sim.Demo, board)
}

// openIn is open for a board of another world.
func openIn(t *testing.T, world func(dir string) sim.Scenario, board string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: t.TempDir(), world: world, got: map[string][]reading.Reading{}}
	g.start(board, begin.Add(time.Millisecond), 1) // past the tick of 0
	t.Cleanup(func() { g.stop() })
	var err error
	g.clock, err = clock.NewVirtual(clock.VirtualConfig{
		BootID: "test", Start: 1, UTC: begin.UnixMilli() + 1, MaxStep: time.Second,
		Hook: func(ctx context.Context, _, to int64) error {
			if g.steer == nil {
				return nil // the simulator is down, and time goes on
			}
			return g.steer.Advance(ctx, to)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	buses := bus.NewSet("", quiet)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var sampled []sampler.Sensor
	for _, s := range g.config().Sensors {
		d, err := sensor.Open(s.Spec(), sensor.Env{Buses: buses, Now: g.clock.Now, Log: quiet, OnTime: g.hear})
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := d.(*sensor.GNSS); ok {
			g.gnss = r
			wg.Go(func() { r.Run(ctx) })
			rig.Must(t, 10*time.Second, "the receiver's port to be open", func() (bool, error) {
				_, err := d.Read(ctx)
				return err == nil || strings.Contains(err.Error(), "silent"), nil
			})
		}
		sampled = append(sampled, sampler.Sensor{ID: s.ID, Driver: d, Address: s.Address, Interval: s.Interval, Timeout: s.Timeout, Limits: s.Spec().Limits()})
	}
	s, err := sampler.New(sampler.Config{Clock: g.clock, Sensors: sampled, Table: g, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { g.collect(s.Batches()) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := buses.Close(); err != nil {
			t.Error(err)
		}
	})
	<-s.Ready()
	return g
}

// start starts the simulator and takes its clock.
func (g *gateway) start(board string, at time.Time, ms int64) {
	g.t.Helper()
	s := g.world(g.dir)
	for _, b := range s.Boards {
		if b.Name == board {
			g.board = b
		}
	}
	s.Boards = []sim.Board{g.board}
	ctx := context.Background()
	var err error
	if g.sim, err = sim.Start(ctx, s, quiet); err != nil {
		g.t.Fatal(err)
	}
	if g.steer, err = control.Dial(ctx, "unix", g.board.Socket); err != nil {
		g.t.Fatal(err)
	}
	if err := g.steer.Drive(ctx, at, ms); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) stop() {
	g.t.Helper()
	if g.steer == nil {
		return
	}
	g.steer.Close()
	g.steer = nil
	if err := g.sim.Stop(); err != nil {
		g.t.Error(err)
	}
}

// options are those that a sensor cannot do without, by its name.
var options = map[string]string{
	"cryo": "reference: 430, wires: 4",
	"controller": `registers: [{quantity: temperature, address: 0x0100, type: int16, scale: 0.1, invalid: [0x7FFF, 0x8000]},
    {quantity: compressor-setpoint, address: 257, type: int16, scale: 0.1}, {quantity: compressor-running, table: coil, address: 3}]`,
	"supply": "scale: 11",
	"meter":  "registers: [{quantity: voltage, table: input, address: 0, type: uint16, scale: 0.1}]",
	"reefer": "registers: [{quantity: temperature, table: input, address: 100, type: float32, words: low-first}]",
}

// config is the gateway's configuration file, written as a person would.
func (g *gateway) config() config.Config {
	g.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "gateway: %s\nsensors:\n", g.board.Name)
	for _, d := range g.board.Devices {
		driver, bus := d.Kind, sim.BusName(g.board, d.Bus)
		switch d.Kind {
		case "contact":
			driver = "door"
		case "modbus":
			if bus = d.Pty; d.TCP != "" {
				bus = "tcp:" + d.TCP
			}
		case "battery":
			bus = d.Dir
		case "converter":
			driver, bus = "voltage", d.Dir
		case "gnss":
			bus = filepath.Join(g.dir, g.board.Name+".gnss")
		}
		fmt.Fprintf(&b, "- {id: %s, driver: %s, bus: %q, interval: 10s", d.Name, driver, bus)
		if d.Kind == "converter" {
			b.WriteString(", address: in_voltage0")
		}
		if d.Kind == "modbus" {
			fmt.Fprintf(&b, ", address: %d", d.Unit)
		}
		if d.ROM != "" {
			fmt.Fprintf(&b, ", address: %s", d.ROM)
		}
		if d.Address != 0 {
			fmt.Fprintf(&b, ", address: 0x%02x", d.Address)
		}
		if o := options[d.Name]; o != "" {
			fmt.Fprintf(&b, ", options: {%s}", o)
		}
		b.WriteString("}\n")
	}
	c, _, err := config.Parse([]byte(b.String()), config.Host{})
	if err != nil {
		g.t.Fatalf("%v\n%s", err, b.String())
	}
	return c
}

func (g *gateway) hear(a truetime.Anchor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.anchors = append(g.anchors, a)
}

func (g *gateway) collect(batches <-chan sampler.Batch) {
	for b := range batches {
		g.mu.Lock()
		for _, r := range b.Readings {
			g.got[g.names[r.Series]] = append(g.got[g.names[r.Series]], r)
		}
		for _, l := range b.Lost {
			g.lost += l.Readings
		}
		g.mu.Unlock()
		b.Done()
	}
}

// pass lets time pass and gives the readings taken meanwhile, of which there is
// one for each tick of each series, whatever its quality.
func (g *gateway) pass(d time.Duration) map[string][]reading.Reading {
	g.t.Helper()
	from := g.clock.Now() / 10_000 * 10_000
	if err := g.clock.RunUntil(context.Background(), from+d.Milliseconds()); err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	got := g.got
	g.got = map[string][]reading.Reading{}
	for _, name := range g.names {
		if len(got[name]) != int(d/(10*time.Second)) {
			g.t.Fatalf("%s: %d readings in %v, want one every 10 s: %v", name, len(got[name]), d, got[name])
		}
		for i, r := range got[name] {
			if want := from + int64(i+1)*10_000; r.Tick != want {
				g.t.Fatalf("%s: reading %d is of tick %d, want %d", name, i, r.Tick, want)
			}
		}
	}
	if g.lost > 0 {
		g.t.Fatalf("%d readings lost", g.lost)
	}
	return got
}

// fault makes something go wrong, or right again.
func (g *gateway) fault(device, kind string, value ...float64) {
	g.t.Helper()
	var v *float64
	if len(value) > 0 {
		v = &value[0]
	}
	if err := g.steer.Fault(context.Background(), device, kind, v); err != nil {
		g.t.Fatal(err)
	}
}

// settle waits until the gateway has taken in all that the receiver has sent: time
// that passes is virtual, and the driver hears in its own.
func (g *gateway) settle() {
	g.t.Helper()
	rig.Must(g.t, 10*time.Second, "what the receiver has sent to be heard", func() (bool, error) {
		s, err := g.steer.Status(context.Background())
		if err != nil {
			return false, err
		}
		var sent, lost uint64
		for _, d := range s.Devices {
			sent, lost = sent+d.Sentences, lost+d.Lost
		}
		return lost > 0 || g.gnss.Counts().Sentences+g.gnss.Counts().Other >= sent, nil
	})
}

// truth is what a device is exposed to.
func (g *gateway) truth(device string) float64 {
	g.t.Helper()
	s, err := g.steer.Status(context.Background())
	if err != nil {
		g.t.Fatal(err)
	}
	for _, d := range s.Devices {
		if d.Name == device {
			return d.True
		}
	}
	g.t.Fatalf("there is no device %s", device)
	return 0
}
