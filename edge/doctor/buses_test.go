package doctor

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/bus"
	"frostline/edge/panel"
	"frostline/edge/sensor"
	"frostline/proto/reading"
)

func TestSensorsAreTried(t *testing.T) {
	value := func(v int64, q reading.Quality) []sensor.Value {
		return []sensor.Value{{Quantity: reading.Temperature, Value: v, Quality: q}}
	}
	for _, c := range []struct {
		name    string
		driver  fakeSensor
		bus     string
		outcome Outcome
		words   []string
	}{
		{"answers", fakeSensor{values: value(-18_500, reading.OK), lead: 750 * time.Millisecond}, "/dev/i2c-1", OK, []string{"temperature -18.50 °C", "on i2c-1"}},
		{"no device", fakeSensor{begin: fmt.Errorf("bus i2c-1: %w", bus.ErrNack)}, "/dev/i2c-1", Fail, []string{"no device answered", "cable, power and address"}},
		{"no bus", fakeSensor{begin: errors.New("bus /dev/i2c-1: open: no such file")}, "/dev/i2c-1", Fail, []string{"no such file", "that the bus exists"}},
		{"no simulator", fakeSensor{begin: errors.New("dial unix x.sock: connection refused")}, "sim:unix:/run/x.sock/i2c-1", Fail, []string{"i2c-1, simulated", "Start firmware-sim"}},
		{"garbled", fakeSensor{read: fmt.Errorf("crc: %w", bus.ErrChecksum)}, "/dev/i2c-1", Fail, []string{"length, joints"}},
		{"power-on value", fakeSensor{values: value(85_000, reading.PowerOn)}, "w1", Warn, []string{"power-on (85.00 °C)", "restarts by itself"}},
		{"out of range", fakeSensor{values: value(130_000, reading.OutOfRange)}, "w1", Warn, []string{"out-of-range (130.00 °C)"}},
		{"too slow", fakeSensor{lead: time.Minute}, "w1", Fail, []string{"no measurement in time"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTestBench(t)
				b.open = func(sensor.Spec, sensor.Env) (sensor.Driver, error) { return &c.driver, nil }
				b.Sensors = []sensor.Spec{{ID: "box", Driver: "sht4x", Bus: c.bus, Address: "0x44"}}
				results := map[string]Result{}
				for _, x := range b.busChecks() {
					x.run(t.Context(), func(r Result) { results[r.Check] = r })
				}
				want(t, results, "sensor box", c.outcome, c.words...)
			})
		})
	}
}

func TestNoSensorConfigured(t *testing.T) {
	r, exit := examine(t, newTestBench(t))
	want(t, r, "sensors", Fail, "nothing would be measured", "configuration file")
	if exit != 1 {
		t.Errorf("exit %d, want 1", exit)
	}
}

// TestStrangersOnTheBus: thermometers that hang on the bus and are configured
// nowhere are named, so that their addresses can be copied.
func TestStrangersOnTheBus(t *testing.T) {
	b := newTestBench(t)
	b.Sensors = []sensor.Spec{
		{ID: "a", Driver: "ds18b20", Bus: "w1", Address: "28-0316a2794b2c"},
		{ID: "b", Driver: "ds18b20", Bus: "w1", Address: "28-000000000002"},
	}
	for _, c := range []struct {
		name    string
		find    func(kind, string) ([]sensor.Spec, int, error)
		outcome Outcome
		words   []string
	}{
		{"one too many", onBus("28-0316a2794b2c", "28-000000000002", "28-0000000000ff"), Warn, []string{"2 of 2", "configured nowhere: ds18b20 28-0000000000ff", "Add them"}},
		{"one missing", onBus("28-0316a2794b2c"), Warn, []string{"1 of 2 configured"}},
		{"others", func(k kind, name string) ([]sensor.Spec, int, error) {
			found, _, err := onBus("28-0316a2794b2c", "28-000000000002")(k, name)
			return found, 3, err
		}, OK, []string{"3 devices of other kinds"}},
		{"short circuit", func(kind, string) ([]sensor.Spec, int, error) { return nil, 0, errors.New("bus shorted") }, Fail, []string{"short"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.find = c.find
			r := b.searchBus("w1", searchable[0])
			want(t, map[string]Result{"search": r}, "search", c.outcome, c.words...)
		})
	}
}

