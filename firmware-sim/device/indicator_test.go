package device_test

import (
	"math"
	"testing"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/proto/simbus"
)

// An indicator shows what its line was driven to, and counts how often it went
// on; a line that cannot be driven says so and stays as it was.
func TestIndicator(t *testing.T) {
	d := device.NewIndicator(1, "lamp")
	line := bus.NewOutput(d.Level, d.Drive).Attach()
	drive := func(level byte) simbus.Status {
		r, _ := line.Do(0, []byte{byte(simbus.OpDrive), level})
		return simbus.Status(r[0])
	}
	for i, level := range []byte{1, 1, 0, 1} {
		if s := drive(level); s != simbus.StatusOK || d.True() != float64(level) {
			t.Errorf("step %d: driven to %d: status %d, shows %v", i, level, s, d.True())
		}
	}
	if d.Rises() != 2 {
		t.Errorf("it went on %d times, want 2", d.Rises())
	}
	if r, _ := line.Do(0, []byte{byte(simbus.OpGPIO)}); len(r) != 2 || r[1] != 1 {
		t.Errorf("read back % x", r)
	}
	if s := drive(2); s != simbus.StatusError {
		t.Errorf("a level of 2: status %d", s)
	}
	if err := d.SetFault(fault.Fault{Kind: fault.Unplugged, Value: math.NaN()}, 0); err != nil {
		t.Fatal(err)
	}
	if s := drive(0); s != simbus.StatusError || d.True() != 1 {
		t.Errorf("unplugged: status %d, shows %v", s, d.True())
	}
	if d.SetFault(fault.Fault{Kind: fault.Drift, Value: 1}, 0) == nil {
		t.Error("an indicator took a drift")
	}
}
