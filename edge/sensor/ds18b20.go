package sensor

import (
	"context"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// ds18b20Low and High bound what the part measures, milli-degrees.
const (
	ds18b20Low  = -55_000
	ds18b20High = 125_000
)

// DS18B20 is Maxim's 1-Wire thermometer, on a bus we drive ourselves.
//
// Accuracy ±0.5 °C from -10 to 85 °C, range -55 to 125 °C, resolution
// 0.0625 °C at 12 bits.
// https://www.analog.com/media/en/technical-documentation/data-sheets/DS18B20.pdf
//
// What looks like data and is not: 85.000 °C, see powerOnMilli, which is never
// OK here, since cold chains do not reach it; nothing but ones, when nobody
// answers; nothing but zeros, whose checksum is right, when the line is held
// low; and the value before, when the part is slower than its data sheet allows,
// which nothing in the part tells.
type DS18B20 struct {
	maxim
	bits  int
	ready bool // set up since it was last seen to have restarted
}

// NewDS18B20 makes a driver; bits is the resolution, 9 to 12. It does not talk
// to the part yet.
func NewDS18B20(b OneWireBus, addr onewire.Address, bits int) *DS18B20 {
	return &DS18B20{maxim: newMaxim("ds18b20", b, addr), bits: bits}
}

const w1Example = "w1 for a sensor that Linux drives, such as on GPIO4 of a Raspberry Pi"

const romExample = "the name in /sys/bus/w1/devices, such as 28-0316a2794b2c"

var ds18b20Kind = kind{
	bus: w1Example, on: OneWire,
	address: romExample, checkAddress: checkROM("ds18b20", romExample),
	options: []string{"resolution", "max-rate", "stuck-after"}, defaults: Options{Resolution: 12, MaxRate: 5},
	limits: thermometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := bus.ParseROM(s.Address)
		if err != nil {
			return nil, err
		}
		if s.Bus == "w1" {
			return NewW1Therm("ds18b20", env.Buses.W1(), a), nil
		}
		return NewDS18B20(env.Buses.OneWire(s.Bus), a, s.Options.Resolution), nil
	},
}

// Model implements Driver.
func (d *DS18B20) Model() string { return "ds18b20" }

// Quantities implements Driver.
func (d *DS18B20) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: the longest conversion, and time to ask for it.
func (d *DS18B20) Lead() time.Duration { return d.conversion() + 50*time.Millisecond }

// conversion is how long a conversion takes at most (data sheet, table 2).
func (d *DS18B20) conversion() time.Duration { return 750 * time.Millisecond >> (12 - d.bits) }

// Close implements Driver.
func (d *DS18B20) Close() error { return nil }

// Begin implements Driver.
func (d *DS18B20) Begin(context.Context) error {
	if !d.ready {
		if err := d.setUp(); err != nil {
			return err
		}
	}
	return d.convert(d.conversion())
}

// setUp sets the resolution, in RAM only: the EEPROM wears out, and is somebody
// else's setting.
func (d *DS18B20) setUp() error {
	pad, err := d.scratchpad()
	if err != nil {
		return err
	}
	if config := byte(d.bits-9)<<5 | 0x1F; pad[4] != config {
		if err := d.dev.Tx([]byte{cmdWriteScratchpad, pad[2], pad[3], config}, nil); err != nil {
			return err
		}
	}
	if err := d.askSupply(); err != nil {
		return err
	}
	d.ready = true
	return nil
}

// Read implements Driver.
func (d *DS18B20) Read(context.Context) ([]Value, error) {
	pad, err := d.scratchpad()
	if err != nil {
		return nil, err
	}
	if int(pad[4]>>5&3) != d.bits-9 {
		d.ready = false // it has restarted with the resolution of its EEPROM
	}
	raw := int64(int16(uint16(pad[1])<<8 | uint16(pad[0])))
	raw &^= 1<<(12-d.bits) - 1 // undefined at lower resolutions
	v := thermal(raw*1000/16, ds18b20Low, ds18b20High)
	if v.Value == powerOnMilli {
		v.Quality, d.ready = reading.PowerOn, false
	}
	return []Value{v}, nil
}
