package doctor

import (
	"context"
	"time"

	"frostline/edge/panel"
	"frostline/proto/calibration"
)

// Certificate is that of a configured thermometer.
type Certificate struct {
	Sensor string
	calibration.Certificate
}

// expiresSoon is when a certificate is worth a word.
const expiresSoon = 30 * 24 * time.Hour

// guardChecks tell what the gateway watches by itself, and whether the
// certificates of its thermometers hold.
func (b *bench) guardChecks() []check {
	var checks []check
	if b.running != nil && len(b.running.Guard.Watches) > 0 {
		checks = append(checks, one("watched", time.Second, func(context.Context) Result { return watched(b.running.Guard) }))
	}
	for _, c := range b.Certificates {
		checks = append(checks, one("calibration "+c.Sensor, time.Second, func(context.Context) Result { return certified(c, b.now()) }))
	}
	return checks
}

func watched(g panel.Guard) Result {
	out, unknown, waiting := 0, 0, 0
	for _, w := range g.Watches {
		switch w.State {
		case panel.WatchOut:
			out++
		case panel.WatchUnknown:
			unknown++
		}
	}
	for _, a := range g.Alarms {
		if !a.Acknowledged {
			waiting++
		}
	}
	switch n := len(g.Watches); {
	case out > 0:
		return fail("Bring what is there back into its range; frostline-edge alarms says where.", "%d of %d that are watched are out of their range, %d unknown", out, n, unknown)
	case unknown > 0:
		return warn("Check the sensors that are silent or bad.", "%d of %d that are watched are unknown", unknown, n)
	case waiting > 0:
		return warn("Look at frostline-edge alarms, and acknowledge them with the reason.", "all %d that are watched are in range; %d alarms are not acknowledged", n, waiting)
	default:
		return ok("all %d that are watched are in range", n)
	}
}

func certified(c Certificate, now time.Time) Result {
	until := time.UnixMilli(c.ValidUntil).UTC()
	day := until.Format(time.DateOnly)
	switch c.At(now.UnixMilli()) {
	case calibration.Expired:
		return warn("Have it calibrated, and put the new certificate into the configuration.", "certificate %s of %s expired on %s, by this host's clock: its readings are shown as such", c.ID, c.Issuer, day)
	case calibration.Early:
		return warn("Check valid-from, and this host's clock.", "certificate %s of %s is not valid before %s", c.ID, c.Issuer, time.UnixMilli(c.ValidFrom).UTC().Format(time.DateOnly))
	}
	if until.Sub(now) < expiresSoon {
		return warn("Have it calibrated before that.", "certificate %s of %s expires on %s", c.ID, c.Issuer, day)
	}
	return ok("certificate %s of %s, valid until %s", c.ID, c.Issuer, day)
}
