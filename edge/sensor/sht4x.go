package sensor

import (
	"context"
	"time"

	"periph.io/x/conn/v3/i2c"
)

const sht4xSerial = 0x89 // read the serial number

// sht4xCommands are those of the data sheet, "Command Overview".
var sht4xCommands = map[Precision][]byte{High: {0xFD}, Medium: {0xF6}, Low: {0xE0}}

// SHT4x is Sensirion's sensor of temperature and relative humidity: SHT40,
// SHT41, SHT43 and SHT45.
//
// Accuracy ±0.2 °C and ±1.8 %RH for an SHT40, ±0.1 °C and ±1.0 %RH for an
// SHT45; range -40 to 125 °C and 0 to 100 %RH.
// https://sensirion.com/media/documents/33FD6951/662A593A/HT_DS_Datasheet_SHT4x.pdf
//
// What looks like data and is not: a humidity a little beyond 0 or 100 %RH,
// which the formula gives and the data sheet says to crop; either end of the
// scale, as an open or shorted element gives; a temperature after the heater
// was on (this driver never turns it on). Ones from an idle bus fail the
// checksum. A result that was not fetched stays in the part: it is read only
// after a Begin the part has acknowledged.
type SHT4x struct{ sensirion }

// NewSHT4x makes a driver without talking to the part. The address is 0x44,
// 0x45 or 0x46 by the part's order code.
func NewSHT4x(b i2c.Bus, addr uint16, p Precision) *SHT4x {
	return &SHT4x{sensirion{model: "sht4x", dev: i2c.Dev{Bus: b, Addr: addr}, command: sht4xCommands[p]}}
}

const sht4xAddress = "0x44, 0x45 or 0x46"

var sht4xKind = kind{
	bus: boardBus, on: I2C,
	address: sht4xAddress, checkAddress: checkI2C(0x44, 0x46, sht4xAddress),
	options: []string{"precision", "max-rate", "stuck-after"}, defaults: Options{Precision: High, MaxRate: 5, StuckAfter: 2 * time.Hour},
	limits: hygrometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := i2cAddress(s.Address)
		return NewSHT4x(env.Buses.I2C(s.Bus), a, s.Options.Precision), err
	},
}

// Lead implements Driver: the longest measurement (data sheet, "Timings"), and
// time to ask for it.
func (d *SHT4x) Lead() time.Duration { return 20 * time.Millisecond }

// Read implements Driver.
func (d *SHT4x) Read(context.Context) ([]Value, error) {
	rawT, rawH, err := d.fetch()
	if err != nil {
		return nil, err
	}
	return []Value{
		thermal(scale(rawT, 175_000)-45_000, -40_000, 125_000),
		sensirionHumidity(rawH, scale(rawH, 125_000)-6_000),
	}, nil
}
