package bus

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spireg"

	"frostline/proto/simbus"
)

// SPI is the handle of one chip on an SPI bus, such as /dev/spidev0.0: bus 0,
// chip select 0. One transaction runs at a time. It is safe for concurrent use.
//
// SPI has no acknowledgement: where nobody is, ones or zeros come back, and only
// the driver can tell.
type SPI struct {
	name  string
	speed physic.Frequency
	mode  spi.Mode
	open  func(name string) (spi.PortCloser, error)

	mu   sync.Mutex // held for a transaction
	port spi.PortCloser
	conn spi.Conn // nil when not connected
}

// String gives the configured name.
func (h *SPI) String() string { return h.name }

// Tx sends w and receives as many bytes into r at the same time.
func (h *SPI) Tx(w, r []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ready(); err != nil {
		return err
	}
	err := h.conn.Tx(w, r)
	if err != nil {
		_ = h.hangUp() // why it failed is on its way to the caller
	}
	return failed(h.name, "transaction", err)
}

// Close closes the port; the next transaction opens it again.
func (h *SPI) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return failed(h.name, "close", h.hangUp())
}

// hangUp closes the port if it is open. h.mu is held.
func (h *SPI) hangUp() error {
	if h.port == nil {
		return nil
	}
	err := h.port.Close()
	h.port, h.conn = nil, nil
	return err
}

// ready opens the port if it is not. h.mu is held.
func (h *SPI) ready() error {
	if h.conn != nil {
		return nil
	}
	p, err := h.open(h.name)
	if err != nil {
		return failed(h.name, "open", err)
	}
	c, err := p.Connect(h.speed, h.mode, 8)
	if err != nil {
		return failed(h.name, "set up", errors.Join(err, p.Close()))
	}
	h.port, h.conn = p, c
	return nil
}

// SPI gives the handle of a chip that takes at most the given speed, in the
// given mode. Speed and mode are those of the first who asks.
func (s *Set) SPI(name string, speed physic.Frequency, mode spi.Mode) *SPI {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.spi[name]
	if !ok {
		h = &SPI{name: name, speed: speed, mode: mode, open: s.openSPI}
		s.spi[name] = h
	}
	return h
}

func (s *Set) openSPI(name string) (spi.PortCloser, error) {
	key, err := s.prepare(name, func(key string, n simbus.Name) error {
		for _, r := range spireg.All() {
			if r.Name == key {
				return nil
			}
		}
		return spireg.Register(key, nil, -1, func() (spi.PortCloser, error) { return &simSPI{newLink(n)}, nil })
	})
	if err != nil {
		return nil, err
	}
	p, err := spireg.Open(key)
	if err == nil {
		return p, nil
	}
	if _, missing := os.Stat(name); strings.HasPrefix(name, "/dev/") && missing != nil {
		return nil, fmt.Errorf("%w: %s does not exist: enable SPI on this host, or correct the bus name", err, name)
	}
	return nil, err
}

// simSPI implements spi.PortCloser and spi.Conn.
type simSPI struct{ *link }

func (s *simSPI) String() string { return s.name.Bus }

func (s *simSPI) LimitSpeed(physic.Frequency) error { return nil }

func (s *simSPI) Connect(_ physic.Frequency, _ spi.Mode, bits int) (spi.Conn, error) {
	if bits != 8 {
		return nil, fmt.Errorf("words of %d bits: a simulated bus takes 8", bits)
	}
	return s, nil
}

func (s *simSPI) Duplex() conn.Duplex { return conn.Full }

func (s *simSPI) Tx(w, r []byte) error {
	if len(w) != len(r) && len(r) != 0 {
		return fmt.Errorf("transfer of %d bytes out and %d in: want as many of both", len(w), len(r))
	}
	if len(w) > maxTransfer {
		return tooLong(len(w))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.do(append([]byte{byte(simbus.OpSPI)}, w...), len(w))
	copy(r, a)
	return err
}

func (s *simSPI) TxPackets([]spi.Packet) error {
	return errors.New("a simulated bus takes no packets: use Tx")
}
