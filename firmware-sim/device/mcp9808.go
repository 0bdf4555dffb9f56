package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// MCP9808 is Microchip's digital thermometer
// (https://ww1.microchip.com/downloads/en/DeviceDoc/MCP9808-0.5C-Maximum-Accuracy-Digital-Temperature-Sensor-Data-Sheet-DS20005095B.pdf).
// Its alert output pin is not wired; the alert flags in the temperature
// register are there, without hysteresis.
type MCP9808 struct {
	health
	signal *Signal

	pointer    byte
	config     uint16
	limits     [3]uint16 // upper, lower, critical
	resolution byte      // 0 to 3: 0.5, 0.25, 0.125, 0.0625 °C
	started    time.Duration
	finished   int64  // conversions since started
	ambient    uint16 // 13-bit temperature of the last conversion
}

// Registers (data sheet, "Register Pointer").
const (
	mcpConfig       = 1
	mcpUpper        = 2
	mcpLower        = 3
	mcpCritical     = 4
	mcpAmbient      = 5
	mcpManufacturer = 6
	mcpDevice       = 7
	mcpResolution   = 8
)

// Bits of the configuration register.
const (
	mcpShutdown     = 1 << 8
	mcpCriticalLock = 1 << 7
	mcpWindowLock   = 1 << 6
)

// mcpTimes are the conversion times by resolution.
var mcpTimes = [4]time.Duration{30 * time.Millisecond, 65 * time.Millisecond, 130 * time.Millisecond, 250 * time.Millisecond}

// NewMCP9808 makes a sensor that was powered up a second ago, so that its first
// conversion is over.
func NewMCP9808(seed uint64, name string, signal *Signal) *MCP9808 {
	d := &MCP9808{health: newHealth(seed, name), signal: signal}
	d.powerUp(-time.Second)
	return d
}

// powerUp sets the registers to what they are when power returns. Until the
// first conversion is over the temperature reads 0 °C, as it does in the part.
func (d *MCP9808) powerUp(now time.Duration) {
	d.pointer, d.config, d.limits, d.resolution, d.ambient = 0, 0, [3]uint16{}, 3, 0
	d.restart(now)
}

// restart begins a new series of conversions.
func (d *MCP9808) restart(now time.Duration) { d.started, d.finished = now, 0 }

// True is the temperature at the element, °C.
func (d *MCP9808) True() float64 { return d.signal.True() }

// SetFault makes something go wrong, or right again. The part has no checksum,
// so that flipped bits cannot be simulated as errors a driver would see.
func (d *MCP9808) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept("mcp9808", f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.Slow, fault.Drift); err != nil {
		return err
	}
	d.settle(now)
	if f.Kind == fault.Unplugged || d.fault.Kind == fault.Unplugged {
		d.powerUp(now)
	}
	d.signal.setFault(f, now)
	d.fault = f
	return nil
}

// settle takes the latest finished conversion into the register.
func (d *MCP9808) settle(now time.Duration) {
	if d.config&mcpShutdown != 0 {
		return
	}
	n := int64((now - d.started) / mcpTimes[d.resolution])
	if n <= d.finished {
		return
	}
	d.finished = n
	at := d.started + time.Duration(n)*mcpTimes[d.resolution]
	c := math.Max(-40, math.Min(125, d.signal.At(at)))
	raw := int(math.Round(c*16)) &^ (1<<(3-d.resolution) - 1)
	d.ambient = uint16(raw) & 0x1FFF
}

// Tx is one I²C transaction. A slow sensor stretches the clock.
func (d *MCP9808) Tx(now time.Duration, w []byte, n int) (r []byte, hold time.Duration, ack bool) {
	if d.fault.Kind == fault.Unplugged {
		return nil, 0, false
	}
	if d.fault.Kind == fault.Slow {
		hold = duration(d.fault.Value)
	}
	d.settle(now)
	if len(w) > 0 {
		d.pointer = w[0] & 0x0F
		d.write(now, w[1:])
	}
	if n > 0 {
		r = d.register()
	}
	return r, hold, true
}

// register gives the bytes of the register pointed at. Reserved ones read as
// zeros.
func (d *MCP9808) register() []byte {
	word := func(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
	switch d.pointer {
	case mcpConfig:
		return word(d.config)
	case mcpUpper, mcpLower, mcpCritical:
		return word(d.limits[d.pointer-mcpUpper])
	case mcpAmbient:
		return word(d.ambient | d.flags())
	case mcpManufacturer:
		return word(0x0054)
	case mcpDevice:
		return word(0x0400)
	case mcpResolution:
		return []byte{d.resolution}
	}
	return word(0)
}

// flags are the comparisons of the last conversion with the limits.
func (d *MCP9808) flags() (f uint16) {
	t := signed13(d.ambient)
	if t >= signed13(d.limits[2]) {
		f |= 1 << 15
	}
	if t > signed13(d.limits[0]) {
		f |= 1 << 14
	}
	if t < signed13(d.limits[1]) {
		f |= 1 << 13
	}
	return f
}

// signed13 extends the sign of a 13-bit two's complement number.
func signed13(v uint16) int16 { return int16(v<<3) >> 3 }

// write sets a register. Ambient temperature and identification cannot be
// written, locked limits not until power-up.
func (d *MCP9808) write(now time.Duration, data []byte) {
	if d.pointer == mcpResolution && len(data) >= 1 {
		d.resolution = data[0] & 3
		d.restart(now)
		return
	}
	if len(data) < 2 {
		return
	}
	v := binary.BigEndian.Uint16(data)
	switch d.pointer {
	case mcpConfig:
		woken := d.config&mcpShutdown != 0 && v&mcpShutdown == 0
		d.config = v&0x07FF | d.config&(mcpCriticalLock|mcpWindowLock)
		if woken {
			d.restart(now)
		}
	case mcpUpper, mcpLower:
		if d.config&mcpWindowLock == 0 {
			d.limits[d.pointer-mcpUpper] = v & 0x1FFC
		}
	case mcpCritical:
		if d.config&mcpCriticalLock == 0 {
			d.limits[2] = v & 0x1FFC
		}
	}
}
