package device

import (
	"math"
	"sort"
	"time"

	"frostline/firmware-sim/fault"
)

// BME280 is Bosch's sensor of temperature, humidity and pressure
// (https://www.bosch-sensortec.com/media/boschsensortec/downloads/datasheets/bst-bme280-ds002.pdf),
// on I²C and in forced mode: normal mode measures once and stays. Its filter is
// not simulated.
type BME280 struct {
	health
	temperature, humidity, pressure *Signal

	pointer     byte
	memory      [256]byte     // registers
	oversampled byte          // ctrl_hum, which counts from the next write of ctrl_meas
	pending     time.Duration // when the measurement under way is over; 0: there is none
}

// Registers (data sheet, "Memory map").
const (
	bmeIdentity = 0xD0
	bmeReset    = 0xE0
	bmeHumidity = 0xF2
	bmeStatus   = 0xF3
	bmeMeasure  = 0xF4
	bmeConfig   = 0xF5
	bmeData     = 0xF7
)

// bmeTrimming is the calibration of the part: the example of the data sheet of
// the BMP280, and humidity numbers of a real one.
var bmeTrimming = struct {
	t    [3]float64
	p    [9]float64
	h    [6]float64
	low  [26]byte // from 0x88
	high [7]byte  // from 0xE1
}{
	t: [3]float64{27504, 26435, -1000},
	p: [9]float64{36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000},
	h: [6]float64{75, 362, 0, 313, 50, 30},
	low: [26]byte{0x70, 0x6B, 0x43, 0x67, 0x18, 0xFC, 0x7D, 0x8E, 0x43, 0xD6, 0xD0, 0x0B, 0x27, 0x0B, 0x8C, 0x00,
		0xF9, 0xFF, 0x8C, 0x3C, 0xF8, 0xC6, 0x70, 0x17, 0x00, 0x4B},
	high: [7]byte{0x6A, 0x01, 0x00, 0x13, 0x29, 0x03, 0x1E},
}

// NewBME280 makes a sensor with signals in °C, % relative humidity and Pa.
func NewBME280(seed uint64, name string, temperature, humidity, pressure *Signal) *BME280 {
	d := &BME280{health: newHealth(seed, name), temperature: temperature, humidity: humidity, pressure: pressure}
	d.powerUp()
	return d
}

// powerUp sets the registers to what they are when power returns.
func (d *BME280) powerUp() {
	d.pointer, d.pending, d.oversampled, d.memory = 0, 0, 0, [256]byte{}
	copy(d.memory[0x88:], bmeTrimming.low[:])
	copy(d.memory[0xE1:], bmeTrimming.high[:])
	d.memory[bmeIdentity] = 0x60
	copy(d.memory[bmeData:], []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0})
}

// True is the temperature at the element, °C.
func (d *BME280) True() float64 { return d.temperature.True() }

// SetFault makes something go wrong, or right again. The part has no checksum,
// so that flipped bits cannot be simulated as errors a driver would see.
func (d *BME280) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("bme280", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.Slow, fault.PowerOn, fault.Drift); err != nil {
		return err
	}
	d.settle(now)
	if f.Kind == fault.PowerOn || f.Kind == fault.Unplugged || d.fault.Kind == fault.Unplugged {
		d.powerUp()
	}
	d.temperature.setFault(f, now)
	d.humidity.setOther(f, now)
	d.pressure.setOther(f, now)
	d.fault = f
	return nil
}

// Tx is one I²C transaction: pairs of register and value are written, and what
// is read follows the last register alone.
func (d *BME280) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	if d.fault.Kind == fault.Unplugged {
		return nil, 0, false
	}
	d.settle(now)
	for ; len(w) >= 2; w = w[2:] {
		d.write(now, w[0], w[1])
	}
	if len(w) == 1 {
		d.pointer = w[0]
	}
	for i := range n {
		r = append(r, d.memory[d.pointer+byte(i)])
	}
	return r, 0, true
}

