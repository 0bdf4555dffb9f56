package device

import (
	"time"

	"frostline/firmware-sim/fault"
)

// Indicator is a lamp or a buzzer on a GPIO output. It follows its line, and
// counts how often that went high.
type Indicator struct {
	health
	high  bool
	rises uint64
}

// NewIndicator makes an indicator whose line is low.
func NewIndicator(seed uint64, name string) *Indicator {
	return &Indicator{health: newHealth(seed, name)}
}

// True is 1 while the line is driven high and 0 otherwise.
func (d *Indicator) True() float64 {
	if d.high {
		return 1
	}
	return 0
}

// Rises counts how often the line went from low to high.
func (d *Indicator) Rises() uint64 { return d.rises }

// SetFault makes something go wrong, or right again. Unplugged: the line cannot
// be driven.
func (d *Indicator) SetFault(f fault.Fault, _ time.Duration) error {
	if err := d.accept("indicator", f, fault.None, fault.Unplugged); err != nil {
		return err
	}
	d.fault = f
	return nil
}

// Level is the line's level, true for high.
func (d *Indicator) Level(time.Duration) bool { return d.high }

// Drive sets the line's level. It reports whether that worked.
func (d *Indicator) Drive(high bool) bool {
	if d.fault.Kind == fault.Unplugged {
		return false
	}
	if high && !d.high {
		d.rises++
	}
	d.high = high
	return true
}
