package ble

import (
	"encoding/binary"
	"fmt"

	"frostline/proto/reading"
)

// BTHomeService is the short UUID under which BTHome advertises.
const BTHomeService = 0xFCD2

// object is a measurement of BTHome: how long it is, and, where it is one that
// we read, what it means. Numbers are little endian.
type object struct {
	size     int
	quantity reading.Quantity // 0: passed over
	signed   bool
	times    int64 // value × times / over, in the quantity's unit
	over     int64
	low      int64
	high     int64
}

// size is an object that is passed over.
func size(n int) object { return object{size: n} }

// thermometer is a temperature in steps of milli-degrees. BTHome says of no
// logger what it can measure: -100 to 150 °C holds what such loggers can.
func thermometer(n int, milli int64) object {
	return object{n, reading.Temperature, true, milli, 1, -100_000, 150_000}
}

// door is 0 closed and 1 open; anything else is neither.
var door = object{1, reading.Door, false, 1, 1, 0, 1}

// objects has BTHome's object ids. Those that are not here end what can be read,
// since their length is not known; ids ascend within a packet.
var objects = map[byte]object{
	packetID: size(1),
	0x01:     {1, reading.StateOfCharge, false, 1000, 1, 0, 100_000},
	0x02:     thermometer(2, 10), 0x45: thermometer(2, 100), 0x57: thermometer(1, 1000), 0x58: thermometer(1, 350),
	0x03: {2, reading.Humidity, false, 10, 1, 0, 100_000}, 0x2E: {1, reading.Humidity, false, 1000, 1, 0, 100_000},
	0x04: {3, reading.Pressure, false, 1, 1, 30_000, 120_000},
	0x0C: {2, reading.Voltage, false, 1, 1, 0, 65_535}, 0x4A: {2, reading.Voltage, false, 100, 1, 0, 6_553_500},
	0x11: door, 0x1A: door, 0x2D: door, // opening, door, window
	0x05: size(3), 0x06: size(2), 0x07: size(2), 0x08: size(2), 0x09: size(1), 0x0A: size(3), 0x0B: size(3), 0x0D: size(2),
	0x0E: size(2), 0x0F: size(1), 0x10: size(1), 0x12: size(2), 0x13: size(2), 0x14: size(2), 0x15: size(1), 0x16: size(1),
	0x17: size(1), 0x18: size(1), 0x19: size(1), 0x1B: size(1), 0x1C: size(1), 0x1D: size(1), 0x1E: size(1), 0x1F: size(1),
	0x20: size(1), 0x21: size(1), 0x22: size(1), 0x23: size(1), 0x24: size(1), 0x25: size(1), 0x26: size(1), 0x27: size(1),
	0x28: size(1), 0x29: size(1), 0x2A: size(1), 0x2B: size(1), 0x2C: size(1), 0x2F: size(1), 0x3A: size(1), 0x3C: size(2),
	0x3D: size(2), 0x3E: size(4), 0x3F: size(2), 0x40: size(2), 0x41: size(2), 0x42: size(3), 0x43: size(2), 0x44: size(2),
	0x46: size(1), 0x47: size(2), 0x48: size(2), 0x49: size(2), 0x4B: size(3), 0x4C: size(4), 0x4D: size(4), 0x4E: size(4),
	0x4F: size(4), 0x50: size(4), 0x51: size(2), 0x52: size(2), 0x55: size(4), 0x56: size(2), 0x59: size(1), 0x5A: size(2),
	0x5B: size(4), 0x5C: size(4), 0x5D: size(2), 0x5E: size(2), 0x5F: size(2), 0x60: size(1), 0x61: size(2), 0x62: size(4),
	0x63: size(4), 0x64: size(1),
}

// Objects that are not fixed in length: text and raw bytes, a length first.
const (
	packetID = 0x00
	textID   = 0x53
	rawID    = 0x54
)

// BTHomeQuantities are those that can be read of a BTHome logger.
var BTHomeQuantities = []reading.Quantity{reading.Temperature, reading.Humidity, reading.Pressure, reading.StateOfCharge, reading.Voltage, reading.Door}

