package sensor

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// powerOnMilli is what a DS18B20 answers between power-up and the end of its
// first conversion, and after one that its supply did not last for.
const powerOnMilli = 85_000

// ds18b20Low and High bound what the part measures, milli-degrees.
const (
	ds18b20Low  = -55_000
	ds18b20High = 125_000
)

// OneWireBus is what a DS18B20 needs of its bus.
type OneWireBus interface {
	onewire.Bus
	// Hold ends a transaction with a strong pull-up and keeps the bus for d.
	Hold(w []byte, d time.Duration) error
}

// DS18B20 is Maxim's 1-Wire thermometer, on a bus we drive ourselves.
//
// Accuracy ±0.5 °C from -10 to 85 °C, range -55 to 125 °C, resolution
// 0.0625 °C at 12 bits.
// https://www.analog.com/media/en/technical-documentation/data-sheets/DS18B20.pdf
//
// What looks like data and is not: 85.000 °C, see powerOnMilli, which is never
// OK here, since cold chains do not reach it; nothing but ones, when nobody
// answers; nothing but zeros, whose checksum is right, when the line is held
// low; and the value before, when the part is slower than its data sheet allows,
// which nothing in the part tells.
type DS18B20 struct {
	dev  onewire.Dev
	bus  OneWireBus
	bits int

	ready    bool // set up since it was last seen to have restarted
	parasite bool // takes its power from the data line
}

// NewDS18B20 makes a driver; bits is the resolution, 9 to 12. It does not talk
// to the part yet.
func NewDS18B20(b OneWireBus, addr onewire.Address, bits int) *DS18B20 {
	return &DS18B20{dev: onewire.Dev{Bus: b, Addr: addr}, bus: b, bits: bits}
}

const romExample = "the name in /sys/bus/w1/devices, such as 28-0316a2794b2c"

var ds18b20Kind = kind{
	bus: "w1 for a sensor that Linux drives, such as on GPIO4 of a Raspberry Pi", on: OneWire,
	address: romExample, checkAddress: checkROM("ds18b20", romExample),
	options: []string{"resolution", "max-rate", "stuck-after"}, defaults: Options{Resolution: 12, MaxRate: 5},
	limits: thermometer,
	open: func(s Spec, env Env) (Driver, error) {
		a, err := bus.ParseROM(s.Address)
		if err != nil {
			return nil, err
		}
		if s.Bus == "w1" {
			return NewW1Therm(env.Buses.W1(), a), nil
		}
		return NewDS18B20(env.Buses.OneWire(s.Bus), a, s.Options.Resolution), nil
	},
}

// Model implements Driver.
func (d *DS18B20) Model() string { return "ds18b20" }

// Quantities implements Driver.
func (d *DS18B20) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: the longest conversion, and time to ask for it.
func (d *DS18B20) Lead() time.Duration { return d.conversion() + 50*time.Millisecond }

// conversion is how long a conversion takes at most (data sheet, table 2).
func (d *DS18B20) conversion() time.Duration { return 750 * time.Millisecond >> (12 - d.bits) }

// Close implements Driver.
func (d *DS18B20) Close() error { return nil }

// Function commands (data sheet, "DS18B20 Function Commands").
const (
	cmdConvert         = 0x44
	cmdWriteScratchpad = 0x4E
	cmdReadScratchpad  = 0xBE
	cmdReadSupply      = 0xB4
)

// Begin implements Driver. The bus is free while a part with a supply of its
// own converts; one that lives on the data line needs it for itself.
func (d *DS18B20) Begin(context.Context) error {
	if !d.ready {
		if err := d.setUp(); err != nil {
			return err
		}
	}
	if d.parasite {
		match := append([]byte{0x55}, romBytes(d.dev.Addr)...)
		return d.bus.Hold(append(match, cmdConvert), d.conversion())
	}
	return d.dev.Tx([]byte{cmdConvert}, nil)
}

// setUp sets the resolution, in RAM only: the EEPROM wears out, and is somebody
// else's setting.
func (d *DS18B20) setUp() error {
	pad, err := d.scratchpad()
	if err != nil {
		return err
	}
	if config := byte(d.bits-9)<<5 | 0x1F; pad[4] != config {
		if err := d.dev.Tx([]byte{cmdWriteScratchpad, pad[2], pad[3], config}, nil); err != nil {
			return err
		}
	}
	var supply [1]byte
	if err := d.dev.Tx([]byte{cmdReadSupply}, supply[:]); err != nil {
		return err
	}
	d.parasite = supply[0]&1 == 0
	d.ready = true
	return nil
}

// Read implements Driver.
func (d *DS18B20) Read(context.Context) ([]Value, error) {
	pad, err := d.scratchpad()
	if err != nil {
		return nil, err
	}
	if int(pad[4]>>5&3) != d.bits-9 {
		d.ready = false // it has restarted with the resolution of its EEPROM
	}
	raw := int64(int16(uint16(pad[1])<<8 | uint16(pad[0])))
	raw &^= 1<<(12-d.bits) - 1 // undefined at lower resolutions
	v := thermal(raw*1000/16, ds18b20Low, ds18b20High)
	if v.Value == powerOnMilli {
		v.Quality, d.ready = reading.PowerOn, false
	}
	return []Value{v}, nil
}

// scratchpad reads the part's memory, once more if the checksum is wrong: on a
// long cable that is mostly one flipped bit.
func (d *DS18B20) scratchpad() ([9]byte, error) {
	var pad [9]byte
	for range 2 {
		if err := d.dev.Tx([]byte{cmdReadScratchpad}, pad[:]); err != nil {
			return pad, err
		}
		switch {
		case pad == [9]byte{}:
			return pad, fmt.Errorf("ds18b20 %s: %w: the data line is held low", bus.FormatROM(d.dev.Addr), bus.ErrNack)
		case onewire.CheckCRC(pad[:]):
			return pad, nil
		}
	}
	for _, b := range pad {
		if b != 0xFF {
			return pad, fmt.Errorf("ds18b20 %s: %w: scratchpad % x", bus.FormatROM(d.dev.Addr), bus.ErrChecksum, pad)
		}
	}
	return pad, fmt.Errorf("ds18b20 %s: %w: check the address and the wiring", bus.FormatROM(d.dev.Addr), bus.ErrNack)
}

// romBytes gives an address in the order it has on the wire.
func romBytes(a onewire.Address) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(a >> (8 * i))
	}
	return b
}
