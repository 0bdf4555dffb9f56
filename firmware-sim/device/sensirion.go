package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// sensirion is what an SHT3x and an SHT4x have in common.
type sensirion struct {
	health
	kind        string
	temperature *Signal
	humidity    *Signal

	busy  time.Duration // measuring or resetting until then
	frame []byte        // what the next read gives; nil: nothing to read
}

func newSensirion(seed uint64, kind, name string, temperature, humidity *Signal) sensirion {
	return sensirion{health: newHealth(seed, name), kind: kind, temperature: temperature, humidity: humidity}
}

// True is the temperature at the element, °C.
func (d *sensirion) True() float64 { return d.temperature.True() }

// SetFault makes something go wrong, or right again.
func (d *sensirion) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept(d.kind, f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.CRC, fault.Slow, fault.Drift); err != nil {
		return err
	}
	if f.Kind == fault.Unplugged {
		d.busy, d.frame = 0, nil
	}
	d.temperature.setFault(f, now)
	d.humidity.setOther(f, now)
	d.fault = f
	return nil
}

// tx is one I²C transaction: a command where there is one, then a read of n
// bytes where n is not 0. A busy sensor does not acknowledge.
func (d *sensirion) tx(now time.Duration, n int, command func() bool) (r []byte, hold time.Duration, ack bool) {
	if d.fault.Kind == fault.Unplugged || now < d.busy || !command() {
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

// begin is busy for as long as a measurement takes.
func (d *sensirion) begin(now, takes time.Duration) {
	d.busy = now + takes
	if d.fault.Kind == fault.Slow {
		d.busy += duration(d.fault.Value)
	}
}

// sense gives both signals, in °C and %.
func (d *sensirion) sense(now time.Duration, coarser float64) (t, rh float64) {
	return d.temperature.coarse(now, coarser), d.humidity.coarse(now, coarser)
}

// ticks is the 16-bit number of v where 0 means low and 65535 low+span.
func ticks(v, low, span float64) uint16 {
	return uint16(math.Round(math.Max(0, math.Min(1, (v-low)/span)) * 65535))
}

// answer prepares words with their checksums.
func (d *sensirion) answer(words ...uint16) {
	var frame []byte
	for _, w := range words {
		frame = binary.BigEndian.AppendUint16(frame, w)
		frame = append(frame, crcSensirion(frame[len(frame)-2:]))
	}
	if d.fault.Kind == fault.CRC {
		d.flips.spoil(frame, d.fault.Value)
	}
	d.frame = frame
}