// TestAddressesAreCompared: however they are written.
func TestAddressesAreCompared(t *testing.T) {
	for _, a := range []string{"7a00000131825228", "28-000001318252"} {
		if got := address(sensor.Spec{Address: a}); got != "28-000001318252" {
			t.Errorf("%s: got %s", a, got)
		}
	}
	for _, a := range []string{"0x44", "68", "0X44"} {
		if got := address(sensor.Spec{Address: a}); got != "0x44" {
			t.Errorf("%s: got %s", a, got)
		}
	}
}

// TestRunningAgentIsAsked: its buses and session are left alone.
func TestRunningAgentIsAsked(t *testing.T) {
	age := int64(400)
	s := panel.Status{Snapshot: panel.Snapshot{Gateway: "van-14", Version: "0.1.0", UptimeMs: 60_000,
		Sensors: []panel.Sensor{
			{ID: "a", Driver: "ds18b20", Bus: "w1", IntervalMs: 1000, Last: []panel.Last{{Quantity: reading.Temperature, AgeMs: &age}}},
			{ID: "b", Driver: "ds18b20", Bus: "w1", IntervalMs: 1000, Last: []panel.Last{{Quantity: reading.Temperature, Quality: reading.NoAnswer, AgeMs: &age}}},
		},
		Uplink: panel.Uplink{State: panel.LinkConnected, ForMs: 60_000, AckAgeMs: &age}}}
	s.Verdict = panel.Judge(s.Snapshot)
	b := newTestBench(t)
	hub := newTestHub(t)
	b.Hub, b.Identity, b.agent = hub.address, hub.gateway(t).open, present{s}
	for _, id := range []string{"a", "b", "c"} {
		b.Sensors = append(b.Sensors, sensor.Spec{ID: id, Driver: "ds18b20", Bus: "sim:unix:/x/w1", Address: "28-0316a2794b2c"})
	}
	b.open = func(sensor.Spec, sensor.Env) (sensor.Driver, error) {
		t.Error("a sensor of a running agent was opened")
		return &fakeSensor{}, nil
	}
	b.find = func(kind, string) ([]sensor.Spec, int, error) {
		t.Error("a bus of a running agent was searched")
		return nil, 0, nil
	}
	r, _ := examine(t, b)
	want(t, r, "sensor a", OK, "the agent, which has the bus, says it answers")
	want(t, r, "sensor b", Fail, "does not answer", "cable")
	want(t, r, "sensor c", Fail, "does not know it")
	want(t, r, "search w1, simulated", Skipped)
	want(t, r, "tls", OK)
	want(t, r, "session", OK, "last acknowledged 0.4 s ago")
	if n := hub.sessions.Load(); n != 0 {
		t.Errorf("%d MQTT sessions were opened: the agent's own would have ended", n)
	}
	s.Uplink = panel.Uplink{State: panel.LinkDisconnected, ForMs: 60_000, Why: "connection reset"}
	b.agent = present{s}
	r, _ = examine(t, b)
	want(t, r, "acknowledgement", OK)
	want(t, r, "session", Fail, "disconnected for 1 min: connection reset")
	s.Uplink.State = panel.LinkCut
	b.agent = present{s}
	r, _ = examine(t, b)
	want(t, r, "session", Warn, "frostline-edge link up")
	if n := hub.sessions.Load(); n != 1 {
		t.Errorf("%d MQTT sessions were opened, want one while the agent had none", n)
	}
	s.Gateway = "van-15"
	b.agent = present{s}
	r, _ = examine(t, b)
	want(t, r, "agent", Fail, "the agent runs as van-15")
	b.agent, b.running = stuckAgent{}, nil
	r, _ = examine(t, b)
	want(t, r, "agent", Fail, "snapshot timed out")
	want(t, r, "sensor a", Skipped, "gives no answer")
	want(t, r, "session", Skipped)
}
