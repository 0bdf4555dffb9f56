package sensor

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// ErrElement is wrapped where a converter works and its element, or the cable to
// it, is open or shorted.
var ErrElement = errors.New("the element is open or shorted")

// Transactor is a chip on an SPI bus; *bus.SPI is one.
type Transactor interface {
	Tx(w, r []byte) error
}

// MAX31865 is Maxim's converter for platinum resistance thermometers, on SPI: a
// PT100 for freezers, dry ice and liquid nitrogen, or a PT1000.
//
// Accuracy ±0.5 °C of the converter over all its range, resolution 0.03 °C; to
// which come the element's (class B: 0.3 °C + 0.005 |t|, so 1.3 °C at -200 °C)
// and the reference resistor's tolerance, 0.1 % of which are 0.26 °C at 0 °C and
// 0.05 °C at -196 °C. Range -200 to 850 °C of the element. Two wires add the
// cable's own resistance, 2.5 °C an ohm. The bias, which warms the element, is on
// for a sixth of a second a reading.
// https://www.analog.com/media/en/technical-documentation/data-sheets/MAX31865.pdf
// IEC 60751:2008, with its fourth coefficient below 0 °C: without it, -196 °C
// reads as -198.3 °C.
//
// What looks like data and is not: ones and zeros where no converter is, since SPI
// has no acknowledgement; -242 °C, from power-up until the first conversion; full
// scale with the element open and zero with it shorted; a value a little off, with
// one of its wires broken; the last one, from a converter that has stopped, which
// nothing in the part tells. So settings and limits are written before each
// reading and read back together with the value, and after it the part searches
// for broken wires.
type MAX31865 struct {
	dev      Transactor
	settings byte // filter and wires
	limits   [4]byte
	r0, ref  float64 // ohms
}

// RTD describes an element and how it is wired.
type RTD struct {
	Nominal   float64 // ohms at 0 °C
	Reference float64 // ohms of the resistor beside the converter
	Wires     int     // 2, 3 or 4
	Mains     int     // hertz of the mains whose hum is filtered out, 50 or 60
}

// NewMAX31865 makes a driver without talking to the part.
func NewMAX31865(dev Transactor, e RTD) *MAX31865 {
	d := &MAX31865{dev: dev, r0: e.Nominal, ref: e.Reference}
	if e.Wires == 3 {
		d.settings |= rtdThreeWires
	}
	if e.Mains == 50 {
		d.settings |= rtd50Hz
	}
	// A conversion beyond what platinum can be is a fault of the element's.
	binary.BigEndian.PutUint16(d.limits[0:], d.code(1.02*platinumRatio(platinumHigh))<<1)
	binary.BigEndian.PutUint16(d.limits[2:], d.code(0.9*platinumRatio(platinumLow))<<1)
	return d
}

// code is what the converter gives at a ratio to the nominal resistance.
func (d *MAX31865) code(ratio float64) uint16 {
	return uint16(min(math.Round(ratio*d.r0/d.ref*rtdScale), rtdScale-2))
}

const rtdExample = "a chip on an SPI bus such as /dev/spidev0.0"

var max31865Kind = kind{
	bus:     rtdExample,
	options: []string{"nominal", "reference", "wires", "mains", "max-rate", "stuck-after"}, defaults: Options{Nominal: 100, Mains: 60, MaxRate: 5},
	limits: thermometer,
	check: func(s Spec) (out []Problem) {
		if s.Options.Reference == 0 {
			out = append(out, Problem{"options.reference", "", "it is missing: want the ohms of the resistor beside the converter, 400 or 430 mostly for a PT100"})
		}
		if s.Options.Wires == 0 {
			out = append(out, Problem{"options.wires", "", "it is missing: want 2, 3 or 4, as the element is wired"})
		}
		if n, r := cmp.Or(s.Options.Nominal, 100), s.Options.Reference; r > 0 && n > 0 && (r < n || r > 10*n) {
			out = append(out, Problem{"options.reference", fmt.Sprint(r), fmt.Sprintf("want 1 to 10 times the nominal %g ohms, mostly 4", n)})
		}
		return out
	},
	open: func(s Spec, env Env) (Driver, error) {
		o := s.Options
		return NewMAX31865(env.Buses.SPI(s.Bus, physic.MegaHertz, spi.Mode1), RTD{Nominal: o.Nominal, Reference: o.Reference, Wires: o.Wires, Mains: o.Mains}), nil
	},
}

// Registers and bits (data sheet, "Register Memory Map").
const (
	rtdConfig = 0
	rtdLimits = 3
	rtdWrite  = 0x80
	rtdScale  = 1 << 15

	rtdBias       = 1 << 7
	rtdAuto       = 1 << 6 // convert all the time
	rtdThreeWires = 1 << 4
	rtdSearch     = 1 << 2 // for broken wires; 0 when it is over
	rtdClear      = 1 << 1 // forget faults
	rtd50Hz       = 1

	rtdOpen        = 1 << 7 // of the faults
	rtdShort       = 1 << 6
	rtdOvervoltage = 1 << 2
)

