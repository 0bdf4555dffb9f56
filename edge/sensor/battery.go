package sensor

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// Battery is a battery that Linux knows: voltage and state of charge.
//
// Accuracy is that of its gauge, some per cent of charge and 10 to 50 mV mostly.
// https://docs.kernel.org/power/power_supply_class.html
//
// What looks like data and is not: 0 V and 0 %, of a battery that was taken out or
// a gauge that has just begun; more than 100 %, of one that was never calibrated;
// a charge that stands still, of one that has lost count.
type Battery struct{ folder string }

// NewBattery makes a driver of the battery in a folder, without looking there.
func NewBattery(folder string) *Battery { return &Battery{folder} }

const batteryExample = "the folder of a battery, such as /sys/class/power_supply/BAT0"

var batteryKind = kind{
	bus: batteryExample, real: true,
	checkBus: func(name string) string {
		if filepath.IsAbs(name) {
			return ""
		}
		return "want " + batteryExample
	},
	open: func(s Spec, _ Env) (Driver, error) { return NewBattery(s.Bus), nil },
}

// Model implements Driver.
func (d *Battery) Model() string { return "battery" }

// Quantities implements Driver.
func (d *Battery) Quantities() []reading.Quantity {
	return []reading.Quantity{reading.Voltage, reading.StateOfCharge}
}

// Lead implements Driver: the gauge measures by itself.
func (d *Battery) Lead() time.Duration { return 0 }

// Close implements Driver.
func (d *Battery) Close() error { return nil }

// Begin implements Driver.
func (d *Battery) Begin(context.Context) error { return nil }

// Read implements Driver. A gauge that has one of the two and not the other
// gives that one.
func (d *Battery) Read(context.Context) ([]Value, error) {
	if present, err := readInt(filepath.Join(d.folder, "present")); err == nil && present == 0 {
		return nil, fmt.Errorf("battery %s: %w: it was taken out", d.folder, bus.ErrNack)
	}
	micro, err := readInt(filepath.Join(d.folder, "voltage_now"))
	percent, err2 := readInt(filepath.Join(d.folder, "capacity"))
	if err != nil && err2 != nil {
		return nil, fmt.Errorf("battery %s: %w", d.folder, err)
	}
	v := Value{Quantity: reading.Voltage, Value: (micro + 500) / 1000}
	switch {
	case err != nil:
		v = Value{Quantity: reading.Voltage, Quality: reading.NoAnswer}
	case micro <= 0 || micro > maxMicrovolts:
		v.Quality = reading.OutOfRange
	}
	c := Value{Quantity: reading.StateOfCharge, Value: percent * 1000}
	switch {
	case err2 != nil:
		c = Value{Quantity: reading.StateOfCharge, Quality: reading.NoAnswer}
	case percent < 0 || percent > 100:
		c = Value{Quantity: reading.StateOfCharge, Value: min(max(percent, -1), 101) * 1000, Quality: reading.OutOfRange}
	case percent == 0 && v.Quality != reading.OK: // as a gauge without its battery shows
		c.Quality = reading.OutOfRange
	}
	return []Value{v, c}, nil
}

// maxMicrovolts is more than a gateway is supplied with, 1 kV.
const maxMicrovolts = 1_000_000_000
