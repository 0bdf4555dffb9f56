package sensor

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// MCP9808 is Microchip's I²C thermometer. periph's driver hides why a read
// failed and takes the first value after power-up; so this one is ours.
//
// Accuracy ±0.5 °C from -20 to 100 °C (±0.25 °C typical), range -40 to 125 °C,
// resolution 0.0625 °C.
// https://ww1.microchip.com/downloads/en/DeviceDoc/25095A.pdf
//
// What looks like data and is not: 0.000 °C, from power-up until the first
// conversion a quarter of a second later. Nor is there a checksum. So the limit
// of the critical alert, whose pin is off, serves as a witness: this driver
// writes a value there that power-up clears and an idle or shorted bus does not
// show, and takes no temperature without reading it.
type MCP9808 struct{ registers }

// NewMCP9808 makes a driver without talking to the part. The address is 0x18 to
// 0x1F by three pins.
func NewMCP9808(b i2c.Bus, addr uint16) *MCP9808 {
	return &MCP9808{registers{i2c.Dev{Bus: b, Addr: addr}}}
}

const mcp9808Address = "0x18 to 0x1f"

var mcp9808Kind = kind{
	bus: boardBus, on: I2C,
	address: mcp9808Address, checkAddress: checkI2C(0x18, 0x1F, mcp9808Address),
	options: []string{"max-rate", "stuck-after"}, defaults: Options{MaxRate: 5},
	limits: thermometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := i2cAddress(s.Address)
		return NewMCP9808(env.Buses.I2C(s.Bus), a), err
	},
}

// Model implements Driver.
func (d *MCP9808) Model() string { return "mcp9808" }

// Quantities implements Driver.
func (d *MCP9808) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: a conversion at the full resolution, after which a
// part that has just been set up has something to say.
func (d *MCP9808) Lead() time.Duration { return 300 * time.Millisecond }

// Close implements Driver.
func (d *MCP9808) Close() error { return nil }

// Registers (data sheet, "Registers").
const (
	mcpConfig       = 1
	mcpCritical     = 4
	mcpAmbient      = 5
	mcpManufacturer = 6 // 0x0054
	mcpDevice       = 7 // 0x04 and a revision
	mcpResolution   = 8
)

// mcpWitness is 101.25 °C, in the bits the register keeps.
const mcpWitness = 0x0654

// Begin implements Driver: a part that has lost its witness is set up anew. It
// converts all the time.
func (d *MCP9808) Begin(context.Context) error {
	w, err := d.word(mcpCritical)
	if err != nil || w == mcpWitness {
		return err
	}
	maker, err := d.word(mcpManufacturer)
	if err != nil {
		return err
	}
	device, err := d.word(mcpDevice)
	if err != nil {
		return err
	}
	if maker != 0x0054 || device>>8 != 0x04 {
		return fmt.Errorf("mcp9808 at 0x%02x: %w: what answers there is not an MCP9808 (manufacturer 0x%04x, device 0x%04x): correct the address or the driver", d.dev.Addr, bus.ErrNack, maker, device)
	}
	for _, w := range [][]byte{
		{mcpConfig, 0, 0},  // convert continuously, alert pin off
		{mcpResolution, 3}, // 0.0625 °C
		{mcpCritical, mcpWitness >> 8, mcpWitness & 0xFF},
	} {
		if err := d.dev.Tx(w, nil); err != nil {
			return err
		}
	}
	return nil
}

// Read implements Driver.
func (d *MCP9808) Read(context.Context) ([]Value, error) {
	raw, err := d.word(mcpAmbient)
	if err != nil {
		return nil, err
	}
	// After the temperature: a restart between the two shows.
	w, err := d.word(mcpCritical)
	if err != nil {
		return nil, err
	}
	sixteenths := int64(int16(raw<<3) >> 3) // 13 bits, two's complement; the rest are flags
	v := thermal(sixteenths*1000/16, -40_000, 125_000)
	if w != mcpWitness {
		v.Quality = reading.PowerOn
	}
	return []Value{v}, nil
}
