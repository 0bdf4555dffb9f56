package device

import (
	"math"
	"time"

	"frostline/firmware-sim/bus"
	"frostline/firmware-sim/fault"
)

// DS18B20 is Maxim's 1-Wire thermometer
// (https://www.analog.com/media/en/technical-documentation/data-sheets/DS18B20.pdf).
//
// With old set it is the elder DS18S20
// (https://www.analog.com/media/en/technical-documentation/data-sheets/DS18S20.pdf):
// half degrees and a counter in place of sixteenths, and no configuration.
type DS18B20 struct {
	health
	signal   *Signal
	rom      uint64
	old      bool // a DS18S20
	parasite bool // takes its power from the data line

	eeprom  [3]byte // TH, TL, configuration
	scratch [8]byte // without the checksum
	alarm   bool
	pending *conversion
	writing time.Duration // the EEPROM is busy until then
}

// conversion is a measurement that has not reached the scratchpad.
type conversion struct {
	raw   int16
	ready time.Duration
	brown bool // the supply broke down meanwhile
}

// powerOnRaw is 85.000 °C, which the scratchpad holds after power-up.
const powerOnRaw = 0x0550

// eepromTime is how long copying to the EEPROM takes at most.
const eepromTime = 10 * time.Millisecond

// NewDS18B20 makes a DS18B20 as delivered: 12 bits, alarm at 75 and 70 °C.
func NewDS18B20(seed uint64, name string, rom uint64, parasite bool, signal *Signal) *DS18B20 {
	d := &DS18B20{health: newHealth(seed, name), signal: signal, rom: rom, parasite: parasite}
	d.eeprom = [3]byte{0x4B, 0x46, 0x7F}
	d.powerUp()
	return d
}

// NewDS18S20 makes a DS18S20 as delivered.
func NewDS18S20(seed uint64, name string, rom uint64, parasite bool, signal *Signal) *DS18B20 {
	d := NewDS18B20(seed, name, rom, parasite, signal)
	d.old = true
	d.powerUp()
	return d
}

// powerUp is what the device does when power returns.
func (d *DS18B20) powerUp() {
	d.scratch = [8]byte{powerOnRaw & 0xFF, powerOnRaw >> 8, d.eeprom[0], d.eeprom[1], d.eeprom[2], 0xFF, 0x0C, 0x10}
	if d.old {
		d.scratch = [8]byte{0xAA, 0, d.eeprom[0], d.eeprom[1], 0xFF, 0xFF, 0x0C, 0x10}
	}
	d.pending, d.writing, d.alarm = nil, 0, false
}

// ROM is the 64-bit code, checksum included.
func (d *DS18B20) ROM() uint64 { return d.rom }

// Present says whether the device is plugged in.
func (d *DS18B20) Present() bool { return d.fault.Kind != fault.Unplugged }

// Alarm says whether the last conversion was at or outside the alarm limits.
func (d *DS18B20) Alarm(now time.Duration) bool {
	d.settle(now)
	return d.alarm
}

// True is the temperature at the element, °C.
func (d *DS18B20) True() float64 { return d.signal.True() }

// SetFault makes something go wrong, or right again. A device that is plugged
// in again powers up.
func (d *DS18B20) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept(d.kind(), f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.CRC, fault.Slow, fault.PowerOn, fault.Drift); err != nil {
		return err
	}
	d.settle(now)
	if f.Kind == fault.PowerOn || f.Kind == fault.Unplugged || d.fault.Kind == fault.Unplugged {
		d.powerUp()
	}
	d.signal.setFault(f, now)
	d.fault = f
	return nil
}

func (d *DS18B20) kind() string {
	if d.old {
		return "ds18s20"
	}
	return "ds18b20"
}

// bits is the resolution set in the configuration register, 9 to 12.
func (d *DS18B20) bits() int {
	if d.old {
		return 12 // what its counter amounts to
	}
	return 9 + int(d.scratch[4]>>5&3)
}

// conversionTime is the longest a conversion takes: 93.75 ms at 9 bits and
// twice that for each bit more.
func (d *DS18B20) conversionTime() time.Duration {
	t := 93_750 * time.Microsecond << (d.bits() - 9)
	if d.fault.Kind == fault.Slow {
		t += duration(d.fault.Value)
	}
	return t
}

