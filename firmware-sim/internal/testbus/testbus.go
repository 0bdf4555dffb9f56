// Package testbus is a small client of proto/simbus for this simulator's own
// tests: periph's bus interfaces on top of anything that takes a request and
// gives a response.
package testbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"

	"frostline/proto/simbus"
)

// Do sends one request and gives the response, status byte first.
type Do func(request []byte) ([]byte, error)

// ErrNack is a transaction that no device acknowledged.
var ErrNack = errors.New("no device acknowledged")

// Dial connects to a bus of a running simulator.
func Dial(name string) (Do, func() error, error) {
	n, err := simbus.ParseName(name)
	if err != nil {
		return nil, nil, err
	}
	c, err := net.Dial(n.Network, n.Address)
	if err != nil {
		return nil, nil, err
	}
	do := func(request []byte) ([]byte, error) {
		if err := simbus.WriteFrame(c, request); err != nil {
			return nil, err
		}
		return simbus.ReadFrame(c)
	}
	response, err := do([]byte(n.Bus))
	if err == nil {
		_, err = result(response)
	}
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return do, c.Close, nil
}

// result takes the status off a response.
func result(response []byte) ([]byte, error) {
	if len(response) == 0 {
		return nil, errors.New("empty response")
	}
	switch simbus.Status(response[0]) {
	case simbus.StatusOK:
		return response[1:], nil
	case simbus.StatusNack:
		return nil, ErrNack
	}
	return nil, fmt.Errorf("refused: %s", response[1:])
}

func (do Do) call(request ...byte) ([]byte, error) {
	response, err := do(request)
	if err != nil {
		return nil, err
	}
	return result(response)
}

// Level reads a GPIO line.
func (do Do) Level() (byte, error) {
	r, err := do.call(byte(simbus.OpGPIO))
	if err != nil || len(r) != 1 {
		return 0, fmt.Errorf("level %v: %w", r, err)
	}
	return r[0], nil
}

// I2C is an i2c.Bus.
type I2C struct{ Do Do }

// String names the bus.
func (I2C) String() string { return "test I²C" }

// SetSpeed does nothing.
func (I2C) SetSpeed(physic.Frequency) error { return nil }

// Tx does one transaction.
func (b I2C) Tx(addr uint16, w, r []byte) error {
	request := []byte{byte(simbus.OpI2C)}
	request = binary.BigEndian.AppendUint16(request, addr)
	request = binary.BigEndian.AppendUint16(request, uint16(len(r)))
	got, err := b.Do.call(append(request, w...)...)
	if err == nil && len(got) != len(r) {
		err = fmt.Errorf("%d bytes for a read of %d", len(got), len(r))
	}
	copy(r, got)
	return err
}

// OneWire is an onewire.BusSearcher.
type OneWire struct{ Do Do }

type noDevices struct{ error }

func (noDevices) NoDevices() bool { return true }

// String names the bus.
func (OneWire) String() string { return "test 1-Wire" }

// Search finds all devices.
func (b OneWire) Search(alarmOnly bool) ([]onewire.Address, error) {
	return onewire.Search(b, alarmOnly)
}

// Tx does one transaction from reset on.
func (b OneWire) Tx(w, r []byte, power onewire.Pullup) error {
	present, err := b.Do.call(byte(simbus.OpReset))
	if err != nil {
		return err
	}
	if len(present) != 1 || present[0] == 0 {
		return noDevices{errors.New("no presence pulse")}
	}
	strong := byte(0)
	if power == onewire.StrongPullup {
		strong = 1
	}
	if len(w) > 0 {
		after := strong
		if len(r) > 0 {
			after = 0
		}
		if _, err := b.Do.call(append([]byte{byte(simbus.OpWrite), after}, w...)...); err != nil {
			return err
		}
	}
	if len(r) > 0 {
		got, err := b.Do.call(byte(simbus.OpRead), byte(len(r)>>8), byte(len(r)), strong)
		if err != nil {
			return err
		}
		copy(r, got)
	}
	return nil
}

// SearchTriplet does one step of a search.
func (b OneWire) SearchTriplet(direction byte) (onewire.TripletResult, error) {
	r, err := b.Do.call(byte(simbus.OpTriplet), direction)
	if err != nil || len(r) != 3 {
		return onewire.TripletResult{}, fmt.Errorf("triplet %v: %w", r, err)
	}
	return onewire.TripletResult{GotZero: r[0] == 1, GotOne: r[1] == 1, Taken: r[2]}, nil
}
