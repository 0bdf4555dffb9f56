package bus

import (
	"fmt"
	"sync"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"

	"frostline/proto/simbus"
)

// Line is the handle of a GPIO line, used as an input or as an output. It is
// safe for concurrent use.
type Line struct {
	name string
	find func(name string) (gpio.PinIO, error)

	mu  sync.Mutex
	pin gpio.PinIO
}

// leveller is a pin that can say that it does not know its level.
type leveller interface {
	Level() (gpio.Level, error)
}

// String gives the configured name.
func (h *Line) String() string { return h.name }

// Level reads the line with the given pull resistor. periph's Read gives Low
// where it fails, which would show an open door as closed; so the line is set
// up as an input anew each time, and that reports a line that has gone.
func (h *Line) Level(pull gpio.Pull) (gpio.Level, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pin == nil {
		p, err := h.find(h.name)
		if err != nil {
			return gpio.Low, failed(h.name, "open line", err)
		}
		h.pin = p
	}
	if err := h.pin.In(pull, gpio.NoEdge); err != nil {
		return gpio.Low, failed(h.name, "set up line as input", err)
	}
	if l, ok := h.pin.(leveller); ok {
		v, err := l.Level()
		return v, failed(h.name, "read line", err)
	}
	return h.pin.Read(), nil
}

// Drive makes the line an output of the given level. It is done anew each time,
// so that a line that has come back is driven again.
func (h *Line) Drive(l gpio.Level) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pin == nil {
		p, err := h.find(h.name)
		if err != nil {
			return failed(h.name, "open line", err)
		}
		h.pin = p
	}
	return failed(h.name, "drive line", h.pin.Out(l))
}

func (s *Set) findPin(name string) (gpio.PinIO, error) {
	key, err := s.prepare(name, func(key string, n simbus.Name) error {
		if gpioreg.ByName(key) != nil {
			return nil
		}
		return gpioreg.Register(&simPin{PinIO: gpio.INVALID, name: key, link: newLink(n)})
	})
	if err != nil {
		return nil, err
	}
	p := gpioreg.ByName(key)
	if p == nil {
		return nil, fmt.Errorf("this host has no GPIO line of that name: list them with `gpioinfo` and correct the bus name")
	}
	return p, nil
}