// kept is where the bytes that the EEPROM keeps end in the scratchpad.
func (d *DS18B20) kept() int {
	if d.old {
		return 4
	}
	return 5
}

// convert starts a conversion. A parasitic device without a strong pull-up has
// no power for it and comes back as after power-up.
func (d *DS18B20) convert(now time.Duration, strong bool) {
	c := math.Max(-55, math.Min(125, d.signal.At(now)))
	raw := int16(math.Round(c*16)) &^ (1<<(12-d.bits()) - 1)
	d.pending = &conversion{
		raw: raw, ready: now + d.conversionTime(),
		brown: d.fault.Kind == fault.PowerOn || d.parasite && !strong,
	}
}

// settle brings a conversion that is over into the scratchpad.
func (d *DS18B20) settle(now time.Duration) {
	c := d.pending
	if c == nil || now < c.ready {
		return
	}
	d.pending = nil
	if c.brown {
		d.powerUp()
		return
	}
	whole := int8(c.raw >> 4)
	d.alarm = whole >= int8(d.scratch[2]) || whole <= int8(d.scratch[3])
	if d.old {
		// T = whole - 0.25 + (16 - remain) / 16 (data sheet, "Operation").
		m := c.raw + 4
		half := m >> 3
		d.scratch[0], d.scratch[1], d.scratch[6] = byte(half), byte(uint16(half)>>8), byte(16-m&15)
		return
	}
	d.scratch[0], d.scratch[1] = byte(c.raw), byte(uint16(c.raw)>>8)
	// Undocumented, and what real parts do: it tells 85.000 °C measured from
	// 85.000 °C never measured.
	d.scratch[6] = 0x10 - d.scratch[0]&0x0F
}

// Select begins a transaction.
func (d *DS18B20) Select(now time.Duration) bus.Function {
	d.settle(now)
	return &ds18b20Function{device: d}
}

// Function commands (data sheet, "DS18B20 Function Commands").
const (
	cmdConvert      = 0x44
	cmdWriteScratch = 0x4E
	cmdReadScratch  = 0xBE
	cmdCopyScratch  = 0x48
	cmdRecall       = 0xB8
	cmdReadSupply   = 0xB4
)

// ds18b20Function is a transaction with a selected DS18B20.
type ds18b20Function struct {
	device  *DS18B20
	command byte
	written int    // bytes of a write so far
	out     []byte // what is left to read of the scratchpad
}

// Write takes a command or its data.
func (t *ds18b20Function) Write(now time.Duration, b byte, strong bool) {
	d := t.device
	d.settle(now)
	switch t.command {
	case 0:
		t.command = b
		t.start(now, strong)
	case cmdWriteScratch:
		switch {
		case t.written < 2:
			d.scratch[2+t.written] = b
		case t.written == 2 && !d.old:
			d.scratch[4] = b&0x60 | 0x1F // other bits cannot be written
		}
		t.written++
	}
}

func (t *ds18b20Function) start(now time.Duration, strong bool) {
	d := t.device
	switch t.command {
	case cmdConvert:
		d.convert(now, strong)
	case cmdReadScratch:
		frame := append(d.scratch[:8:8], crcMaxim(d.scratch[:]))
		if d.fault.Kind == fault.CRC {
			d.flips.spoil(frame, d.fault.Value)
		}
		t.out = frame
	case cmdCopyScratch:
		if !d.parasite || strong {
			copy(d.eeprom[:], d.scratch[2:d.kept()])
		}
		d.writing = now + eepromTime
	case cmdRecall:
		copy(d.scratch[2:d.kept()], d.eeprom[:])
	}
}

// Read gives the next byte. While a conversion or an EEPROM write runs, read
// slots give zeros, from a device that has power of its own.
func (t *ds18b20Function) Read(now time.Duration) byte {
	d := t.device
	d.settle(now)
	switch t.command {
	case cmdConvert:
		if d.pending != nil && !d.parasite {
			return 0
		}
	case cmdCopyScratch:
		if now < d.writing && !d.parasite {
			return 0
		}
	case cmdReadSupply:
		if d.parasite {
			return 0
		}
	case cmdReadScratch:
		if len(t.out) > 0 {
			b := t.out[0]
			t.out = t.out[1:]
			return b
		}
	}
	return 0xFF
}
