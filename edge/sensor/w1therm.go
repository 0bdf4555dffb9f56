package sensor

import (
	"context"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// W1Therm is a DS18B20 or DS18S20 on a bus that Linux drives with w1-gpio and
// w1-therm. Accuracy, range and what to mistrust are those of the part; the
// kernel checks the checksum, up to ten times.
type W1Therm struct {
	model string
	bus   *bus.W1
	addr  onewire.Address
}

// NewW1Therm makes a driver without talking to the part.
func NewW1Therm(model string, b *bus.W1, addr onewire.Address) *W1Therm {
	return &W1Therm{model: model, bus: b, addr: addr}
}

// Model implements Driver.
func (d *W1Therm) Model() string { return d.model }

// Quantities implements Driver.
func (d *W1Therm) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: a conversion of 12 bits, and what the kernel needs
// around it.
func (d *W1Therm) Lead() time.Duration { return 900 * time.Millisecond }

// Close implements Driver.
func (d *W1Therm) Close() error { return nil }

// Begin implements Driver.
func (d *W1Therm) Begin(context.Context) error {
	d.bus.Begin(d.addr)
	return nil
}

// Read implements Driver.
func (d *W1Therm) Read(ctx context.Context) ([]Value, error) {
	milli, err := d.bus.Read(ctx, d.addr)
	if err != nil {
		return nil, err
	}
	v := thermal(milli, ds18b20Low, ds18b20High)
	if milli == powerOnMilli {
		v.Quality = reading.PowerOn
	}
	return []Value{v}, nil
}
