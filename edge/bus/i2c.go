package bus

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/sysfs"

	"frostline/proto/simbus"
)

// I2C is the handle of an I²C bus. One transaction runs at a time; between
// transactions the bus is free for others, so a driver that waits for a
// conversion waits outside. It implements i2c.Bus and is safe for concurrent
// use.
type I2C struct {
	name string
	open func(name string) (i2c.BusCloser, error)

	mu  sync.Mutex // held for a transaction
	bus i2c.BusCloser
}

// String gives the configured name.
func (h *I2C) String() string { return h.name }

// Tx implements i2c.Bus. The error wraps ErrNack where the bus works and no
// device answered at addr.
func (h *I2C) Tx(addr uint16, w, r []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ready(); err != nil {
		return err
	}
	err := asNack(h.bus.Tx(addr, w, r))
	if err != nil && !errors.Is(err, ErrNack) {
		h.drop()
	}
	return failed(h.name, fmt.Sprintf("talk to device 0x%02x", addr), err)
}

// SetSpeed implements i2c.Bus.
func (h *I2C) SetSpeed(f physic.Frequency) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ready(); err != nil {
		return err
	}
	return failed(h.name, "set speed", h.bus.SetSpeed(f))
}

// Close closes the bus; the next transaction opens it again.
func (h *I2C) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bus == nil {
		return nil
	}
	err := h.bus.Close()
	h.bus = nil
	return failed(h.name, "close", err)
}

// ready opens the bus if it is not. h.mu is held.
func (h *I2C) ready() error {
	if h.bus != nil {
		return nil
	}
	b, err := h.open(h.name)
	if err != nil {
		return failed(h.name, "open", err)
	}
	h.bus = b
	return nil
}

// drop closes a bus that has failed; why it failed is already on its way to
// the caller. h.mu is held.
func (h *I2C) drop() {
	_ = h.bus.Close()
	h.bus = nil
}

// asNack makes the kernel's two ways of saying that nobody acknowledged wrap
// ErrNack. periph gives them as text only.
func asNack(err error) error {
	if err == nil || errors.Is(err, ErrNack) {
		return err
	}
	for _, s := range []string{"remote I/O error", "no such device or address"} { // EREMOTEIO, ENXIO
		if strings.Contains(err.Error(), s) {
			return fmt.Errorf("%w: %w", ErrNack, err)
		}
	}
	return err
}

var devI2C = regexp.MustCompile(`^/dev/i2c-(\d+)$`)

func (s *Set) openI2C(name string) (i2c.BusCloser, error) {
	key, err := s.prepare(name, func(key string, n simbus.Name) error {
		for _, r := range i2creg.All() {
			if r.Name == key {
				return nil
			}
		}
		return i2creg.Register(key, nil, -1, func() (i2c.BusCloser, error) { return &simI2C{newLink(n)}, nil })
	})
	if err != nil {
		return nil, err
	}
	b, err := i2creg.Open(key)
	if err == nil {
		return b, nil
	}
	// An adapter that appeared after the registry was filled.
	if m := devI2C.FindStringSubmatch(name); m != nil {
		if _, serr := os.Stat(name); serr == nil {
			n, cerr := strconv.Atoi(m[1])
			if cerr != nil {
				return nil, err
			}
			return sysfs.NewI2C(n)
		}
		return nil, fmt.Errorf("%w: %s does not exist: enable I²C on this host, or correct the bus name", err, name)
	}
	return nil, err
}
