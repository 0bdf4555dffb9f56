package sensor

import (
	"context"
	"errors"
	"fmt"

	"periph.io/x/conn/v3/i2c"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// Precision is how exactly, and how long, an SHT3x or SHT4x measures.
type Precision string

// The repeatabilities of the data sheets; noise and time are an SHT4x's.
const (
	High   Precision = "high"   // noise 0.04 °C and 0.08 %RH, 8.3 ms
	Medium Precision = "medium" // noise 0.07 °C and 0.15 %RH, 4.5 ms
	Low    Precision = "low"    // noise 0.10 °C and 0.25 %RH, 1.6 ms
)

// sensirion is what an SHT3x and an SHT4x have in common: one command begins a
// measurement, and an answer of two words ends it.
type sensirion struct {
	model   string
	dev     i2c.Dev
	command []byte
	begun   bool
}

// Model implements Driver.
func (d *sensirion) Model() string { return d.model }

// Quantities implements Driver.
func (d *sensirion) Quantities() []reading.Quantity {
	return []reading.Quantity{reading.Temperature, reading.Humidity}
}

// Close implements Driver.
func (d *sensirion) Close() error { return nil }

// Begin implements Driver.
func (d *sensirion) Begin(context.Context) error {
	d.begun = false
	if err := d.dev.Tx(d.command, nil); err != nil {
		return err
	}
	d.begun = true
	return nil
}

// fetch takes the answer to Begin apart: temperature and humidity.
func (d *sensirion) fetch() (rawT, rawH int64, err error) {
	if !d.begun {
		return 0, 0, fmt.Errorf("%s at 0x%02x: %w: no measurement was begun", d.model, d.dev.Addr, bus.ErrNotReady)
	}
	d.begun = false
	var b [6]byte
	if err := d.dev.Tx(nil, b[:]); err != nil {
		if errors.Is(err, bus.ErrNack) { // it answered Begin, and does not while it measures
			return 0, 0, fmt.Errorf("%w: %w", bus.ErrNotReady, err)
		}
		return 0, 0, err
	}
	rawT, rawH, ok := sensirionWords(b)
	if !ok {
		return 0, 0, fmt.Errorf("%s at 0x%02x: %w: answer % x", d.model, d.dev.Addr, bus.ErrChecksum, b)
	}
	return rawT, rawH, nil
}

// sensirionWords takes an answer of two words apart; ok says whether both
// checksums are right.
func sensirionWords(b [6]byte) (first, second int64, ok bool) {
	first, second = int64(b[0])<<8|int64(b[1]), int64(b[3])<<8|int64(b[4])
	return first, second, crcSensirion(b[0:2]) == b[2] && crcSensirion(b[3:5]) == b[5]
}

// sensirionHumidity crops a humidity as the data sheets say, and doubts either
// end of the scale.
func sensirionHumidity(raw, milli int64) Value {
	v := Value{Quantity: reading.Humidity, Value: min(max(milli, 0), 100_000)}
	if raw == 0 || raw == 0xFFFF {
		v.Quality = reading.OutOfRange
	}
	return v
}

// scale gives span at 0xFFFF and 0 at 0, rounded.
func scale(raw, span int64) int64 { return (raw*span + 0x7FFF) / 0xFFFF }

// crcSensirion is the checksum of a word (data sheet, "Checksum Calculation"):
// polynomial 0x31, starting at 0xFF.
func crcSensirion(b []byte) byte {
	crc := byte(0xFF)
	for _, v := range b {
		crc ^= v
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
