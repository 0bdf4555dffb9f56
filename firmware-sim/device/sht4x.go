package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// SHT4x is Sensirion's humidity and temperature sensor
// (https://sensirion.com/media/documents/33FD6951/662A593A/HT_DS_Datasheet_SHT4x.pdf).
// Its heater is not simulated: those commands are not acknowledged.
type SHT4x struct {
	health
	temperature *Signal
	humidity    *Signal
	serial      uint32

	busy  time.Duration // measuring or resetting until then
	frame []byte        // what the next read gives; nil: nothing to read
}

// Commands (data sheet, "Command Overview").
const (
	shtHigh   = 0xFD
	shtMedium = 0xF6
	shtLow    = 0xE0
	shtSerial = 0x89
	shtReset  = 0x94
)

// shtTimes are the longest durations of the commands (data sheet, "Timings").
var shtTimes = map[byte]time.Duration{
	shtHigh: 8300 * time.Microsecond, shtMedium: 4500 * time.Microsecond, shtLow: 1600 * time.Microsecond,
	shtReset: time.Millisecond,
}

// shtNoise is how much noisier a measurement of lower repeatability is.
var shtNoise = map[byte]float64{shtHigh: 1, shtMedium: 1.7, shtLow: 2.5}

// NewSHT4x makes a sensor with signals in °C and % relative humidity.
func NewSHT4x(seed uint64, name string, serial uint32, temperature, humidity *Signal) *SHT4x {
	return &SHT4x{health: newHealth(seed, name), temperature: temperature, humidity: humidity, serial: serial}
}

// True is the temperature at the element, °C.
func (d *SHT4x) True() float64 { return d.temperature.True() }

// SetFault makes something go wrong, or right again.
func (d *SHT4x) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("sht4x", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.CRC, fault.Slow, fault.Drift); err != nil {
		return err
	}
	if f.Kind == fault.Unplugged {
		d.busy, d.frame = 0, nil
	}
	d.temperature.setFault(f, now)
	// Stuck at a temperature of one's choice leaves humidity at what it is.
	if f.Kind == fault.Stuck {
		f.Value = math.NaN()
	}
	if f.Kind == fault.Drift {
		d.humidity.setFault(fault.Clear, now) // a drift is in °C
	} else {
		d.humidity.setFault(f, now)
	}
	d.fault = f
	return nil
}

// Tx is one I²C transaction. A busy sensor does not acknowledge.
func (d *SHT4x) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	if d.fault.Kind == fault.Unplugged || now < d.busy {
		return nil, 0, false
	}
	if len(w) > 1 || len(w) == 1 && !d.command(now, w[0]) {
		return nil, 0, false
	}
	if n == 0 {
		return nil, 0, true
	}
	if now < d.busy || d.frame == nil {
		return nil, 0, false
	}
	r, d.frame = d.frame, nil
	return r, 0, true
}

// command starts a command, and says whether there is such a one.
func (d *SHT4x) command(now time.Duration, c byte) bool {
	switch c {
	case shtHigh, shtMedium, shtLow:
		d.busy = now + shtTimes[c]
		if d.fault.Kind == fault.Slow {
			d.busy += duration(d.fault.Value)
		}
		d.measure(now, shtNoise[c])
	case shtSerial:
		d.answer(uint16(d.serial>>16), uint16(d.serial))
	case shtReset:
		d.busy, d.frame = now+shtTimes[c], nil
	default:
		return false
	}
	return true
}

// measure digitises both signals (data sheet, "Signal Conversion").
func (d *SHT4x) measure(now time.Duration, coarser float64) {
	t, rh := d.temperature.coarse(now, coarser), d.humidity.coarse(now, coarser)
	d.answer(ticks(t, -45, 175), ticks(rh, -6, 125))
}

// ticks is the 16-bit number of v where 0 means low and 65535 low+span.
func ticks(v, low, span float64) uint16 {
	return uint16(math.Round(math.Max(0, math.Min(1, (v-low)/span)) * 65535))
}

// answer prepares two words with their checksums.
func (d *SHT4x) answer(a, b uint16) {
	frame := make([]byte, 6)
	binary.BigEndian.PutUint16(frame, a)
	frame[2] = crcSensirion(frame[:2])
	binary.BigEndian.PutUint16(frame[3:], b)
	frame[5] = crcSensirion(frame[3:5])
	if d.fault.Kind == fault.CRC {
		d.flips.spoil(frame, d.fault.Value)
	}
	d.frame = frame
}
