package sensor

import (
	"context"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// sht3xCommands measure once without stretching the clock, which would hold
// the bus (data sheet, "Measurement Commands for Single Shot").
var sht3xCommands = map[Precision][]byte{High: {0x24, 0x00}, Medium: {0x24, 0x0B}, Low: {0x24, 0x16}}

var sht3xSerial = []byte{0x36, 0x82} // read the serial number

// SHT3x is Sensirion's sensor of temperature and relative humidity before the
// SHT4x: SHT30, SHT31, SHT33 and SHT35.
//
// Accuracy ±0.2 °C and ±2 %RH for an SHT30 or SHT31, ±0.1 °C and ±1.5 %RH for
// an SHT35; range -40 to 125 °C and 0 to 100 %RH.
// https://sensirion.com/media/documents/213E6A3B/63A5A569/Datasheet_SHT3x_DIS.pdf
//
// What looks like data and is not: either end of the scale, as an open or
// shorted element gives; a temperature after the heater was on (this driver
// never turns it on); what a periodic measurement, begun by somebody else, has
// left (it is read only after a Begin the part has acknowledged). Ones from an
// idle bus and zeros from a shorted one fail the checksum.
type SHT3x struct{ sensirion }

// NewSHT3x makes a driver without talking to the part. The address is 0x44 or
// 0x45 by a pin.
func NewSHT3x(b i2c.Bus, addr uint16, p Precision) *SHT3x {
	return &SHT3x{sensirion{model: "sht3x", dev: i2c.Dev{Bus: b, Addr: addr}, command: sht3xCommands[p]}}
}

const sht3xAddress = "0x44 or 0x45"

var sht3xKind = kind{
	bus: boardBus, on: I2C,
	address: sht3xAddress, checkAddress: checkI2C(0x44, 0x45, sht3xAddress),
	options: []string{"precision", "max-rate", "stuck-after"}, defaults: Options{Precision: High, MaxRate: 5, StuckAfter: 2 * time.Hour},
	limits: hygrometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := i2cAddress(s.Address)
		return NewSHT3x(env.Buses.I2C(s.Bus), a, s.Options.Precision), err
	},
}

// Lead implements Driver: the longest measurement, 15.5 ms (data sheet, "System
// Timings"), and time to ask for it.
func (d *SHT3x) Lead() time.Duration { return 30 * time.Millisecond }

// Read implements Driver.
func (d *SHT3x) Read(context.Context) ([]Value, error) {
	rawT, rawH, err := d.fetch()
	if err != nil {
		return nil, err
	}
	return []Value{
		thermal(scale(rawT, 175_000)-45_000, -40_000, 125_000), // neither end of the scale lies within
		sensirionHumidity(rawH, scale(rawH, 100_000)),
	}, nil
}
