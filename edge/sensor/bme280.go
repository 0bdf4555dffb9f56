package sensor

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// BME280 is Bosch's sensor of temperature, humidity and air pressure. periph's
// driver sleeps while the part measures, waits for ever for one that never says
// it is done, and cannot tell a restart; so this one is ours.
//
// Accuracy ±1 °C from 0 to 65 °C (±0.5 °C typical at 25 °C), ±3 %RH, ±1 hPa;
// range -40 to 85 °C, 0 to 100 %RH, 300 to 1100 hPa. Its temperature is that of
// its own board, up to a degree above the air.
// https://www.bosch-sensortec.com/media/boschsensortec/downloads/datasheets/bst-bme280-ds002.pdf
//
// What looks like data and is not: 0x80000 and 0x8000, which stand for "not
// measured", and which a true value of about 25 °C may be too; the last result,
// until the next is there; anything after a restart. Nor is there a checksum. So
// settings that power-up does not have are read together with the data, and
// nothing is taken without them. The calibration of each part, which has no
// checksum either, is read twice.
type BME280 struct {
	dev    i2c.Dev
	ready  bool // calibration is known, and it was not seen to have restarted since
	linear bmeCalibration
}

// NewBME280 makes a driver without talking to the part. The address is 0x76 or
// 0x77 by a pin.
func NewBME280(b i2c.Bus, addr uint16) *BME280 { return &BME280{dev: i2c.Dev{Bus: b, Addr: addr}} }

const bme280Address = "0x76 or 0x77"

var bme280Kind = kind{
	bus: boardBus, on: I2C,
	address: bme280Address, checkAddress: checkI2C(0x76, 0x77, bme280Address),
	options: []string{"max-rate", "stuck-after"}, defaults: Options{MaxRate: 5, StuckAfter: 2 * time.Hour},
	limits: hygrometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := i2cAddress(s.Address)
		return NewBME280(env.Buses.I2C(s.Bus), a), err
	},
}

// Registers (data sheet, "Memory map").
const (
	bmeCalibration1 = 0x88 // 26 bytes
	bmeIdentity     = 0xD0
	bmeCalibration2 = 0xE1 // 7 bytes
	bmeHumidity     = 0xF2 // settings from here, then data
	bmeStatus       = 0xF3
	bmeMeasure      = 0xF4
	bmeFilter       = 0xF5
)

// Settings and flags.
const (
	bmeOnce       = 1           // oversampling of humidity
	bmeSettings   = 3<<5 | 1<<2 // oversampling: 4 of temperature, 1 of pressure
	bmeForced     = 1           // mode: one measurement; 0 when it is over
	bmeMeasuring  = 1 << 3
	bmeCopying    = 1 // calibration is not there yet
	bmeSkipped20  = 0x80000
	bmeSkipped16  = 0x8000
	bmeChip       = 0x60
	bmp280Chip    = 0x58
	bmeBurst      = 13 // bytes from bmeHumidity to the last of the data
	bmeDataOffset = 5
)

// Model implements Driver.
func (d *BME280) Model() string { return "bme280" }

// Quantities implements Driver.
func (d *BME280) Quantities() []reading.Quantity {
	return []reading.Quantity{reading.Temperature, reading.Humidity, reading.Pressure}
}

// Lead implements Driver: the longest measurement, 16.2 ms (data sheet,
// appendix B), and time to ask for it.
func (d *BME280) Lead() time.Duration { return 30 * time.Millisecond }

// Close implements Driver.
func (d *BME280) Close() error { return nil }

// Begin implements Driver.
func (d *BME280) Begin(context.Context) error {
	if !d.ready {
		if err := d.setUp(); err != nil {
			return err
		}
		d.ready = true
	}
	return d.dev.Tx([]byte{bmeFilter, 0, bmeHumidity, bmeOnce, bmeMeasure, bmeSettings | bmeForced}, nil)
}

// setUp asks the part who it is and how it was calibrated.
func (d *BME280) setUp() error {
	id, err := d.read(bmeIdentity, 1)
	if err != nil {
		return err
	}
	switch id[0] {
	case bmeChip:
	case bmp280Chip:
		return fmt.Errorf("bme280 at 0x%02x: %w: what answers there is a BMP280, which measures no humidity: replace it", d.dev.Addr, bus.ErrNack)
	default:
		return fmt.Errorf("bme280 at 0x%02x: %w: what answers there is no BME280 (chip 0x%02x): correct the address or the driver", d.dev.Addr, bus.ErrNack, id[0])
	}
	status, err := d.read(bmeStatus, 1)
	if err != nil {
		return err
	}
	if status[0]&bmeCopying != 0 {
		return fmt.Errorf("bme280 at 0x%02x: %w: it is starting", d.dev.Addr, bus.ErrNotReady)
	}
	var twice [2]bmeCalibration
	for i := range twice {
		a, err := d.read(bmeCalibration1, 26)
		if err != nil {
			return err
		}
		b, err := d.read(bmeCalibration2, 7)
		if err != nil {
			return err
		}
		twice[i] = parseBMECalibration([26]byte(a), [7]byte(b))
	}
	if twice[0] != twice[1] || !twice[0].plausible() {
		return fmt.Errorf("bme280 at 0x%02x: %w: its calibration cannot be, or reads differently each time: %+v and %+v", d.dev.Addr, bus.ErrChecksum, twice[0], twice[1])
	}
	d.linear = twice[0]
	return nil
}

// read reads n bytes from a register on.
func (d *BME280) read(register byte, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, d.dev.Tx([]byte{register}, b)
}

// Read implements Driver.
func (d *BME280) Read(context.Context) ([]Value, error) {
	b, err := d.read(bmeHumidity, bmeBurst)
	if err != nil {
		return nil, err
	}
	ours := b[0]&7 == bmeOnce && b[2]&^3 == bmeSettings && b[3]&0x1C == 0
	if ours && (b[1]&bmeMeasuring != 0 || b[2]&3 != 0) {
		return nil, fmt.Errorf("bme280 at 0x%02x: %w", d.dev.Addr, bus.ErrNotReady)
	}
	data := b[bmeDataOffset:]
	p := int64(data[0])<<12 | int64(data[1])<<4 | int64(data[2])>>4
	t := int64(data[3])<<12 | int64(data[4])<<4 | int64(data[5])>>4
	h := int64(data[6])<<8 | int64(data[7])
	values := d.linear.values(t, h, p)
	if !ours || t == bmeSkipped20 && p == bmeSkipped20 && h == bmeSkipped16 {
		d.ready = false
		for i := range values {
			values[i].Quality = reading.PowerOn
		}
	}
	return values, nil
}
