package device

import (
	"encoding/binary"
	"time"
)

// SHT3x is Sensirion's humidity and temperature sensor before the SHT4x
// (https://sensirion.com/media/documents/213E6A3B/63A5A569/Datasheet_SHT3x_DIS.pdf).
// Periodic measurements, clock stretching, alerts and heater are not simulated:
// those commands are not acknowledged.
type SHT3x struct {
	sensirion
	serial uint32
	status uint16
}

// Commands (data sheet, "Measurement Commands for Single Shot" and following).
const (
	sht3High   = 0x2400
	sht3Medium = 0x240B
	sht3Low    = 0x2416
	sht3Serial = 0x3682
	sht3Status = 0xF32D
	sht3Clear  = 0x3041
	sht3Reset  = 0x30A2
)

// sht3Restarted is the bit of the status that a restart sets.
const sht3Restarted = 1 << 4

// sht3Times are the longest durations (data sheet, "System Timings").
var sht3Times = map[uint16]time.Duration{
	sht3High: 15500 * time.Microsecond, sht3Medium: 6500 * time.Microsecond, sht3Low: 4500 * time.Microsecond,
	sht3Reset: 1500 * time.Microsecond,
}

// sht3Noise is how much noisier a measurement of lower repeatability is.
var sht3Noise = map[uint16]float64{sht3High: 1, sht3Medium: 1.8, sht3Low: 3}

// NewSHT3x makes a sensor with signals in °C and % relative humidity.
func NewSHT3x(seed uint64, name string, serial uint32, temperature, humidity *Signal) *SHT3x {
	return &SHT3x{sensirion: newSensirion(seed, "sht3x", name, temperature, humidity), serial: serial, status: sht3Restarted}
}

// Tx is one I²C transaction. A busy sensor does not acknowledge.
func (d *SHT3x) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	return d.tx(now, n, func() bool { return len(w) == 0 || len(w) == 2 && d.command(now, binary.BigEndian.Uint16(w)) })
}

// command starts a command, and says whether there is such a one.
func (d *SHT3x) command(now time.Duration, c uint16) bool {
	switch c {
	case sht3High, sht3Medium, sht3Low:
		d.begin(now, sht3Times[c])
		// Data sheet, "Conversion of Signal Output".
		t, rh := d.sense(now, sht3Noise[c])
		d.answer(ticks(t, -45, 175), ticks(rh, 0, 100))
	case sht3Serial:
		d.answer(uint16(d.serial>>16), uint16(d.serial))
	case sht3Status:
		d.answer(d.status)
	case sht3Clear:
		d.status = 0
	case sht3Reset:
		d.busy, d.frame, d.status = now+sht3Times[c], nil, sht3Restarted
	default:
		return false
	}
	return true
}
