package sensor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// ModbusLine is what a unit needs of its line; *bus.Modbus is one.
type ModbusLine interface {
	Read(unit uint8, table bus.ModbusTable, address, n uint16) ([]uint16, error)
}

// Modbus is one probe of a unit on Modbus, RTU or TCP, and what else the unit
// knows: the controller of a compressor, a reefer unit, a power meter. Accuracy
// and range are those in the unit's manual.
// https://modbus.org/docs/Modbus_Application_Protocol_V1_1b3.pdf
//
// What looks like data and is not: the code by which a unit says that its probe is
// open, shorted or absent, 0x7FFF, 0x8000 and NaN mostly, which is in the manual
// and has to be configured; registers that are not in use and read as 0; the last
// value, from a unit whose own probe has gone silent, which only the unit can
// tell; a value with its words the wrong way round, or of the register beside,
// since manuals count from 1 or from 40001 and the wire from 0; the answer to an
// earlier request that comes late, which on a serial line nothing tells from the
// one awaited (see bus.Modbus). A serial frame has a checksum.
type Modbus struct {
	line   ModbusLine
	unit   uint8
	places []place
}

// NewModbus makes a driver without talking to the unit. The registers have to be
// right, see Check.
func NewModbus(line ModbusLine, unit uint8, registers []Register) (*Modbus, error) {
	d := &Modbus{line: line, unit: unit}
	for i, r := range registers {
		p, field, value, remedy := r.parse()
		if remedy != "" {
			return nil, fmt.Errorf("register %d: %s %q: %s", i, field, value, remedy)
		}
		d.places = append(d.places, p)
	}
	return d, nil
}

const (
	modbusExample  = "a serial port such as /dev/ttyUSB0, or tcp:HOST:PORT, whose port is 502 mostly"
	unitExample    = "the unit's number, 1 to 247, or 0 to 255 on TCP"
	maxRegisters   = 32
	maxModbusUnits = 255
)

var modbusKind = kind{
	bus: modbusExample, real: true,
	checkBus: func(name string) string {
		host, tcp := strings.CutPrefix(name, bus.ModbusTCP)
		if !tcp {
			return ""
		}
		if h, port, err := net.SplitHostPort(host); err == nil && h != "" {
			if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
				return ""
			}
		}
		return "want " + modbusExample
	},
	address: unitExample,
	checkAddress: func(s string) string {
		if n, err := strconv.ParseUint(s, 0, 8); err != nil || n > maxModbusUnits {
			return "want " + unitExample
		}
		return ""
	},
	options: []string{"baud", "parity", "registers", "max-rate", "stuck-after"}, defaults: Options{Baud: 19200, Parity: "even", MaxRate: 5},
	limits: thermometer,
	check:  checkRegisters,
	open: func(s Spec, env Env) (Driver, error) {
		unit, err := strconv.ParseUint(s.Address, 0, 8)
		if err != nil {
			return nil, err
		}
		line := env.Buses.Modbus(s.Bus, bus.SerialLine{Baud: s.Options.Baud, Parity: s.Options.Parity})
		return NewModbus(line, uint8(unit), s.Options.Registers)
	},
}

func checkRegisters(s Spec) (out []Problem) {
	if len(s.Options.Registers) == 0 {
		return []Problem{{"options.registers", "", "it is missing: want a list of quantity, address and type"}}
	}
	seen := map[string]bool{}
	for i, r := range s.Options.Registers {
		at := fmt.Sprintf("options.registers[%d].", i)
		if _, field, value, remedy := r.parse(); remedy != "" {
			out = append(out, Problem{at + field, value, remedy})
		}
		if seen[r.Quantity] {
			out = append(out, Problem{at + "quantity", r.Quantity, "a sensor has each quantity once: make another sensor for the other probe"})
		}
		seen[r.Quantity] = true
	}
	return out
}

// Model implements Driver.
func (d *Modbus) Model() string { return "modbus" }

// Quantities implements Driver.
func (d *Modbus) Quantities() []reading.Quantity {
	qs := make([]reading.Quantity, len(d.places))
	for i, p := range d.places {
		qs[i] = p.quantity
	}
	return qs
}

// Lead implements Driver: a unit measures by itself.
func (d *Modbus) Lead() time.Duration { return 0 }

// Close implements Driver.
func (d *Modbus) Close() error { return nil }

// Begin implements Driver.
func (d *Modbus) Begin(context.Context) error { return nil }

// Read implements Driver. Each register is asked for by itself: units refuse
// reads across registers they do not have. A unit that does not answer is not
// asked further; one that refuses a register may have the others.
func (d *Modbus) Read(ctx context.Context) ([]Value, error) {
	values := make([]Value, len(d.places))
	var refused error
	answered := false
	for i, p := range d.places {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		words, err := d.line.Read(d.unit, p.table, p.address, widths[p.kind])
		if no := (*bus.Refusal)(nil); errors.As(err, &no) {
			values[i] = Value{Quantity: p.quantity, Quality: reading.NoAnswer}
			refused = errors.Join(refused, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		values[i], answered = p.value(words), true
	}
	if !answered {
		return nil, refused
	}
	return values, nil
}
