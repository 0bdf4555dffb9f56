package guard

import (
	"math"
	"slices"

	"frostline/proto/thermal"
)

// Within gives the temperatures, inclusive and in milli-degrees Celsius, between
// which a sensor is in range by every watch that it vouches for: inside the
// labelled range, beyond no limit, back from each by its deadband, and spending
// no budget. ok is false where no watch says anything of the sensor, or the
// ranges leave nothing; then nothing is in range.
func Within(watches []Watch, sensor string) (low, high int64, ok bool) {
	low, high = math.MinInt64, math.MaxInt64
	for _, w := range watches {
		if !slices.Contains(w.Sensors, sensor) {
			continue
		}
		l, h := within(&w.Profile)
		low, high, ok = max(low, l), min(high, h), true
	}
	return low, high, ok && low <= high
}

func within(p *thermal.Profile) (low, high int64) {
	low, high = math.MinInt64, math.MaxInt64
	atLeast := func(t thermal.Temp) { low = max(low, int64(t)) }
	atMost := func(t thermal.Temp) { high = min(high, int64(t)) }
	if p.Low != nil {
		atLeast(*p.Low)
	}
	if p.High != nil {
		atMost(*p.High)
	}
	for _, l := range p.Limits {
		switch l.Op {
		case thermal.Above:
			atMost(l.At - l.Deadband)
		case thermal.AtOrAbove:
			atMost(l.At - max(l.Deadband, 1))
		case thermal.Below:
			atLeast(l.At + l.Deadband)
		case thermal.AtOrBelow:
			atLeast(l.At + max(l.Deadband, 1))
		}
	}
	for _, b := range p.Budgets {
		// A budget is spent between Above and Below; on which side of it the
		// labelled range lies, its kind says.
		heat := b.Kind == thermal.Heat || b.Kind == "" && b.Above != nil
		switch {
		case heat && b.Above != nil:
			atMost(*b.Above)
		case !heat && b.Below != nil:
			atLeast(*b.Below)
		case b.Above != nil || b.Below != nil: // it is spent everywhere on one side of all
			low, high = 1, 0
		}
	}
	return low, high
}
