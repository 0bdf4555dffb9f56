// Package simbus is the protocol by which a simulated bus is reached over a
// socket: what an I²C master, a 1-Wire master, an SPI master or a GPIO line does on wires,
// one small frame for each transaction. firmware-sim serves it; the edge
// registers a client of it in periph's bus registries, so that nothing above
// the bus can tell it from hardware.
//
// A bus is named sim:NETWORK:ADDRESS/BUS, for example
// "sim:unix:/run/frostline/van-1.sock/i2c-1" or "sim:tcp:127.0.0.1:7001/w1".
// After connecting, the client sends the bus name as one frame; the server
// answers with a status frame. From then on each request gets one response.
//
// A frame is a 16-bit big-endian length and that many bytes.
//
//	request:  op (1 byte) | arguments
//	response: status (1 byte) | result, or a UTF-8 message where status is not OK
package simbus

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Op is a bus operation.
type Op byte

const (
	// OpI2C: address (2 bytes BE) | read length (2 bytes BE) | bytes to write
	// → bytes read. Status Nack when no device answers at the address.
	OpI2C Op = 1
	// OpReset: a 1-Wire reset pulse → one byte, 1 when a device is present.
	OpReset Op = 2
	// OpWrite: strong pull-up after (1 byte, 0 or 1) | bytes → nothing.
	OpWrite Op = 3
	// OpRead: length (2 bytes BE) | strong pull-up after (1 byte) → bytes read;
	// an idle 1-Wire bus reads as 0xFF.
	OpRead Op = 4
	// OpTriplet: direction (1 byte) → got zero, got one, taken (3 bytes): one
	// step of a ROM search (Maxim application note 187).
	OpTriplet Op = 5
	// OpGPIO: nothing → level (1 byte, 0 low or 1 high) of the line the bus
	// name chose.
	OpGPIO Op = 6
	// OpSPI: bytes → as many bytes, clocked in while those go out, with the
	// chip that the bus name chose selected for as long.
	OpSPI Op = 7
	// OpDrive: level (1 byte, 0 low or 1 high) → nothing: drives the line the
	// bus name chose, where it is an output.
	OpDrive Op = 8
)

// Status is the outcome of an operation.
type Status byte

const (
	StatusOK    Status = 0
	StatusNack  Status = 1 // no device acknowledged
	StatusError Status = 2 // the request made no sense to the bus
)

// MaxFrame is the largest frame either side accepts, in bytes.
const MaxFrame = 4096

// WriteFrame writes one frame in one Write call.
func WriteFrame(w io.Writer, b []byte) error {
	if len(b) > MaxFrame {
		return fmt.Errorf("simulated bus frame of %d bytes: the limit is %d", len(b), MaxFrame)
	}
	f := make([]byte, 2+len(b))
	binary.BigEndian.PutUint16(f, uint16(len(b)))
	copy(f[2:], b)
	_, err := w.Write(f)
	return err
}

// ReadFrame reads one frame. io.EOF means a clean end between frames.
func ReadFrame(r io.Reader) ([]byte, error) {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(h[:]))
	if n > MaxFrame {
		return nil, fmt.Errorf("simulated bus frame of %d bytes: the limit is %d", n, MaxFrame)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read simulated bus frame: %w", err)
	}
	return b, nil
}

// Name is a parsed bus name.
type Name struct {
	Network string // "unix" or "tcp"
	Address string // socket path or host:port
	Bus     string // "i2c-1", "w1", "gpio-17"
}

// IsSim reports whether a configured bus name means a simulated bus.
func IsSim(name string) bool { return strings.HasPrefix(name, "sim:") }

// ParseName takes a bus name apart.
func ParseName(name string) (Name, error) {
	rest, ok := strings.CutPrefix(name, "sim:")
	if !ok {
		return Name{}, fmt.Errorf("bus %q: not a simulated bus, want sim:NETWORK:ADDRESS/BUS", name)
	}
	network, rest, _ := strings.Cut(rest, ":")
	i := strings.LastIndexByte(rest, '/')
	if (network != "unix" && network != "tcp") || i <= 0 || i == len(rest)-1 {
		return Name{}, fmt.Errorf("bus %q: want sim:unix:PATH/BUS or sim:tcp:HOST:PORT/BUS", name)
	}
	return Name{Network: network, Address: rest[:i], Bus: rest[i+1:]}, nil
}
