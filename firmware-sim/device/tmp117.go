package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// TMP117 is Texas Instruments' digital thermometer
// (https://www.ti.com/lit/ds/symlink/tmp117.pdf). Alerts, offset and EEPROM are
// not simulated: their registers read as zeros.
type TMP117 struct {
	health
	signal *Signal

	pointer byte
	config  uint16 // without flags
	ready   bool   // a result that nobody has asked for
	result  uint16
	pending time.Duration // when the conversion under way is over; 0: there is none
}

// Registers and bits (data sheet, "Register Map").
const (
	tmpResult = 0
	tmpConfig = 1
	tmpDevice = 15

	tmpReady     = 1 << 13
	tmpMode      = 3 << 10
	tmpShutdown  = 1 << 10
	tmpOneShot   = 3 << 10
	tmpSoftReset = 1 << 1
	tmpWritable  = 0x0FFC
	tmpPowerOn   = 0x0220 // continuous, a conversion of eight every second
	tmpNoResult  = 0x8000
)

// tmpCycles are the times of a cycle by the CONV bits; one takes at least as
// long as its conversions (data sheet, table "Conversion Cycle Time").
var tmpCycles = [8]time.Duration{15500 * time.Microsecond, 125 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

// NewTMP117 makes a sensor whose power has just come.
func NewTMP117(seed uint64, name string, signal *Signal) *TMP117 {
	d := &TMP117{health: newHealth(seed, name), signal: signal}
	d.powerUp(0)
	return d
}

// powerUp sets the registers to what they are when power returns.
func (d *TMP117) powerUp(now time.Duration) {
	d.pointer, d.config, d.ready, d.result = 0, tmpPowerOn, false, tmpNoResult
	d.pending = now + d.takes()
}

// active is how long the conversions of a result take.
func (d *TMP117) active() time.Duration {
	t := 15500 * time.Microsecond * [4]time.Duration{1, 8, 32, 64}[d.config>>5&3]
	if d.fault.Kind == fault.Slow {
		t += duration(d.fault.Value)
	}
	return t
}

// takes is how long it is to the next result.
func (d *TMP117) takes() time.Duration {
	if d.config&tmpMode == tmpOneShot {
		return d.active()
	}
	return max(d.active(), tmpCycles[d.config>>7&7])
}

// True is the temperature at the element, °C.
func (d *TMP117) True() float64 { return d.signal.True() }

// SetFault makes something go wrong, or right again. The part has no checksum,
// so that flipped bits cannot be simulated as errors a driver would see.
func (d *TMP117) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("tmp117", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.Slow, fault.PowerOn, fault.Drift); err != nil {
		return err
	}
	d.settle(now)
	if f.Kind == fault.PowerOn || f.Kind == fault.Unplugged || d.fault.Kind == fault.Unplugged {
		d.powerUp(now)
	}
	d.signal.setFault(f, now)
	d.fault = f
	return nil
}

// settle takes the results of conversions that are over. Of a row of them the
// last counts. Where the supply is weak, each ends in a restart.
func (d *TMP117) settle(now time.Duration) {
	if d.pending == 0 || now < d.pending {
		return
	}
	if d.fault.Kind == fault.PowerOn {
		d.powerUp(now)
		return
	}
	at := d.pending
	if d.config&tmpMode == tmpOneShot {
		d.config = d.config&^tmpMode | tmpShutdown
		d.pending = 0
	} else {
		n := (now - d.pending) / d.takes()
		at += n * d.takes()
		d.pending = at + d.takes()
	}
	c := math.Max(-256, math.Min(255.99, d.signal.At(at)))
	d.result, d.ready = uint16(int16(math.Round(c*128))), true
}

// Tx is one I²C transaction.
func (d *TMP117) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	if d.fault.Kind == fault.Unplugged {
		return nil, 0, false
	}
	d.settle(now)
	if len(w) > 0 {
		d.pointer = w[0]
	}
	if len(w) >= 3 && d.pointer == tmpConfig {
		d.configure(now, binary.BigEndian.Uint16(w[1:]))
	}
	if n > 0 {
		r = binary.BigEndian.AppendUint16(nil, d.register())
	}
	return r, 0, true
}

// configure writes the configuration and begins what it says.
func (d *TMP117) configure(now time.Duration, v uint16) {
	if v&tmpSoftReset != 0 {
		d.powerUp(now)
		return
	}
	d.config, d.pending = v&tmpWritable, 0
	if d.config&tmpMode != tmpShutdown {
		d.pending = now + d.takes()
	}
}

// register gives the register pointed at. Reading a result or the
// configuration takes the flag back.
func (d *TMP117) register() uint16 {
	switch d.pointer {
	case tmpResult:
		d.ready = false
		return d.result
	case tmpConfig:
		c := d.config
		if d.ready {
			c |= tmpReady
		}
		d.ready = false
		return c
	case tmpDevice:
		return 0x0117
	}
	return 0
}
