package world

import "math"

// vapour is the moisture of an enclosed volume of air, kept as its dew point:
// infiltration pulls it towards the dew point around it, a running evaporator
// towards its coil's temperature.
type vapour struct{ dewC float64 }

// Time constants of moisture, seconds.
const (
	leakTime = 12 * 3600 // through seals, door closed
	openTime = 600       // through an open door
	coilTime = 300       // onto a running evaporator
)

// dewBelow is how far outdoor air's dew point lies below its temperature, K: a
// relative humidity near 75 %, Seattle's yearly mean.
const dewBelow = 4.2

// step moves the moisture on. What the air at airC cannot hold condenses.
func (v *vapour) step(airC, outsideDew float64, open, coil bool, coilC float64) {
	towards := func(target, time float64) { v.dewC += (target - v.dewC) * (1 - math.Exp(-seconds/time)) }
	towards(outsideDew, leakTime)
	if open {
		towards(outsideDew, openTime)
	}
	if coil && coilC < v.dewC {
		towards(coilC, coilTime)
	}
	v.dewC = math.Min(v.dewC, airC)
}

// relative gives the relative humidity at temperature t, percent.
func (v *vapour) relative(t float64) float64 {
	return math.Max(1, math.Min(100, 100*saturation(v.dewC)/saturation(t)))
}

// saturation is the saturation pressure of water over liquid, hPa: the Magnus
// formula with WMO's coefficients.
func saturation(t float64) float64 { return 6.112 * math.Exp(17.62*t/(243.12+t)) }
