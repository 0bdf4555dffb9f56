package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// MAX31865 is Maxim's converter with a PT100 of four wires and a reference
// resistor of 430 ohms
// (https://www.analog.com/media/en/technical-documentation/data-sheets/MAX31865.pdf).
// Of the search for faults the automatic one is simulated.
type MAX31865 struct {
	health
	signal *Signal

	memory    [8]byte       // registers
	converted time.Duration // when the next conversion is over; 0: none is under way
	search    time.Duration // when the search is over; 0: none is under way
	looks     int           // transactions since the search began
}

// Registers and bits (data sheet, "Register Memory Map").
const (
	rtdConfig = 0
	rtdValue  = 1
	rtdHigh   = 3
	rtdLow    = 5
	rtdFaults = 7

	rtdBias   = 1 << 7
	rtdAuto   = 1 << 6
	rtdOnce   = 1 << 5
	rtdSearch = 3 << 2
	rtdClear  = 1 << 1
	rtd50Hz   = 1

	rtdAboveHigh = 1 << 7
	rtdBelowLow  = 1 << 6
	rtdForceOpen = 1<<4 | 1<<3
)

// Resistors, ohms.
const (
	rtdNominal   = 100.0
	rtdReference = 430.0
)

// searchTime is how long the automatic search takes. Where time stands still
// during a transaction, searchLooks transactions are as good.
const (
	searchTime  = 550 * time.Microsecond
	searchLooks = 4
)

// NewMAX31865 makes a converter with the temperature of its element, °C.
func NewMAX31865(seed uint64, name string, signal *Signal) *MAX31865 {
	d := &MAX31865{health: newHealth(seed, name), signal: signal}
	d.powerUp()
	return d
}

// powerUp sets the registers to what they are when power returns.
func (d *MAX31865) powerUp() {
	d.memory = [8]byte{rtdHigh: 0xFF, rtdHigh + 1: 0xFF}
	d.converted, d.search = 0, 0
}

// True is the temperature of the element, °C.
func (d *MAX31865) True() float64 { return d.signal.True() }

// SetFault makes something go wrong, or right again. The part has no checksum,
// so that flipped bits cannot be simulated as errors a driver would see.
func (d *MAX31865) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("max31865", f, fault.None, fault.Unplugged, fault.Open, fault.Short, fault.Stuck, fault.Noisy, fault.PowerOn, fault.Drift); err != nil {
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

// Transfer is one transaction: a register, the highest bit of it set for a
// write, then data of it and of those that follow.
func (d *MAX31865) Transfer(now time.Duration, w []byte) []byte {
	r := make([]byte, len(w))
	for i := range r {
		r[i] = 0xFF
	}
	if d.fault.Kind == fault.Unplugged || len(w) == 0 {
		return r
	}
	d.looks++
	d.settle(now)
	for i, v := range w[1:] {
		at := int(w[0]&0x7F) + i
		switch {
		case at >= len(d.memory):
		case w[0]&0x80 == 0:
			r[i+1] = d.memory[at]
		case at == rtdConfig:
			d.configure(now, v)
		case at >= rtdHigh && at < rtdFaults:
			d.memory[at] = v
		}
	}
	return r
}

// configure writes the configuration and begins what it says.
func (d *MAX31865) configure(now time.Duration, v byte) {
	if v&rtdClear != 0 && v&(rtdOnce|rtdSearch) == 0 {
		d.memory[rtdFaults] = 0
		d.memory[rtdValue+1] &^= 1
	}
	d.memory[rtdConfig] = v &^ rtdClear
	d.converted, d.search = 0, 0
	if v&(rtdAuto|rtdOnce) != 0 && v&rtdBias != 0 {
		d.converted = now + 55*time.Millisecond
		if v&rtd50Hz != 0 {
			d.converted = now + 66*time.Millisecond
		}
	}
	if v&rtdSearch == 1<<2 && v&rtdBias != 0 && v&(rtdAuto|rtdOnce) == 0 {
		d.search, d.looks = now+searchTime, 0
	}
}

// settle takes what is over into the registers. Where the supply is weak, a
// conversion ends in a restart.
func (d *MAX31865) settle(now time.Duration) {
	if d.search != 0 && (now >= d.search || d.looks >= searchLooks) {
		d.search = 0
		d.memory[rtdConfig] &^= rtdSearch
		if d.fault.Kind == fault.Open {
			d.memory[rtdFaults] |= rtdForceOpen
		}
	}
	if d.converted == 0 || now < d.converted {
		return
	}
	if d.fault.Kind == fault.PowerOn {
		d.powerUp()
		return
	}
	d.convert(d.converted)
	if d.memory[rtdConfig]&rtdAuto != 0 {
		d.converted = now + 21*time.Millisecond
	} else {
		d.memory[rtdConfig] &^= rtdOnce
		d.converted = 0
	}
}

// convert digitises the element and compares it with the limits.
func (d *MAX31865) convert(at time.Duration) {
	ohms := platinum(rtdNominal, d.signal.At(at))
	switch d.fault.Kind {
	case fault.Open:
		ohms = math.Inf(1)
	case fault.Short:
		ohms = 0
	}
	code := uint16(math.Round(math.Min(ohms/rtdReference, 1)*32767)) << 1
	if code >= binary.BigEndian.Uint16(d.memory[rtdHigh:])&^1 {
		d.memory[rtdFaults] |= rtdAboveHigh
	}
	if code <= binary.BigEndian.Uint16(d.memory[rtdLow:])&^1 {
		d.memory[rtdFaults] |= rtdBelowLow
	}
	if d.memory[rtdFaults] != 0 {
		code |= 1
	}
	binary.BigEndian.PutUint16(d.memory[rtdValue:], code)
}

// platinum is the resistance of an element at a temperature, by Callendar and
// van Dusen (IEC 60751).
func platinum(nominal, celsius float64) float64 {
	t := math.Max(-200, math.Min(850, celsius))
	r := 1 + 3.9083e-3*t - 5.775e-7*t*t
	if t < 0 {
		r -= 4.183e-12 * (t - 100) * math.Pow(t, 3)
	}
	return nominal * r
}