// Key is the bind key of a BTHome logger that encrypts.
type Key [16]byte

// BTHome is one logger's decoder. It is not safe for concurrent use.
type BTHome struct {
	Key *Key // nil for one that does not encrypt
	// Counter is that of the last encrypted advertisement taken; the next has
	// to be above. Seen says that there was one.
	Counter uint32
	Seen    bool
}

// Bits of the first byte, and the version in its upper three.
const (
	encrypted  = 0x01
	addressed  = 0x02
	version2   = 0x40
	versions   = 0xE0
	counterEnd = 8 // counter and check, four bytes each, end what is encrypted
)

// Decode reads BTHome's service data, version 2. An advertisement heard again
// is decoded again; one with a smaller counter is refused with ErrReplay. Of
// several values of one quantity the first is taken.
func (d *BTHome) Decode(from Address, b []byte) (p Packet, err error) {
	if len(b) < 1 || b[0]&versions != version2 {
		return p, fmt.Errorf("bthome: want version 2: %w", ErrFormat)
	}
	info, rest := b[0], b[1:]
	if info&addressed != 0 {
		if len(rest) < 6 {
			return p, fmt.Errorf("bthome: %d bytes, and no room for an address: %w", len(b), ErrFormat)
		}
		within := Address{rest[5], rest[4], rest[3], rest[2], rest[1], rest[0]}
		if within != from {
			return p, fmt.Errorf("bthome: %s says it is %s: %w", from, within, ErrForeign)
		}
		rest = rest[6:]
	}
	if info&encrypted == 0 {
		if d.Key != nil {
			return p, fmt.Errorf("bthome: %w", ErrPlain)
		}
		return parseObjects(rest)
	}
	if d.Key == nil {
		return p, fmt.Errorf("bthome: %w", ErrNoKey)
	}
	if len(rest) < counterEnd {
		return p, fmt.Errorf("bthome: %d bytes, and no room for counter and check: %w", len(b), ErrFormat)
	}
	cut := len(rest) - counterEnd
	counter := binary.LittleEndian.Uint32(rest[cut:])
	nonce := append(from[:], BTHomeService&0xFF, BTHomeService>>8, info)
	nonce = append(nonce, rest[cut:cut+4]...)
	plain, err := openCCM(*d.Key, nonce, rest[:cut], rest[cut+4:])
	if err != nil {
		return p, fmt.Errorf("bthome: %w", err)
	}
	if d.Seen && counter < d.Counter {
		return p, fmt.Errorf("bthome: from %d to %d: %w", d.Counter, counter, ErrReplay)
	}
	if p, err = parseObjects(plain); err != nil {
		return p, err
	}
	d.Counter, d.Seen = counter, true
	p.Number, p.Numbered = counter, true
	return p, nil
}

// parseObjects reads what a packet says.
func parseObjects(b []byte) (p Packet, err error) {
	p.Values = map[reading.Quantity]Value{}
	for len(b) > 0 {
		id := b[0]
		o, known := objects[id]
		if id == textID || id == rawID {
			if len(b) < 2 {
				return Packet{}, fmt.Errorf("bthome: object %#02x without a length: %w", id, ErrFormat)
			}
			o, known = size(1+int(b[1])), true
		}
		if !known {
			return p, nil
		}
		if len(b) < 1+o.size {
			return Packet{}, fmt.Errorf("bthome: object %#02x of %d bytes in %d: %w", id, o.size, len(b)-1, ErrFormat)
		}
		data := b[1 : 1+o.size]
		b = b[1+o.size:]
		if id == packetID {
			p.Number, p.Numbered = uint32(data[0]), true
		}
		if _, there := p.Values[o.quantity]; o.quantity == 0 || there {
			continue
		}
		p.Values[o.quantity] = ranged(o.number(data)*o.times/o.over, o.low, o.high)
	}
	return p, nil
}

// number reads a little endian number.
func (o object) number(b []byte) int64 {
	v := int64(0)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	if shift := 64 - 8*len(b); o.signed {
		v = v << shift >> shift
	}
	return v
}
