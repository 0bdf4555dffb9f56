// Package bus opens the buses that sensors hang on, by the names used in the
// gateway's configuration:
//
//	/dev/i2c-1, I2C1, 1    an I²C bus of the host
//	/dev/spidev0.0         a chip on an SPI bus of the host
//	w1                     the kernel's 1-Wire bus, through sysfs (w1_therm)
//	GPIO17, P1_11          a GPIO line of the host
//	/dev/ttyUSB0           a serial port, or a pseudo-terminal
//	hci0                   a Bluetooth adapter, through BlueZ on the D-Bus
//	tcp:HOST:PORT          a Modbus line over TCP
//	sim:unix:PATH/BUS      a simulated bus, see package simbus
//	sim:tcp:HOST:PORT/BUS
//
// All but sysfs, serial ports and TCP are opened through periph's registries; a
// simulated bus is registered there first, so that nothing above can tell it
// from hardware. A Set hands out one handle for each bus. Handles open on
// first use and again after the bus has failed: a bus that is not there yet, or
// was unplugged, makes its sensors not answer and nothing else.
package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/host/v3"

	"frostline/edge/ble"
	"frostline/proto/simbus"
)

// ErrNack is wrapped by the errors of transactions that no device answered
// though the bus itself works.
var ErrNack = errors.New("no device answered")

// Set hands out the gateway's buses. It is safe for concurrent use.
type Set struct {
	w1  *W1
	log *slog.Logger

	mu      sync.Mutex
	i2c     map[string]*I2C
	onewire map[string]*OneWire
	lines   map[string]*Line
	spi     map[string]*SPI
	modbus  map[string]*Modbus
	radios  map[string]*ble.Radio
}

// NewSet makes a Set without opening anything. w1Root is where the kernel shows
// its 1-Wire devices; empty means [W1Root].
func NewSet(w1Root string, log *slog.Logger) *Set {
	return &Set{
		w1: NewW1(w1Root), log: log,
		i2c: map[string]*I2C{}, onewire: map[string]*OneWire{}, lines: map[string]*Line{}, spi: map[string]*SPI{}, modbus: map[string]*Modbus{}, radios: map[string]*ble.Radio{},
	}
}

// I2C gives the handle of an I²C bus.
func (s *Set) I2C(name string) *I2C {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.i2c[name]
	if !ok {
		h = &I2C{name: name, open: s.openI2C}
		s.i2c[name] = h
	}
	return h
}

// OneWire gives the handle of a 1-Wire bus other than the kernel's.
func (s *Set) OneWire(name string) *OneWire {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.onewire[name]
	if !ok {
		h = &OneWire{name: name, open: s.openOneWire}
		s.onewire[name] = h
	}
	return h
}

// Line gives the handle of a GPIO line.
func (s *Set) Line(name string) *Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.lines[name]
	if !ok {
		h = &Line{name: name, find: s.findPin}
		s.lines[name] = h
	}
	return h
}

// W1 is the kernel's 1-Wire bus.
func (s *Set) W1() *W1 { return s.w1 }

// Close closes all buses. A handle used afterwards opens its bus again.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, h := range s.i2c {
		errs = append(errs, h.Close())
	}
	for _, h := range s.onewire {
		errs = append(errs, h.Close())
	}
	for _, h := range s.spi {
		errs = append(errs, h.Close())
	}
	for _, h := range s.modbus {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// prepare makes the registries know the named bus: a simulated one by
// registering it, any other by loading the host's drivers. It gives the name by
// which the registry knows it.
func (s *Set) prepare(name string, register func(registered string, n simbus.Name) error) (string, error) {
	if !simbus.IsSim(name) {
		s.loadHost()
		return name, nil
	}
	n, err := simbus.ParseName(name)
	if err != nil {
		return "", err
	}
	key := registryName(name)
	registerMu.Lock()
	defer registerMu.Unlock()
	return key, register(key, n)
}

var (
	registerMu sync.Mutex // serialises looking whether a simulated bus is registered, and registering it
	hostOnce   sync.Once  // periph's drivers are loaded once for the process
)

// loadHost loads periph's drivers for this host. A driver that fails leaves its
// buses unknown, which the sensors on them then report by name.
func (s *Set) loadHost() {
	hostOnce.Do(func() {
		state, err := host.Init()
		if err != nil {
			s.log.Error("load bus drivers of this host", "err", err)
			return
		}
		for _, f := range state.Failed {
			s.log.Warn("bus driver of this host failed", "driver", driverName(f), "err", f.Err)
		}
	})
}

func driverName(f driverreg.DriverFailure) string {
	if f.D == nil {
		return "unknown"
	}
	return f.D.String()
}

// failed wraps an error of the named bus.
func failed(name, what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("bus %s: %s: %w", name, what, err)
}
