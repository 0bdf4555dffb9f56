package sensor

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
)

// powerOnMilli is what Maxim's thermometers answer between power-up and the end of its
// first conversion, and after one that its supply did not last for.
const powerOnMilli = 85_000

// OneWireBus is what a thermometer needs of its bus.
type OneWireBus interface {
	onewire.Bus
	// Hold ends a transaction with a strong pull-up and keeps the bus for d.
	Hold(w []byte, d time.Duration) error
}

// Function commands (data sheet, "DS18B20 Function Commands"; a DS18S20 has the same).
const (
	cmdConvert         = 0x44
	cmdWriteScratchpad = 0x4E
	cmdReadScratchpad  = 0xBE
	cmdReadSupply      = 0xB4
)

// maxim is what a DS18B20 and its elder have in common.
type maxim struct {
	model    string
	dev      onewire.Dev
	bus      OneWireBus
	parasite bool // takes its power from the data line
}

func newMaxim(model string, b OneWireBus, addr onewire.Address) maxim {
	return maxim{model: model, dev: onewire.Dev{Bus: b, Addr: addr}, bus: b}
}

// askSupply finds out where the part has its power from.
func (d *maxim) askSupply() error {
	var supply [1]byte
	if err := d.dev.Tx([]byte{cmdReadSupply}, supply[:]); err != nil {
		return err
	}
	d.parasite = supply[0]&1 == 0
	return nil
}

// convert begins a conversion, which takes as long as given. The bus is free
// while a part with a supply of its own converts; one that lives on the data
// line needs it for itself.
func (d *maxim) convert(takes time.Duration) error {
	if d.parasite {
		match := append([]byte{0x55}, romBytes(d.dev.Addr)...)
		return d.bus.Hold(append(match, cmdConvert), takes)
	}
	return d.dev.Tx([]byte{cmdConvert}, nil)
}

// scratchpad reads the part's memory, once more if the checksum is wrong: on a
// long cable that is mostly one flipped bit.
func (d *maxim) scratchpad() ([9]byte, error) {
	var pad [9]byte
	for range 2 {
		if err := d.dev.Tx([]byte{cmdReadScratchpad}, pad[:]); err != nil {
			return pad, err
		}
		switch {
		case pad == [9]byte{}:
			return pad, fmt.Errorf("%s %s: %w: the data line is held low", d.model, bus.FormatROM(d.dev.Addr), bus.ErrNack)
		case onewire.CheckCRC(pad[:]):
			return pad, nil
		}
	}
	for _, b := range pad {
		if b != 0xFF {
			return pad, fmt.Errorf("%s %s: %w: scratchpad % x", d.model, bus.FormatROM(d.dev.Addr), bus.ErrChecksum, pad)
		}
	}
	return pad, fmt.Errorf("%s %s: %w: check the address and the wiring", d.model, bus.FormatROM(d.dev.Addr), bus.ErrNack)
}

// romBytes gives an address in the order it has on the wire.
func romBytes(a onewire.Address) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(a >> (8 * i))
	}
	return b
}
