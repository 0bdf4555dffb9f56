package device

import (
	"time"

	"frostline/firmware-sim/fault"
)

// Contact is a reed contact at a door, or a switch under a lid, between a GPIO line with a pull-up and
// ground: a closed door pulls the line low, an open door and a cut cable let it
// go high. So the line fails to "open".
type Contact struct {
	health
	open func() bool
	held bool // level while stuck
}

// NewContact makes a contact that follows open.
func NewContact(seed uint64, name string, open func() bool) *Contact {
	return &Contact{health: newHealth(seed, name), open: open}
}

// True is 1 while the door is open and 0 otherwise.
func (d *Contact) True() float64 {
	if d.open() || d.fault.Kind == fault.DoorOpen {
		return 1
	}
	return 0
}

// SetFault makes something go wrong, or right again. Door-open opens it. Noisy is a contact that
// bounces: the value is the share of reads that are wrong, half of them where it
// is above 1. Stuck takes no value other than 0 for closed and 1 for open.
func (d *Contact) SetFault(f fault.Fault, _ time.Duration) error {
	if err := d.accept("contact", f, fault.None, fault.Unplugged, fault.DoorOpen, fault.Stuck, fault.Noisy); err != nil {
		return err
	}
	if f.Kind == fault.Stuck {
		switch f.Value {
		case 0:
			d.held = false
		case 1:
			d.held = true
		default:
			d.held = d.open()
		}
	}
	d.fault = f
	return nil
}

// Level is the line's level, true for high.
func (d *Contact) Level(now time.Duration) bool {
	switch d.fault.Kind {
	case fault.Unplugged, fault.DoorOpen:
		return true
	case fault.Stuck:
		return d.held
	case fault.Noisy:
		share := d.fault.Value
		if share > 1 {
			share = 0.5
		}
		return d.open() != (d.flips.noise.Uniform(now.Milliseconds()) < share)
	}
	return d.open()
}