// rtdFaults are what the bits of the fault register mean.
var rtdFaults = []struct {
	bit  byte
	text string
}{
	{rtdOpen, "more resistance than platinum has: the element or its cable is open"},
	{rtdShort, "less resistance than platinum has: the element or its cable is shorted"},
	{1 << 5, "REFIN- is too high: a force wire is open or shorted"},
	{1 << 4, "REFIN- is too low: FORCE- is open"},
	{1 << 3, "RTDIN- is too low: FORCE- is open"},
	{rtdOvervoltage, "over- or undervoltage on a wire of the element"},
}

// Model implements Driver.
func (d *MAX31865) Model() string { return "max31865" }

// Quantities implements Driver.
func (d *MAX31865) Quantities() []reading.Quantity { return []reading.Quantity{reading.Temperature} }

// Lead implements Driver: the bias settles within 11 ms, a first conversion
// takes 66 ms and each other 21 ms (data sheet, "Electrical Characteristics").
func (d *MAX31865) Lead() time.Duration { return 150 * time.Millisecond }

// Close implements Driver.
func (d *MAX31865) Close() error { return nil }

// Begin implements Driver: it has the part convert until Read.
func (d *MAX31865) Begin(context.Context) error {
	if err := d.write(rtdLimits, d.limits[:]...); err != nil {
		return err
	}
	if err := d.write(rtdConfig, d.settings|rtdClear); err != nil {
		return err
	}
	return d.write(rtdConfig, d.settings|rtdBias|rtdAuto)
}

// Read implements Driver.
func (d *MAX31865) Read(context.Context) ([]Value, error) {
	r, err := d.all()
	if err != nil {
		return nil, err
	}
	v := d.value(r.code())
	if r.limits() != d.limits || r.config() != d.settings|rtdBias|rtdAuto {
		v.Quality = reading.PowerOn
		return []Value{v}, nil
	}
	faults, err := d.search()
	if err != nil {
		return nil, err
	}
	faults |= r.faults() & rtdOvervoltage
	if raw := r.code() << 1; raw >= binary.BigEndian.Uint16(d.limits[0:]) {
		faults |= rtdOpen
	} else if raw <= binary.BigEndian.Uint16(d.limits[2:]) {
		faults |= rtdShort
	}
	if faults != 0 {
		return nil, fmt.Errorf("max31865: %w: %s", ErrElement, faultText(faults))
	}
	return []Value{v}, nil
}

// maxLooks is how often the end of a search, which takes 0.55 ms, is asked for;
// each time takes more than 0.07 ms on the bus.
const maxLooks = 32

// search has the part look for broken wires, and takes the bias off.
func (d *MAX31865) search() (faults byte, err error) {
	for _, step := range []byte{rtdClear, rtdSearch} { // what an unsettled first conversion may have left is forgotten
		if err := d.write(rtdConfig, d.settings|rtdBias|step); err != nil {
			return 0, err
		}
	}
	for range maxLooks {
		r, err := d.all()
		if err != nil {
			return 0, err
		}
		if r.config() == d.settings|rtdBias {
			return r.faults(), d.write(rtdConfig, d.settings)
		}
	}
	return 0, fmt.Errorf("max31865: %w: its search for broken wires does not end", bus.ErrNotReady)
}

// value is what a conversion means.
func (d *MAX31865) value(code uint16) Value {
	celsius := platinumCelsius(float64(code) / rtdScale * d.ref / d.r0)
	return thermal(int64(math.Round(celsius*1000)), platinumLow*1000, platinumHigh*1000)
}

func faultText(faults byte) string {
	var said []string
	for _, f := range rtdFaults {
		if faults&f.bit != 0 {
			said = append(said, f.text)
		}
	}
	return strings.Join(said, "; ")
}

// rtdRegisters are all of the part's.
type rtdRegisters [8]byte

func (r rtdRegisters) config() byte    { return r[0] }
func (r rtdRegisters) code() uint16    { return binary.BigEndian.Uint16(r[1:]) >> 1 }
func (r rtdRegisters) limits() [4]byte { return [4]byte(r[3:7]) }
func (r rtdRegisters) faults() byte    { return r[7] & 0xFC }

// all reads all registers in one transaction.
func (d *MAX31865) all() (rtdRegisters, error) {
	var w, r [9]byte
	if err := d.dev.Tx(w[:], r[:]); err != nil {
		return rtdRegisters{}, err
	}
	regs := rtdRegisters(r[1:])
	for _, line := range []byte{0x00, 0xFF} {
		if regs == (rtdRegisters{line, line, line, line, line, line, line, line}) {
			return regs, fmt.Errorf("max31865: %w: the line reads %02x throughout: check the cable, the chip select and the power", bus.ErrNack, line)
		}
	}
	return regs, nil
}

func (d *MAX31865) write(register byte, data ...byte) error {
	w := append([]byte{rtdWrite | register}, data...)
	return d.dev.Tx(w, make([]byte, len(w)))
}
