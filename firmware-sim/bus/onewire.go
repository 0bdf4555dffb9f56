package bus

import (
	"encoding/binary"
	"fmt"
	"time"

	"frostline/proto/simbus"
)

// OneWireDevice is a device on a 1-Wire bus. The bus handles ROM commands; the
// device sees what comes after it was selected.
type OneWireDevice interface {
	// ROM is the device's 64-bit code, family in the lowest byte and CRC in
	// the highest.
	ROM() uint64
	// Present says whether the device is there to answer.
	Present() bool
	// Alarm says whether the device takes part in an alarm search.
	Alarm(now time.Duration) bool
	// Select begins a transaction with the device.
	Select(now time.Duration) Function
}

// Function is a transaction with one selected device, after the ROM command.
type Function interface {
	// Write takes one byte. Strong says that the master pulls the line up
	// hard right after it, which powers a parasitic device.
	Write(now time.Duration, b byte, strong bool)
	// Read gives one byte; 0xFF from a device that drives nothing.
	Read(now time.Duration) byte
}

// OneWire is a 1-Wire bus.
type OneWire struct {
	devices []OneWireDevice
	counts  Counts
}

// NewOneWire makes a bus without devices.
func NewOneWire() *OneWire { return &OneWire{} }

// Add puts a device on the bus.
func (b *OneWire) Add(d OneWireDevice) error {
	for _, other := range b.devices {
		if other.ROM() == d.ROM() {
			return fmt.Errorf("1-Wire ROM %016x: another device has it", d.ROM())
		}
	}
	b.devices = append(b.devices, d)
	return nil
}

// Attach gives a client its access, with a transaction state of its own.
func (b *OneWire) Attach() Master { return &oneWireMaster{bus: b} }

// Counts says what has happened on the bus so far.
func (b *OneWire) Counts() Counts { return b.counts }

// ROM commands (DS18B20 data sheet, "ROM Commands").
const (
	cmdSearch      = 0xF0
	cmdAlarmSearch = 0xEC
	cmdReadROM     = 0x33
	cmdMatchROM    = 0x55
	cmdSkipROM     = 0xCC
)

// phase is where in a transaction a master is.
type phase int

const (
	idle      phase = iota // before a reset: devices ignore everything
	command                // the next byte is a ROM command
	searching              // triplets walk down the ROM codes
	reading                // the ROM code comes back
	matching               // the next bytes are a ROM code
	selected               // bytes go to and come from selected devices
)

// candidate is a device taking part in a transaction.
type candidate struct {
	device   OneWireDevice
	function Function // when selected
}

// oneWireMaster is one client's transaction state.
type oneWireMaster struct {
	bus    *OneWire
	phase  phase
	active []candidate
	bit    int // next bit of the ROM code, while searching, reading or matching
	code   [8]byte
}

// Do executes one request.
func (m *oneWireMaster) Do(now time.Duration, request []byte) ([]byte, time.Duration) {
	m.bus.counts.Requests++
	return m.do(now, request), 0
}

func (m *oneWireMaster) do(now time.Duration, request []byte) []byte {
	if len(request) == 0 {
		return m.bus.counts.refuse("empty request")
	}
	arguments := request[1:]
	switch op := simbus.Op(request[0]); op {
	case simbus.OpReset:
		return m.reset()
	case simbus.OpWrite:
		if len(arguments) < 1 || arguments[0] > 1 {
			return m.bus.counts.refuse("1-Wire write: want pull-up 0 or 1 and data")
		}
		data := arguments[1:]
		for i, c := range data {
			m.write(now, c, arguments[0] == 1 && i == len(data)-1)
		}
		return ok()
	case simbus.OpRead:
		if len(arguments) != 3 || arguments[2] > 1 {
			return m.bus.counts.refuse("1-Wire read: want length and pull-up 0 or 1")
		}
		n := uint16At(arguments, 0)
		if n > maxRead {
			return m.bus.counts.refuse("1-Wire read of %d bytes: the limit is %d", n, maxRead)
		}
		response := ok()
		for range n {
			response = append(response, m.read(now))
		}
		return response
	case simbus.OpTriplet:
		if len(arguments) != 1 || arguments[0] > 1 {
			return m.bus.counts.refuse("1-Wire triplet: want direction 0 or 1")
		}
		return m.triplet(arguments[0])
	default:
		return m.bus.counts.refuse("a 1-Wire bus takes operations %d to %d, not %d", simbus.OpReset, simbus.OpTriplet, op)
	}
}

