package intake

import (
	"errors"
	"time"
)

// Clock says how well the hub knows the time.
type Clock interface {
	// Uncertainty bounds how far the hub's clock is from UTC. An error means
	// that nothing is known: gateways are then not told the time.
	Uncertainty() (time.Duration, error)
}

// SystemClock is the machine's clock. Its uncertainty is what the kernel says
// while it is being synchronised; otherwise Assumed, or nothing is known where
// that is 0.
type SystemClock struct{ Assumed time.Duration }

// Uncertainty implements Clock.
func (c SystemClock) Uncertainty() (time.Duration, error) {
	if u, ok := kernelUncertainty(); ok {
		return u, nil
	}
	if c.Assumed > 0 {
		return c.Assumed, nil
	}
	return 0, errUnsynchronised
}

var errUnsynchronised = errors.New("the kernel does not say that its clock is synchronised: run chrony, ntpd or systemd-timesyncd, or state how far it may be off")
