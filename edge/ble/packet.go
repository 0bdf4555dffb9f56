package ble

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"frostline/proto/reading"
)

// Address is the address of a device, as it is written: the first byte first.
type Address [6]byte

// ParseAddress reads an address such as CB:B8:33:4C:88:4F.
func ParseAddress(s string) (a Address, err error) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '_' })
	if len(s) != 17 || len(parts) != 6 {
		return a, fmt.Errorf("address %q: want six bytes such as CB:B8:33:4C:88:4F", s)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) != 2 {
			return a, fmt.Errorf("address %q: want six bytes such as CB:B8:33:4C:88:4F", s)
		}
		a[i] = byte(n)
	}
	return a, nil
}

// String writes an address as CB:B8:33:4C:88:4F.
func (a Address) String() string {
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", a[0], a[1], a[2], a[3], a[4], a[5])
}

// Advertisement is what a device has sent once.
type Advertisement struct {
	Address      Address
	Manufacturer map[uint16][]byte // by the company's number
	Service      map[uint16][]byte // by the service's short UUID
}

// Value is what a logger says of one quantity.
type Value struct {
	Value   int64           // in the quantity's unit; 0 where the quality has none
	Quality reading.Quality // OK, OutOfRange, or NotReady where it was not measured
}

// Packet is a measurement as a logger advertises it.
type Packet struct {
	Values map[reading.Quantity]Value
	// Number counts the logger's measurements, as far as Numbered says that
	// it does: the same number twice is the same measurement heard twice.
	Number   uint32
	Numbered bool
}

// Why an advertisement of a logger is not used.
var (
	ErrFormat  = errors.New("it is not in the format it claims")
	ErrSecret  = errors.New("it cannot be decrypted with this key")
	ErrNoKey   = errors.New("it is encrypted, and there is no key")
	ErrPlain   = errors.New("it is not encrypted, though there is a key")
	ErrReplay  = errors.New("its counter has gone back")
	ErrForeign = errors.New("the address within it is another's")
)

// ranged judges a value by what can be.
func ranged(v, low, high int64) Value {
	if v < low || v > high {
		return Value{v, reading.OutOfRange}
	}
	return Value{v, reading.OK}
}

// unmeasured is the value of what a logger has not measured.
var unmeasured = Value{0, reading.NotReady}
