package board

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/scenario"
	"frostline/firmware-sim/tty"
)

// modbusLine is a line with its units, a serial one or a TCP port.
type modbusLine struct {
	pty, tcp string // one of them
	units    []*device.Modbus

	port     *tty.Port
	listener net.Listener
}

// modbusFunctions are the functions that read the tables.
var modbusFunctions = map[string]byte{"": 3, "coil": 1, "discrete": 2, "holding": 3, "input": 4}

func installModbus(b *Board, full string, d scenario.Device) (sensor, error) {
	var places []*device.ModbusRegister
	for i, r := range d.Registers {
		source := func() float64 { return r.Value }
		noise := 0.0
		if r.Senses != "" {
			p, err := b.world.Probe(r.Senses, d.Lag, 0)
			if err != nil {
				return nil, err
			}
			source = p.Value
			if d.NoiseC != nil {
				noise = *d.NoiseC
			}
		}
		scale := r.Scale
		if scale == 0 {
			scale = 1
		}
		places = append(places, &device.ModbusRegister{
			Function: modbusFunctions[r.Table], Address: uint16(r.Address), Kind: r.Type, LowFirst: r.Words == "low-first", Scale: scale,
			Signal: device.NewSignal(source, b.seed, fmt.Sprint(full, "/", i), noise),
		})
	}
	s := device.NewModbus(b.seed, full, byte(d.Unit), d.Pty != "", places)
	for _, l := range b.lines {
		if l.pty == d.Pty && l.tcp == d.TCP {
			for _, u := range l.units {
				if u.Unit() == s.Unit() {
					return nil, fmt.Errorf("unit %d: %s has it on this line", d.Unit, u.Name())
				}
			}
			l.units = append(l.units, s)
			return s, nil
		}
	}
	b.lines = append(b.lines, &modbusLine{pty: d.Pty, tcp: d.TCP, units: []*device.Modbus{s}})
	return s, nil
}

func (l *modbusLine) open() (err error) {
	if l.pty != "" {
		l.port, err = tty.Open(l.pty)
		return err
	}
	if l.listener, err = net.Listen("tcp", l.tcp); err != nil {
		return fmt.Errorf("modbus at %s: %w", l.tcp, err)
	}
	return nil
}

func (l *modbusLine) close() (err error) {
	if l.port != nil {
		err = l.port.Close()
		l.port = nil
	}
	if l.listener != nil {
		if failed := l.listener.Close(); !errors.Is(failed, net.ErrClosed) {
			err = errors.Join(err, failed)
		}
		l.listener = nil
	}
	return err
}

// ask has a unit answer at the present of the board; nil where it is silent or
// not there. frame makes what is sent of an answer.
func (b *Board) ask(l *modbusLine, unit byte, request []byte, frame func(u *device.Modbus, answer []byte) []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(0)
	for _, u := range l.units {
		if u.Unit() != unit {
			continue
		}
		if answer := u.Answer(b.clock.Now(), request); answer != nil {
			return frame(u, answer)
		}
	}
	return nil
}

// serve answers on a line that is open until ctx ends.
func (b *Board) serve(ctx context.Context, l *modbusLine) error {
	if l.port != nil {
		return b.serveSerial(ctx, l, l.port)
	}
	return b.serveTCP(ctx, l, l.listener)
}

// serialLook is how often a serial line looks whether it should end, and how
// long a silence ends a frame.
const serialLook = 20 * time.Millisecond

// requestBytes is the length of a request to read, with unit and checksum.
const requestBytes = 8

// serveSerial answers requests until ctx ends.
func (b *Board) serveSerial(ctx context.Context, l *modbusLine, port *tty.Port) error {
	var frame []byte
	for ctx.Err() == nil {
		chunk := make([]byte, 256)
		n, err := port.Receive(chunk, serialLook)
		if err != nil {
			return fmt.Errorf("board %s, modbus: %w", b.name, err)
		}
		if n == 0 || len(frame) > 256 {
			frame = frame[:0]
			continue
		}
		frame = append(frame, chunk[:n]...)
		if len(frame) < requestBytes || device.CRCModbus(frame[:requestBytes-2]) != binary.LittleEndian.Uint16(frame[requestBytes-2:]) {
			continue
		}
		answer := b.ask(l, frame[0], frame[1:requestBytes-2], (*device.Modbus).Frame)
		frame = frame[:0]
		if answer == nil {
			continue
		}
		if _, err := port.Send(answer, 0); err != nil {
			return fmt.Errorf("board %s, modbus: %w", b.name, err)
		}
	}
	return nil
}

// Bounds of Modbus over TCP.
const (
	maxModbusClients = 16
	modbusIdle       = 2 * time.Minute
)

// serveTCP answers requests of all who connect until ctx ends.
func (b *Board) serveTCP(ctx context.Context, l *modbusLine, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	slots := make(chan struct{}, maxModbusClients)
	for {
		c, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("board %s, modbus: accept: %w", b.name, err)
		}
		select {
		case slots <- struct{}{}:
		default:
			c.Close() // as controllers do that have no connection left
			continue
		}
		clients.Go(func() {
			defer func() { <-slots }()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			if err := b.converse(l, c); err != nil && ctx.Err() == nil {
				b.log.Debug("modbus client gone", "err", err)
			}
		})
	}
}

// converse answers one client. A frame is a transaction, a protocol of 0, a
// length, a unit and a request.
func (b *Board) converse(l *modbusLine, c net.Conn) error {
	for {
		var header [7]byte
		if err := c.SetDeadline(time.Now().Add(modbusIdle)); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, header[:]); err == io.EOF {
			return nil // between two requests
		} else if err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint16(header[4:])) - 1
		if binary.BigEndian.Uint16(header[2:]) != 0 || n < 1 || n > 253 {
			return fmt.Errorf("header % x is no Modbus", header)
		}
		request := make([]byte, n)
		if _, err := io.ReadFull(c, request); err != nil {
			return err
		}
		answer := b.ask(l, header[6], request, func(_ *device.Modbus, answer []byte) []byte { return answer })
		if answer == nil {
			continue
		}
		binary.BigEndian.PutUint16(header[4:], uint16(len(answer)+1))
		if _, err := c.Write(append(header[:], answer...)); err != nil {
			return err
		}
	}
}
