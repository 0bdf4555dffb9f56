// Package guard tests what a gateway alarms of by itself: the real agent on a
// simulated board, without a hub and without a network.
package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"frostline/edge/panel"
	sim "frostline/firmware-sim"
	"frostline/firmware-sim/control"
	"frostline/firmware-sim/scenario"
	"frostline/test/rig"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := rig.Build(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

const patience = 30 * time.Second

const world = `
seed: 5
boards:
  - name: van-1
    socket: DIR/van-1.sock
    world:
      - name: room
        room: {setpoint_c: 4.6, band_c: 0.9, cooling_w: 1500, walls_w_per_k: 25, air_kj_per_k: 150, surroundings: {base_c: 17, ambient_share: 0.3}}
    devices:
      - {name: probe, kind: tmp117, bus: i2c-1, address: 0x48, senses: room.air, lag: 1s}
      - {name: buzzer, kind: indicator, bus: gpio-22}
      - {name: lamp, kind: indicator, bus: gpio-23}
`

const gateway = `
gateway: van-1
data: DIR/data
panel: {listen: off}
sensors:
  - {id: box, driver: tmp117, bus: "sim:unix:DIR/van-1.sock/i2c-1", address: 0x48, interval: 1s, options: {max-rate: 1000}}
watches:
  - {id: van-1-a, profile: refrigerated, sensors: [box]}
indicators:
  - {line: "sim:unix:DIR/van-1.sock/gpio-22", kind: buzzer}
  - {line: "sim:unix:DIR/van-1.sock/gpio-23", active: low}
`

// van is a gateway and its board.
type van struct {
	t     *testing.T
	dir   string
	bin   string
	steer *control.Client
	agent *rig.Process
}

func start(t *testing.T) *van {
	t.Helper()
	bin, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	v := &van{t: t, dir: t.TempDir(), bin: filepath.Join(bin, "frostline-edge")}
	s, err := scenario.Parse([]byte(strings.ReplaceAll(world, "DIR", v.dir)))
	if err != nil {
		t.Fatal(err)
	}
	running, err := sim.Start(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { running.Stop() })
	if v.steer, err = control.Dial(t.Context(), "unix", filepath.Join(v.dir, "van-1.sock")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.steer.Close() })
	if err := os.WriteFile(v.config(), []byte(strings.ReplaceAll(gateway, "DIR", v.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	v.run()
	return v
}

func (v *van) config() string { return filepath.Join(v.dir, "gateway.yaml") }

func (v *van) run() {
	v.t.Helper()
	p, err := rig.Start("van-1", filepath.Join(v.dir, "edge.log"), v.bin, "run", "--config", v.config())
	if err != nil {
		v.t.Fatal(err)
	}
	v.agent = p
	v.t.Cleanup(p.Kill)
}

func (v *van) fault(device, fault string, value ...float64) {
	v.t.Helper()
	var x *float64
	if len(value) > 0 {
		x = &value[0]
	}
	if err := v.steer.Fault(v.t.Context(), device, fault, x); err != nil {
		v.t.Fatal(err)
	}
}

// guard asks the agent.
func (v *van) guard() (panel.Guard, error) {
	s, err := panel.NewClient(filepath.Join(v.dir, "data")).Status(v.t.Context())
	return s.Guard, err
}

// until waits for the one watch to be in a state.
func (v *van) until(state string) {
	v.t.Helper()
	rig.Must(v.t, patience, "van-1-a to be "+state, func() (bool, error) {
		g, err := v.guard()
		return err == nil && len(g.Watches) == 1 && g.Watches[0].State == state, nil
	})
}

// lit waits until an indicator is on, or has been on more often than before, or
// is off for good. It gives how often it was on.
func (v *van) lit(name string, more uint64, ok func(on bool, rises uint64) bool) uint64 {
	v.t.Helper()
	var rises uint64
	rig.Must(v.t, patience, name+" to show it", func() (bool, error) {
		s, err := v.steer.Status(v.t.Context())
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(s.Devices, func(d control.Device) bool { return d.Name == name })
		rises = s.Devices[i].Rises
		return ok(s.Devices[i].True == 1, rises-more), nil
	})
	return rises
}

// line is what `frostline-edge journal dump` says of a block.
type line struct {
	Readings []struct {
		Tick    int64  `json:"tick_ms"`
		Value   *int64 `json:"value"`
		Quality string `json:"quality"`
	} `json:"readings"`
	Events []struct {
		At    string `json:"at_ms"`
		Alarm *alarm `json:"alarm"`
	} `json:"events"`
}

type alarm struct {
	Alarm  string `json:"alarm"`
	State  int    `json:"state"`
	Kind   int    `json:"kind"`
	Watch  string `json:"watch"`
	Limit  string `json:"limit"`
	Tick   string `json:"tick_ms"`
	Reason string `json:"reason"`
	By     string `json:"by"`
	at     int64
}

// chain gives the steps of alarms in the journal of an agent that has ended.
func (v *van) chain() []alarm {
	v.t.Helper()
	b, err := v.output("journal", "dump", "--config", v.config())
	if err != nil {
		v.t.Fatal(err)
	}
	var out []alarm
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
		var l line
		if err := d.Decode(&l); err != nil {
			v.t.Fatal(err)
		}
		for _, e := range l.Events {
			if e.Alarm == nil {
				continue
			}
			e.Alarm.at = number(v.t, e.At)
			out = append(out, *e.Alarm)
		}
	}
	return out
}

func (v *van) output(args ...string) ([]byte, error) {
	var errs bytes.Buffer
	cmd := exec.CommandContext(v.t.Context(), v.bin, args...)
	cmd.Stderr = &errs
	b, err := cmd.Output()
	if err != nil {
		return b, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return b, nil
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Promise 7, on the spot: what is too warm alarms with buzzer, lamp and in the
// chain within a sampling interval and a second, and so does what is unknown; a
// kill of the agent neither doubles nor forgets an alarm.
func TestPromise7AlarmsOnTheSpot(t *testing.T) {
	v := start(t)
	v.until(panel.WatchInRange)
	buzzes := v.lit("buzzer", 0, func(on bool, rises uint64) bool { return !on && rises == 0 })
	v.lit("lamp", 0, func(on bool, _ uint64) bool { return on }) // active low: its line is high

	v.fault("probe", "stuck", 12)
	v.until(panel.WatchOut)
	buzzes = v.lit("buzzer", buzzes, func(_ bool, rises uint64) bool { return rises >= 2 })

	v.agent.Kill()
	v.run()
	v.until(panel.WatchOut)
	buzzes = v.lit("buzzer", buzzes, func(_ bool, rises uint64) bool { return rises >= 2 })
	g, err := v.guard()
	if err != nil || len(g.Alarms) != 1 || !g.Alarms[0].Active || g.Alarms[0].Times != 1 {
		t.Fatalf("after a kill: %+v, %v", g.Alarms, err)
	}
	id := g.Alarms[0].ID
	if out, err := v.output("alarms", "ack", id[:4], "--reason", "door was open", "--config", v.config()); err != nil || !strings.Contains(string(out), id) {
		t.Fatalf("acknowledge: %s, %v", out, err)
	}
	v.lit("buzzer", 0, func(on bool, _ uint64) bool { return !on })

	v.fault("probe", "none")
	v.until(panel.WatchInRange)
	rig.Must(t, patience, "the alarm to be over", func() (bool, error) {
		g, err := v.guard()
		return len(g.Alarms) == 0, err
	})
	v.lit("lamp", 0, func(on bool, _ uint64) bool { return on })

	v.fault("probe", "unplugged")
	v.until(panel.WatchUnknown)
	v.lit("buzzer", buzzes, func(_ bool, rises uint64) bool { return rises >= 1 })
	if out, err := v.output("alarms", "--config", v.config()); err != nil || !strings.Contains(string(out), "unknown") {
		t.Errorf("alarms: %s, %v", out, err)
	}
	if err := v.agent.Stop(patience); err != nil {
		t.Fatalf("stop: %v\n%s", err, v.agent.Tail(2000))
	}

	got := v.chain()
	var story []string
	for _, a := range got {
		story = append(story, fmt.Sprintf("%d of kind %d %s %s %s", a.State, a.Kind, a.Limit, a.Reason, a.By))
	}
	want := []string{"1 of kind 1 above 8 °C  ", "4 of kind 1 above 8 °C door was open console", "3 of kind 1 above 8 °C  ", "1 of kind 2   "}
	if !slices.Equal(story, want) {
		t.Fatalf("the chain says\n  %s\nwant\n  %s", strings.Join(story, "\n  "), strings.Join(want, "\n  "))
	}
	for _, a := range got {
		if late := a.at - number(t, a.Tick); late < 0 || late > 2000 {
			t.Errorf("step %d of %s was told %d ms after the tick that led to it: want within a second and an interval", a.State, a.Alarm, late)
		}
	}
}
