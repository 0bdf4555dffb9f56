package device

import "time"

// SHT4x is Sensirion's humidity and temperature sensor
// (https://sensirion.com/media/documents/33FD6951/662A593A/HT_DS_Datasheet_SHT4x.pdf).
// Its heater is not simulated: those commands are not acknowledged.
type SHT4x struct {
	sensirion
	serial uint32
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
	return &SHT4x{sensirion: newSensirion(seed, "sht4x", name, temperature, humidity), serial: serial}
}

// Tx is one I²C transaction. A busy sensor does not acknowledge.
func (d *SHT4x) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	return d.tx(now, n, func() bool { return len(w) == 0 || len(w) == 1 && d.command(now, w[0]) })
}

// command starts a command, and says whether there is such a one.
func (d *SHT4x) command(now time.Duration, c byte) bool {
	switch c {
	case shtHigh, shtMedium, shtLow:
		d.begin(now, shtTimes[c])
		// Data sheet, "Signal Conversion".
		t, rh := d.sense(now, shtNoise[c])
		d.answer(ticks(t, -45, 175), ticks(rh, -6, 125))
	case shtSerial:
		d.answer(uint16(d.serial>>16), uint16(d.serial))
	case shtReset:
		d.busy, d.frame = now+shtTimes[c], nil
	default:
		return false
	}
	return true
}
