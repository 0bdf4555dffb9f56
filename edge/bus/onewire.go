package bus

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"

	"frostline/proto/simbus"
)

// OneWire is the handle of a 1-Wire bus. One transaction runs at a time; while
// an externally powered sensor converts, the bus is free for others. It
// implements onewire.Bus and is safe for concurrent use.
type OneWire struct {
	name string
	open func(name string) (onewire.BusCloser, error)

	mu  sync.Mutex // held for a transaction, and while the bus powers a conversion
	bus onewire.BusCloser
}

// String gives the configured name.
func (h *OneWire) String() string { return h.name }

// Tx implements onewire.Bus: reset, write, read. The error wraps ErrNack where
// the bus works and no device is present.
func (h *OneWire) Tx(w, r []byte, power onewire.Pullup) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tx(w, r, power)
}

// Hold does a transaction that ends with a strong pull-up, and keeps everyone
// else off the bus for d, because devices without a supply of their own live on
// that pull-up. It returns at once; d is real time.
func (h *OneWire) Hold(w []byte, d time.Duration) error {
	h.mu.Lock()
	if err := h.tx(w, nil, onewire.StrongPullup); err != nil {
		h.mu.Unlock()
		return err
	}
	time.AfterFunc(d, h.mu.Unlock)
	return nil
}

func (h *OneWire) tx(w, r []byte, power onewire.Pullup) error {
	if err := h.ready(); err != nil {
		return err
	}
	err := h.check(h.bus.Tx(w, r, power))
	return failed(h.name, "transaction", err)
}

// Search implements onewire.Bus. Devices found before an error are returned
// with it.
func (h *OneWire) Search(alarmOnly bool) ([]onewire.Address, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ready(); err != nil {
		return nil, err
	}
	found, err := h.bus.Search(alarmOnly)
	return found, failed(h.name, "search for devices", h.check(err))
}

// Close closes the bus; the next transaction opens it again.
func (h *OneWire) Close() error {
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
func (h *OneWire) ready() error {
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

// check sorts an error of the bus: an empty or noisy bus stays open, a broken
// one is closed. h.mu is held.
func (h *OneWire) check(err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case onewire.NoDevicesError:
		return fmt.Errorf("%w: %w", ErrNack, err)
	case onewire.BusError:
		if e.BusError() {
			return err
		}
	}
	_ = h.bus.Close() // why it failed is on its way to the caller
	h.bus = nil
	return err
}

func (s *Set) openOneWire(name string) (onewire.BusCloser, error) {
	key, err := s.prepare(name, func(key string, n simbus.Name) error {
		for _, r := range onewirereg.All() {
			if r.Name == key {
				return nil
			}
		}
		return onewirereg.Register(key, nil, -1, func() (onewire.BusCloser, error) { return &simOneWire{newLink(n)}, nil })
	})
	if err != nil {
		return nil, err
	}
	return onewirereg.Open(key)
}
