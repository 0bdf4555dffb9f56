package bus

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/simonvetter/modbus"
)

// Times of a Modbus line. Those of an answer bound how long a dead unit keeps
// the others on its line waiting.
const (
	modbusSerialAnswer = 500 * time.Millisecond
	modbusTCPAnswer    = time.Second
	modbusRest         = time.Second // after a line could not be opened
	modbusSilences     = 3           // in a row, after which a TCP connection is taken for dead
)

// SerialLine is how bytes go over a serial line of 8 data bits.
type SerialLine struct {
	Baud   int
	Parity string // none, with two stop bits; or even or odd, with one
}

// ModbusTable is one of the four tables a Modbus unit has.
type ModbusTable string

// The tables, read by functions 3, 4, 1 and 2.
const (
	Holding  ModbusTable = "holding"
	Input    ModbusTable = "input"
	Coil     ModbusTable = "coil"
	Discrete ModbusTable = "discrete"
)

// Modbus is the handle of a Modbus line, serial or TCP. One request runs at a
// time, for a bounded time. It is safe for concurrent use.
//
// A serial answer does not say which request it is for. So after a silence or a
// broken frame the port is closed and opened anew, which throws away what comes
// late, and nothing that is left of it is taken for the answer to another.
type Modbus struct {
	name string
	conf modbus.ClientConfiguration

	mu       sync.Mutex // held for a request
	client   *modbus.ModbusClient
	silences int       // in a row
	rest     time.Time // before which the line is not opened again
	why      error     // it could not be opened
}

// ModbusTCP is the prefix of the name of a line that is a TCP connection, as in
// tcp:192.168.1.20:502.
const ModbusTCP = "tcp:"

// Modbus gives the handle of a line: tcp:HOST:PORT, or a serial port, which has
// the settings of the first who asks.
func (s *Set) Modbus(name string, line SerialLine) *Modbus {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.modbus[name]
	if !ok {
		h = &Modbus{name: name, conf: modbus.ClientConfiguration{Logger: log.New(io.Discard, "", 0)}}
		if host, tcp := strings.CutPrefix(name, ModbusTCP); tcp {
			h.conf.URL, h.conf.Timeout = "tcp://"+host, modbusTCPAnswer
		} else {
			h.conf.URL, h.conf.Timeout, h.conf.Speed = "rtu://"+name, modbusSerialAnswer, uint(line.Baud)
			h.conf.Parity = map[string]uint{"even": modbus.PARITY_EVEN, "odd": modbus.PARITY_ODD}[line.Parity]
		}
		s.modbus[name] = h
	}
	return h
}

// String gives the configured name.
func (h *Modbus) String() string { return h.name }

// Read reads n words of a table from an address on; of coils and discrete
// inputs each is 0 or 1. The error wraps ErrNack where nobody answered,
// ErrChecksum where the answer was garbled, ErrNotReady where the unit was busy,
// and *Refusal where it said no.
func (h *Modbus) Read(unit uint8, table ModbusTable, address, n uint16) ([]uint16, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.ready(); err != nil {
		return nil, err
	}
	words, err := h.read(unit, table, address, n)
	if err == nil && len(words) != int(n) {
		err = modbus.ErrProtocolError
	}
	return words, h.judge(err, fmt.Sprintf("unit %d, %s %d", unit, table, address))
}

func (h *Modbus) read(unit uint8, table ModbusTable, address, n uint16) ([]uint16, error) {
	if err := h.client.SetUnitId(unit); err != nil {
		return nil, err
	}
	var bits []bool
	var err error
	switch table {
	case Holding:
		return h.client.ReadRegisters(address, n, modbus.HOLDING_REGISTER)
	case Input:
		return h.client.ReadRegisters(address, n, modbus.INPUT_REGISTER)
	case Coil:
		bits, err = h.client.ReadCoils(address, n)
	case Discrete:
		bits, err = h.client.ReadDiscreteInputs(address, n)
	default:
		return nil, fmt.Errorf("table %q: want holding, input, coil or discrete", table)
	}
	words := make([]uint16, len(bits))
	for i, b := range bits {
		if b {
			words[i] = 1
		}
	}
	return words, err
}

// Refusal is a unit's answer that it will not do what it was asked.
type Refusal struct{ Reason error }

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("it refuses: %v: check function and address, which count from 0", r.Reason)
}

// Unwrap gives what the unit said.
func (r *Refusal) Unwrap() error { return r.Reason }

// judge sorts an error of the library, and closes a line that needs it. h.mu is
// held.
func (h *Modbus) judge(err error, what string) error {
	if err == nil {
		h.silences = 0
		return nil
	}
	var said modbus.Error
	if !errors.As(err, &said) {
		_ = h.hangUp() // why it failed is on its way to the caller
		return failed(h.name, what, err)
	}
	switch said {
	case modbus.ErrRequestTimedOut:
		err = fmt.Errorf("%w: %w", ErrNack, err)
		if h.silences++; h.serial() || h.silences >= modbusSilences {
			_ = h.hangUp()
		}
	case modbus.ErrBadCRC, modbus.ErrShortFrame, modbus.ErrProtocolError, modbus.ErrBadUnitId, modbus.ErrBadTransactionId, modbus.ErrUnknownProtocolId:
		err = fmt.Errorf("%w: %w", ErrChecksum, err)
		_ = h.hangUp()
	case modbus.ErrGWPathUnavailable, modbus.ErrGWTargetFailedToRespond:
		err = fmt.Errorf("%w: the Modbus gateway says: %w", ErrNack, err)
	case modbus.ErrServerDeviceBusy, modbus.ErrAcknowledge:
		err = fmt.Errorf("%w: %w", ErrNotReady, err)
	default:
		err = &Refusal{err}
	}
	return failed(h.name, what, err)
}

func (h *Modbus) serial() bool { return !strings.HasPrefix(h.name, ModbusTCP) }

// ready opens the line if it is not. h.mu is held.
func (h *Modbus) ready() error {
	if h.client != nil {
		return nil
	}
	if h.why != nil && time.Now().Before(h.rest) {
		return h.why
	}
	c, err := modbus.NewClient(&h.conf)
	if err == nil {
		err = c.Open()
	}
	h.why = failed(h.name, "open", err)
	if err != nil {
		h.rest = time.Now().Add(modbusRest)
		return h.why
	}
	h.client, h.silences = c, 0
	return nil
}

// Close closes the line; the next request opens it again.
func (h *Modbus) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return failed(h.name, "close", h.hangUp())
}

// hangUp closes the line if it is open. h.mu is held.
func (h *Modbus) hangUp() error {
	if h.client == nil {
		return nil
	}
	err := h.client.Close()
	h.client = nil
	return err
}
