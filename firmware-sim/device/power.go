package device

import (
	"fmt"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// Files is a device that Linux shows as files: what each of them says now. One
// that is absent does not exist.
type Files map[string]string

// Battery is a battery of 12 V with its gauge, as Linux shows it in
// /sys/class/power_supply (https://docs.kernel.org/power/power_supply_class.html).
type Battery struct {
	health
	volts *Signal
}

// NewBattery makes a battery with its voltage.
func NewBattery(seed uint64, name string, volts *Signal) *Battery {
	return &Battery{health: newHealth(seed, name), volts: volts}
}

// True is the voltage.
func (d *Battery) True() float64 { return d.volts.True() }

// SetFault makes something go wrong, or right again. Numbers are volts.
func (d *Battery) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("battery", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.Drift); err != nil {
		return err
	}
	d.volts.setFault(f, now)
	d.fault = f
	return nil
}

// Files shows the battery. One that was taken out leaves its gauge.
func (d *Battery) Files(now time.Duration) Files {
	if d.fault.Kind == fault.Unplugged {
		return Files{"type": "Battery", "present": "0", "voltage_now": "0", "capacity": "0"}
	}
	v := math.Max(0, d.volts.At(now))
	charge := math.Max(0, math.Min(100, (v-11)/(12.8-11)*100))
	return Files{
		"type": "Battery", "present": "1",
		"voltage_now": fmt.Sprintf("%.0f", v*1e6), "capacity": fmt.Sprintf("%.0f", charge),
	}
}

// Converter is an analogue-to-digital converter of 12 bits and 1 mV a step, as
// Linux shows it in /sys/bus/iio/devices, whose first channel measures a voltage
// through a divider by 11.
type Converter struct {
	health
	volts *Signal
}

// divider is by how much the voltage is greater than that at the pin.
const divider = 11

// NewConverter makes a converter with the voltage before the divider.
func NewConverter(seed uint64, name string, volts *Signal) *Converter {
	return &Converter{health: newHealth(seed, name), volts: volts}
}

// True is the voltage before the divider.
func (d *Converter) True() float64 { return d.volts.True() }

// SetFault makes something go wrong, or right again. Numbers are volts. Open is a
// divider whose lower resistor has come off.
func (d *Converter) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("converter", f, fault.None, fault.Unplugged, fault.Open, fault.Stuck, fault.Noisy, fault.Drift); err != nil {
		return err
	}
	d.volts.setFault(f, now)
	d.fault = f
	return nil
}

// Files shows the converter, which is not there while its driver is not loaded.
func (d *Converter) Files(now time.Duration) Files {
	if d.fault.Kind == fault.Unplugged {
		return nil
	}
	raw := math.Round(math.Max(0, math.Min(4095, d.volts.At(now)/divider*1000)))
	if d.fault.Kind == fault.Open {
		raw = 4095
	}
	return Files{
		"name": "ads1015", "in_voltage0_raw": fmt.Sprintf("%.0f", raw), "in_voltage0_scale": "1.000000000",
		"scan_elements/in_voltage0_type": "le:u12/16>>0",
	}
}
