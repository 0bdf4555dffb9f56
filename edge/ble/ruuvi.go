package ble

import (
	"encoding/binary"
	"fmt"

	"frostline/proto/reading"
)

// RuuviCompany is the number under which Ruuvi's tags advertise.
const RuuviCompany = 0x0499

// RuuviQuantities are those of data format 5.
var RuuviQuantities = []reading.Quantity{reading.Temperature, reading.Humidity, reading.Pressure, reading.Voltage}

// DecodeRuuvi reads the manufacturer's data of a RuuviTag in format 5, and
// checks that the address within is from's: 24 bytes, big endian.
//
// Temperature in steps of 0.005 °C, humidity of 0.0025 %, pressure of 1 Pa, the
// battery of 1 mV. Accuracy of the usual tag ±0.2 °C (±0.5 °C below 0 °C), ±2
// %RH, ±1 hPa; range -40 to 85 °C. The lowest, or all bits, of each number stand
// for "not measured"; humidity above 100 % is what a wet element says.
func DecodeRuuvi(from Address, b []byte) (p Packet, err error) {
	if len(b) != 24 || b[0] != 5 {
		return p, fmt.Errorf("ruuvi: %d bytes, want 24 of format 5: %w", len(b), ErrFormat)
	}
	if within := Address(b[18:24]); within != from && within != (Address{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}) {
		return p, fmt.Errorf("ruuvi: %s says it is %s: %w", from, within, ErrForeign)
	}
	t, h, pr, pw := int16(binary.BigEndian.Uint16(b[1:])), binary.BigEndian.Uint16(b[3:]), binary.BigEndian.Uint16(b[5:]), binary.BigEndian.Uint16(b[13:])>>5
	p.Values = map[reading.Quantity]Value{
		reading.Temperature: unmeasured, reading.Humidity: unmeasured, reading.Pressure: unmeasured, reading.Voltage: unmeasured,
	}
	if t != -0x8000 {
		p.Values[reading.Temperature] = ranged(int64(t)*5, -40_000, 85_000)
	}
	if h != 0xFFFF {
		p.Values[reading.Humidity] = ranged((int64(h)*25+5)/10, 0, 100_000)
	}
	if pr != 0xFFFF {
		p.Values[reading.Pressure] = ranged(int64(pr)+50_000, 50_000, 115_533) // 115534 is all that the field holds
	}
	if pw != 0x7FF {
		p.Values[reading.Voltage] = ranged(int64(pw)+1600, 1600, 3646)
	}
	n := binary.BigEndian.Uint16(b[16:])
	p.Number, p.Numbered = uint32(n), n != 0xFFFF
	return p, nil
}