func (d *BME280) write(now time.Duration, register, v byte) {
	switch register {
	case bmeReset:
		if v == 0xB6 {
			d.powerUp()
		}
	case bmeHumidity:
		d.memory[register] = v & 7
	case bmeConfig:
		d.memory[register] = v
	case bmeMeasure:
		d.memory[register], d.oversampled = v, d.memory[bmeHumidity]
		if v&3 != 0 {
			d.memory[bmeStatus] |= 8
			d.pending = now + d.takes(v)
		}
	}
}

// times is the oversampling that three bits say.
func times(bits byte) time.Duration { return [8]time.Duration{0, 1, 2, 4, 8, 16, 16, 16}[bits&7] }

// takes is how long a measurement takes at most (data sheet, appendix B).
func (d *BME280) takes(v byte) time.Duration {
	t := 1250*time.Microsecond + 2300*time.Microsecond*times(v>>5)
	for _, n := range []time.Duration{times(v >> 2), times(d.oversampled)} {
		if n > 0 {
			t += 2300*time.Microsecond*n + 575*time.Microsecond
		}
	}
	if d.fault.Kind == fault.Slow {
		t += duration(d.fault.Value)
	}
	return t
}

// settle takes a measurement that is over into the registers. Where the supply
// is weak, it ends in a restart.
func (d *BME280) settle(now time.Duration) {
	if d.pending == 0 || now < d.pending {
		return
	}
	at := d.pending
	d.pending = 0
	if d.fault.Kind == fault.PowerOn {
		d.powerUp()
		return
	}
	d.memory[bmeStatus] &^= 8
	v := d.memory[bmeMeasure]
	d.memory[bmeMeasure] &^= 3
	t, p, h := 1<<19, 1<<19, 1<<15 // not measured
	var fine float64
	if times(v>>5) > 0 {
		c := math.Max(-40, math.Min(85, d.temperature.At(at)))
		t = first(1<<20, func(raw int) bool { _, c2 := bmeTemperature(float64(raw)); return c2 >= c })
		fine, _ = bmeTemperature(float64(t))
		if times(v>>2) > 0 {
			pa := d.pressure.At(at)
			p = first(1<<20, func(raw int) bool { return bmePressure(float64(raw), fine) <= pa })
		}
		if times(d.oversampled) > 0 {
			rh := math.Max(0, math.Min(100, d.humidity.At(at)))
			h = first(1<<16, func(raw int) bool { return bmeHumid(float64(raw), fine) >= rh })
		}
	}
	copy(d.memory[bmeData:], []byte{
		byte(p >> 12), byte(p >> 4), byte(p << 4), byte(t >> 12), byte(t >> 4), byte(t << 4), byte(h >> 8), byte(h),
	})
}

// first is the first number below n from which on is holds, and at most n-1.
func first(n int, is func(int) bool) int { return min(sort.Search(n, is), n-1) }

// bmeTemperature is the floating-point formula of the data sheet, section 8.1,
// as are the two below.
func bmeTemperature(raw float64) (fine, celsius float64) {
	t := bmeTrimming.t
	a := (raw/16384 - t[0]/1024) * t[1]
	b := raw/131072 - t[0]/8192
	fine = a + b*b*t[2]
	return fine, fine / 5120
}

func bmePressure(raw, fine float64) float64 {
	c := bmeTrimming.p
	a := fine/2 - 64000
	b := a*a*c[5]/32768 + a*c[4]*2
	b = b/4 + c[3]*65536
	a = (c[2]*a*a/524288 + c[1]*a) / 524288
	a = (1 + a/32768) * c[0]
	if a == 0 {
		return 0
	}
	p := (1048576 - raw - b/4096) * 6250 / a
	return p + (c[8]*p*p/2147483648+p*c[7]/32768+c[6])/16
}

func bmeHumid(raw, fine float64) float64 {
	c := bmeTrimming.h
	h := fine - 76800
	h = (raw - (c[3]*64 + c[4]/16384*h)) * (c[1] / 65536 * (1 + c[5]/67108864*h*(1+c[2]/67108864*h)))
	return math.Max(0, math.Min(100, h*(1-c[0]*h/524288)))
}
