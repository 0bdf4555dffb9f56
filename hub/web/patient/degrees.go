package patient

import (
	"strconv"
	"strings"

	"frostline/proto/thermal"
)

// Degrees are written with one decimal, or as many more as it takes to be on the
// right side of the limits: 8.04 °C is not 8.0 °C where 8 °C is the limit.

func fahrenheit(t thermal.Temp) thermal.Temp { return round(t*9, 5) + 32_000 }

// round divides half away from zero.
func round(v, by thermal.Temp) thermal.Temp {
	if v < 0 {
		return -round(-v, by)
	}
	return (v + by/2) / by
}

// degrees writes a temperature in °C and °F, and on the right side of both ends.
func degrees(t thermal.Temp, low, high *thermal.Temp) (celsius, fahr string) {
	c, f := []thermal.Temp{}, []thermal.Temp{}
	for _, end := range []*thermal.Temp{low, high} {
		if end != nil {
			c, f = append(c, *end), append(f, fahrenheit(*end))
		}
	}
	return fixed(t, c) + " °C", fixed(fahrenheit(t), f) + " °F"
}

func fixed(t thermal.Temp, ends []thermal.Temp) string {
	for decimals, unit := range []thermal.Temp{100, 10, 1} {
		r := round(t, unit) * unit
		honest := true
		for _, e := range ends {
			honest = honest && side(r, e) == side(t, e)
		}
		if honest || unit == 1 {
			return strings.Replace(strconv.FormatFloat(float64(r)/1000, 'f', decimals+1, 64), "-", "−", 1)
		}
	}
	return ""
}

// side says whether a value is below, at or above an end.
func side(v, end thermal.Temp) int {
	switch {
	case v < end:
		return -1
	case v > end:
		return 1
	}
	return 0
}

// whole writes an end of a range in °C and °F, without decimals that are 0.
func whole(t thermal.Temp) (celsius, fahr string) {
	w := func(v thermal.Temp) string {
		return strings.Replace(strings.TrimSuffix(strconv.FormatFloat(float64(round(v, 100))/10, 'f', 1, 64), ".0"), "-", "−", 1)
	}
	return w(t) + " °C", w(fahrenheit(t)) + " °F"
}

// rangeOf writes a labelled range; "" where there is none.
func (l *locale) rangeOf(low, high *thermal.Temp) string {
	write := func(t *thermal.Temp) (c, f string) {
		if t != nil {
			c, f = whole(*t)
		}
		return c, f
	}
	lc, lf := write(low)
	hc, hf := write(high)
	switch {
	case low != nil && high != nil:
		return l.say("range.both", "low", strings.TrimSuffix(lc, " °C"), "high", hc) + " (" + l.say("range.both", "low", strings.TrimSuffix(lf, " °F"), "high", hf) + ")"
	case high != nil:
		return l.say("range.high", "high", hc+" ("+hf+")")
	case low != nil:
		return l.say("range.low", "low", lc+" ("+lf+")")
	}
	return ""
}
