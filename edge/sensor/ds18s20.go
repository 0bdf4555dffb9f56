package sensor

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// DS18S20 is the elder of the DS18B20, family 10, as is the DS1820 before it.
//
// Accuracy ±0.5 °C from -10 to 85 °C, range -55 to 125 °C. The part shows half
// degrees and what its counter had left, which make sixteenths of a degree.
// https://www.analog.com/media/en/technical-documentation/data-sheets/DS18S20.pdf
//
// What looks like data and is not: all that does of a DS18B20, 85.000 °C among
// them, and a counter that cannot be, of a part that is another.
type DS18S20 struct {
	maxim
	ready bool // asked for its supply since it was last seen to have restarted
}

// NewDS18S20 makes a driver. It does not talk to the part yet.
func NewDS18S20(b OneWireBus, addr onewire.Address) *DS18S20 {
	return &DS18S20{maxim: newMaxim("ds18s20", b, addr)}
}

const ds18s20Example = "the name in /sys/bus/w1/devices, such as 10-000802b4a3f1"

var ds18s20Kind = kind{
	bus: w1Example, on: OneWire,
	address: ds18s20Example, checkAddress: checkROM("ds18s20", ds18s20Example),
	options: []string{"max-rate", "stuck-after"}, defaults: Options{MaxRate: 5},
	limits: thermometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := bus.ParseROM(s.Address)
		if err != nil {
			return nil, err
		}
		if s.Bus == "w1" {
			return NewW1Therm("ds18s20", env.Buses.W1(), a), nil
		}
		return NewDS18S20(env.Buses.OneWire(s.Bus), a), nil
	},
}

// ds18s20Conversion is how long a conversion takes at most.
const ds18s20Conversion = 750 * time.Millisecond

// Model implements Driver.
func (d *DS18S20) Model() string { return "ds18s20" }

// Quantities implements Driver.
func (d *DS18S20) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: a conversion, and time to ask for it.
func (d *DS18S20) Lead() time.Duration { return ds18s20Conversion + 50*time.Millisecond }

// Close implements Driver.
func (d *DS18S20) Close() error { return nil }

// Begin implements Driver.
func (d *DS18S20) Begin(context.Context) error {
	if !d.ready {
		if err := d.askSupply(); err != nil {
			return err
		}
		d.ready = true
	}
	return d.convert(ds18s20Conversion)
}

// Read implements Driver.
func (d *DS18S20) Read(context.Context) ([]Value, error) {
	pad, err := d.scratchpad()
	if err != nil {
		return nil, err
	}
	milli, ok := ds18s20Milli(pad)
	if !ok {
		return nil, fmt.Errorf("ds18s20 %s: %w: its counter cannot be (scratchpad % x): correct the driver", bus.FormatROM(d.dev.Addr), bus.ErrNack, pad)
	}
	v := thermal(milli, ds18b20Low, ds18b20High)
	if milli == powerOnMilli {
		v.Quality, d.ready = reading.PowerOn, false
	}
	return []Value{v}, nil
}

// ds18s20Milli is the temperature in a scratchpad (data sheet, "Operation"):
// whole degrees, less a quarter, and what was counted of the next.
func ds18s20Milli(pad [9]byte) (milli int64, ok bool) {
	remain, per := int64(pad[6]), int64(pad[7])
	if per != 16 || remain > per {
		return 0, false
	}
	whole := int64(int16(uint16(pad[1])<<8|uint16(pad[0])) >> 1)
	return (whole*16 - 4 + per - remain) * 1000 / 16, true
}
