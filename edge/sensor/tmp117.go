package sensor

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// TMP117 is Texas Instruments' I²C thermometer.
//
// Accuracy ±0.1 °C from -20 to 50 °C, ±0.25 °C from -55 to 125 °C, ±0.3 °C to
// 150 °C; range -55 to 150 °C, resolution 0.0078 °C.
// https://www.ti.com/lit/ds/symlink/tmp117.pdf
//
// What looks like data and is not: -256 °C, from power-up until the first
// conversion, and the result before, until the next is ready. Nor is there a
// checksum. So each measurement is a single one with settings that power-up does
// not have, and is taken only where those settings are still there and the part
// says that it has a new result.
type TMP117 struct {
	registers
	known bool // it has told who it is since it was last seen to have restarted
}

// NewTMP117 makes a driver without talking to the part. The address is 0x48 to
// 0x4B by a pin.
func NewTMP117(b i2c.Bus, addr uint16) *TMP117 {
	return &TMP117{registers: registers{i2c.Dev{Bus: b, Addr: addr}}}
}

const tmp117Address = "0x48 to 0x4b"

var tmp117Kind = kind{
	bus: boardBus, on: I2C,
	address: tmp117Address, checkAddress: checkI2C(0x48, 0x4B, tmp117Address),
	options: []string{"max-rate", "stuck-after"}, defaults: Options{MaxRate: 5},
	limits: thermometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := i2cAddress(s.Address)
		return NewTMP117(env.Buses.I2C(s.Bus), a), err
	},
}

// Registers and bits (data sheet, "Register Map").
const (
	tmpResult = 0
	tmpConfig = 1
	tmpDevice = 15 // 0x117 and a revision

	tmpPowerOn   = 0x8000  // result without a conversion
	tmpReady     = 1 << 13 // cleared when read
	tmpOnce      = 1 << 10 // of the mode: 3 is one shot, which becomes 1, shutdown; 0 and 2 are continuous
	tmpOneShot   = 3 << 10
	tmpAverage8  = 1 << 5 // of 8 conversions, 15.5 ms each
	tmpSettings  = 0x03FC // what is not mode, flags and reserved
	tmpDeviceID  = 0x0117
	tmpDeviceMax = 0x0FFF
)

// Model implements Driver.
func (d *TMP117) Model() string { return "tmp117" }

// Quantities implements Driver.
func (d *TMP117) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: eight conversions of 15.5 ms, a tenth slower where
// the part is slow, and time to ask for them.
func (d *TMP117) Lead() time.Duration { return 160 * time.Millisecond }

// Close implements Driver.
func (d *TMP117) Close() error { return nil }

// Begin implements Driver.
func (d *TMP117) Begin(context.Context) error {
	if !d.known {
		id, err := d.word(tmpDevice)
		if err != nil {
			return err
		}
		if id&tmpDeviceMax != tmpDeviceID {
			return fmt.Errorf("tmp117 at 0x%02x: %w: what answers there is no TMP117 (device 0x%04x): correct the address or the driver", d.dev.Addr, bus.ErrNack, id)
		}
		d.known = true
	}
	// The flag of a result that came too late for its tick would pass for this
	// one's; reading takes it back.
	if _, err := d.word(tmpConfig); err != nil {
		return err
	}
	const c = tmpOneShot | tmpAverage8
	return d.dev.Tx([]byte{tmpConfig, c >> 8, c & 0xFF}, nil)
}

// Read implements Driver.
func (d *TMP117) Read(context.Context) ([]Value, error) {
	config, err := d.word(tmpConfig)
	if err != nil {
		return nil, err
	}
	ours := config&tmpSettings == tmpAverage8 && config&tmpOnce != 0
	if ours && config&tmpReady == 0 {
		return nil, fmt.Errorf("tmp117 at 0x%02x: %w", d.dev.Addr, bus.ErrNotReady)
	}
	raw, err := d.word(tmpResult) // after its settings: what restarts in between gives tmpPowerOn
	if err != nil {
		return nil, err
	}
	v := thermal(tmp117Milli(raw), -55_000, 150_000)
	if !ours || raw == tmpPowerOn {
		v.Quality, d.known = reading.PowerOn, false
	}
	return []Value{v}, nil
}

// tmp117Milli is a result, in steps of 1/128 °C, rounded to the nearest
// milli-degree.
func tmp117Milli(raw uint16) int64 {
	n := int64(int16(raw)) * 1000
	if n < 0 {
		return (n - 64) / 128
	}
	return (n + 64) / 128
}
