package bus

import (
	"fmt"
	"time"

	"frostline/proto/simbus"
)

// I2CDevice is a device on an I²C bus.
type I2CDevice interface {
	// Tx is one transaction: w written, then n bytes read after a repeated
	// start. False means that the device did not acknowledge. A device that
	// stretches the clock says for how long in hold.
	Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool)
}

// I2C is an I²C bus with 7-bit addresses.
type I2C struct {
	devices map[int]I2CDevice
	counts  Counts
}

// NewI2C makes a bus without devices.
func NewI2C() *I2C { return &I2C{devices: map[int]I2CDevice{}} }

// Add puts a device at an address.
func (b *I2C) Add(address int, d I2CDevice) error {
	if address < 0x08 || address > 0x77 {
		return fmt.Errorf("i2c address %#02x: want 0x08 to 0x77", address)
	}
	if b.devices[address] != nil {
		return fmt.Errorf("i2c address %#02x: another device has it", address)
	}
	b.devices[address] = d
	return nil
}

// Attach gives a client its access. An I²C transaction is one request, so that
// no state is kept between them.
func (b *I2C) Attach() Master { return b }

// Counts says what has happened on the bus so far.
func (b *I2C) Counts() Counts { return b.counts }

// Do executes one request.
func (b *I2C) Do(now time.Duration, request []byte) ([]byte, time.Duration) {
	b.counts.Requests++
	if len(request) == 0 || simbus.Op(request[0]) != simbus.OpI2C {
		return b.counts.refuse("an I²C bus takes operation %d alone", simbus.OpI2C), 0
	}
	if len(request) < 5 {
		return b.counts.refuse("I²C request of %d bytes, want address, read length and data", len(request)), 0
	}
	address, n := uint16At(request, 1), uint16At(request, 3)
	if address > 0x7F {
		return b.counts.refuse("I²C address %#x: want 7 bits", address), 0
	}
	if n > maxRead {
		return b.counts.refuse("I²C read of %d bytes: the limit is %d", n, maxRead), 0
	}
	d := b.devices[address]
	if d == nil {
		b.counts.Nacks++
		return []byte{byte(simbus.StatusNack)}, 0
	}
	r, hold, ack := d.Tx(now, request[5:], n)
	if !ack {
		b.counts.Nacks++
		return []byte{byte(simbus.StatusNack)}, hold
	}
	// A device that has no more to say leaves the line high.
	for len(r) < n {
		r = append(r, 0xFF)
	}
	return ok(r[:n]...), hold
}
