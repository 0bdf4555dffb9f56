package bus

import (
	"encoding/binary"
	"fmt"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/physic"

	"frostline/proto/simbus"
)

// registryName is the name a simulated bus has in periph's registries, which
// do not allow a colon.
func registryName(name string) string { return strings.ReplaceAll(name, ":", "|") }

// maxTransfer is the most a simulated bus reads or writes in one operation.
const maxTransfer = simbus.MaxFrame - 16

func tooLong(n int) error {
	return fmt.Errorf("transfer of %d bytes: a simulated bus takes at most %d", n, maxTransfer)
}

// simI2C implements i2c.BusCloser.
type simI2C struct{ *link }

func (s *simI2C) String() string { return s.name.Bus }

func (s *simI2C) SetSpeed(physic.Frequency) error { return nil }

func (s *simI2C) Tx(addr uint16, w, r []byte) error {
	if n := max(len(w), len(r)); n > maxTransfer {
		return tooLong(n)
	}
	q := make([]byte, 5, 5+len(w))
	q[0] = byte(simbus.OpI2C)
	binary.BigEndian.PutUint16(q[1:], addr)
	binary.BigEndian.PutUint16(q[3:], uint16(len(r)))
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.do(append(q, w...), len(r))
	copy(r, a)
	return err
}

// simOneWire implements onewire.BusCloser and onewire.BusSearcher.
type simOneWire struct{ *link }

func (s *simOneWire) String() string { return s.name.Bus }

func (s *simOneWire) Tx(w, r []byte, power onewire.Pullup) error {
	if n := max(len(w), len(r)); n > maxTransfer {
		return tooLong(n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	present, err := s.do([]byte{byte(simbus.OpReset)}, 1)
	if err != nil {
		return err
	}
	if present[0] == 0 {
		return noDevices("no device is present on bus " + s.name.Bus)
	}
	if len(w) > 0 {
		q := append([]byte{byte(simbus.OpWrite), strong(power && len(r) == 0)}, w...)
		if _, err := s.do(q, 0); err != nil {
			return err
		}
	}
	if len(r) > 0 {
		q := []byte{byte(simbus.OpRead), 0, 0, strong(power)}
		binary.BigEndian.PutUint16(q[1:], uint16(len(r)))
		a, err := s.do(q, len(r))
		if err != nil {
			return err
		}
		copy(r, a)
	}
	return nil
}

func (s *simOneWire) Search(alarmOnly bool) ([]onewire.Address, error) {
	return onewire.Search(s, alarmOnly)
}

func (s *simOneWire) SearchTriplet(direction byte) (onewire.TripletResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.do([]byte{byte(simbus.OpTriplet), direction}, 3)
	if err != nil {
		return onewire.TripletResult{}, err
	}
	return onewire.TripletResult{GotZero: a[0] != 0, GotOne: a[1] != 0, Taken: a[2] & 1}, nil
}

func strong(p onewire.Pullup) byte {
	if p == onewire.StrongPullup {
		return 1
	}
	return 0
}

// noDevices implements onewire.NoDevicesError.
type noDevices string

func (e noDevices) Error() string { return string(e) }
func (noDevices) NoDevices() bool { return true }

// simPin implements gpio.PinIO for a simulated line.
type simPin struct {
	gpio.PinIO // an invalid pin: all that is neither input nor output fails
	name       string
	link       *link
}

func (p *simPin) String() string { return p.name }
func (p *simPin) Name() string   { return p.name }
func (p *simPin) Halt() error    { return nil }

func (p *simPin) In(_ gpio.Pull, edge gpio.Edge) error {
	if edge != gpio.NoEdge {
		return fmt.Errorf("line %s: a simulated line tells no edges", p.name)
	}
	return nil
}

// Out implements gpio.PinOut.
func (p *simPin) Out(l gpio.Level) error {
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	q := []byte{byte(simbus.OpDrive), 0}
	if l {
		q[1] = 1
	}
	_, err := p.link.do(q, 0)
	return err
}

// Read implements gpio.PinIn, which has no way to report an error; Level has.
func (p *simPin) Read() gpio.Level {
	l, err := p.Level()
	return l && gpio.Level(err == nil)
}

// Level reads the line.
func (p *simPin) Level() (gpio.Level, error) {
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	a, err := p.link.do([]byte{byte(simbus.OpGPIO)}, 1)
	if err != nil {
		return gpio.Low, err
	}
	return a[0] != 0, nil
}

var (
	_ i2c.BusCloser       = (*simI2C)(nil)
	_ onewire.BusCloser   = (*simOneWire)(nil)
	_ onewire.BusSearcher = (*simOneWire)(nil)
	_ gpio.PinIO          = (*simPin)(nil)
)