// reset starts a transaction with every device that is there.
func (m *oneWireMaster) reset() []byte {
	m.phase, m.bit, m.active = command, 0, m.active[:0]
	for _, d := range m.bus.devices {
		if d.Present() {
			m.active = append(m.active, candidate{device: d})
		}
	}
	if len(m.active) == 0 {
		m.phase = idle
		m.bus.counts.Nacks++
		return ok(0)
	}
	return ok(1)
}

func (m *oneWireMaster) write(now time.Duration, c byte, strong bool) {
	switch m.phase {
	case command:
		m.command(now, c)
	case matching:
		m.code[m.bit/8] = c
		if m.bit += 8; m.bit == 64 {
			m.choose(now, binary.LittleEndian.Uint64(m.code[:]))
		}
	case selected:
		for _, a := range m.active {
			if a.device.Present() {
				a.function.Write(now, c, strong)
			}
		}
	}
}

func (m *oneWireMaster) command(now time.Duration, c byte) {
	m.bit = 0
	switch c {
	case cmdSearch:
		m.phase = searching
	case cmdAlarmSearch:
		m.phase = searching
		m.keep(func(d OneWireDevice) bool { return d.Alarm(now) })
	case cmdReadROM:
		m.phase = reading
	case cmdMatchROM:
		m.phase = matching
	case cmdSkipROM:
		m.begin(now)
	default:
		m.phase = idle // not a ROM command: devices wait for the next reset
	}
}

// keep drops devices from the transaction.
func (m *oneWireMaster) keep(stays func(OneWireDevice) bool) {
	kept := m.active[:0]
	for _, a := range m.active {
		if stays(a.device) {
			kept = append(kept, a)
		}
	}
	m.active = kept
}

// choose goes on with the device of that ROM code.
func (m *oneWireMaster) choose(now time.Duration, rom uint64) {
	m.keep(func(d OneWireDevice) bool { return d.ROM() == rom })
	m.begin(now)
}

// begin opens a function transaction with all that take part.
func (m *oneWireMaster) begin(now time.Duration) {
	m.phase = selected
	for i := range m.active {
		m.active[i].function = m.active[i].device.Select(now)
	}
}

// read gives what all devices together drive: the line is a wired AND.
func (m *oneWireMaster) read(now time.Duration) byte {
	line := byte(0xFF)
	for _, a := range m.active {
		if !a.device.Present() {
			continue
		}
		switch m.phase {
		case selected:
			line &= a.function.Read(now)
		case reading:
			if m.bit < 64 {
				line &= byte(a.device.ROM() >> m.bit)
			}
		}
	}
	if m.phase == reading {
		if m.bit += 8; m.bit == 64 {
			m.begin(now) // the device stays selected after Read ROM
		}
	}
	return line
}

// triplet is one step of a search: all remaining devices send their bit and
// its complement, the master writes a direction, and the others drop out.
func (m *oneWireMaster) triplet(direction byte) []byte {
	if m.phase != searching || m.bit >= 64 {
		return ok(0, 0, 1) // nobody drives: both reads are 1
	}
	var gotZero, gotOne byte
	for _, a := range m.active {
		if !a.device.Present() {
			continue
		}
		if a.device.ROM()>>m.bit&1 == 0 {
			gotZero = 1
		} else {
			gotOne = 1
		}
	}
	taken := direction
	switch {
	case gotZero == 1 && gotOne == 0:
		taken = 0
	case gotOne == 1 && gotZero == 0, gotZero == 0:
		taken = 1
	}
	bit := m.bit
	m.keep(func(d OneWireDevice) bool { return d.Present() && byte(d.ROM()>>bit&1) == taken })
	m.bit++
	return ok(gotZero, gotOne, taken)
}
