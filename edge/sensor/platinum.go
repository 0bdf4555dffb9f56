package sensor

import "math"

// Callendar–Van Dusen coefficients of platinum after IEC 60751:2008, per °C, °C²
// and °C⁴.
const (
	cvdA = 3.9083e-3
	cvdB = -5.775e-7
	cvdC = -4.183e-12 // below 0 °C alone
)

// Platinum is defined between these, °C.
const (
	platinumLow  = -200
	platinumHigh = 850
)

// platinumRatio is the resistance at a temperature, °C, by that at 0 °C.
func platinumRatio(celsius float64) float64 {
	r := 1 + celsius*(cvdA+celsius*cvdB)
	if celsius < 0 {
		r += cvdC * (celsius - 100) * celsius * celsius * celsius
	}
	return r
}

// platinumCelsius is the inverse, for a ratio of 0 to 4. Above 0 °C it is a
// square root; below, Newton's method from there, which is within a
// hundred-thousandth of a degree after two steps and takes four.
func platinumCelsius(ratio float64) float64 {
	t := (-cvdA + math.Sqrt(cvdA*cvdA-4*cvdB*(1-ratio))) / (2 * cvdB)
	if t >= 0 {
		return t
	}
	for range 4 {
		slope := cvdA + 2*cvdB*t + cvdC*(4*t-300)*t*t
		t -= (platinumRatio(t) - ratio) / slope
	}
	return t
}
