package thermal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Temp is a temperature in thousandths of a degree Celsius, or a difference of
// temperatures in thousandths of a kelvin. JSON and profiles show it in
// degrees with up to three decimals.
type Temp int64

// AbsoluteZero is the lowest temperature there is.
const AbsoluteZero Temp = -273_150

// String gives degrees with as many decimals as are needed: "8", "-0.5".
func (t Temp) String() string {
	sign, v := "", int64(t)
	if v < 0 {
		sign, v = "-", -v
	}
	s := fmt.Sprintf("%s%d.%03d", sign, v/1000, v%1000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Celsius gives degrees.
func (t Temp) Celsius() float64 { return float64(t) / 1000 }

// MarshalJSON writes degrees as a number.
func (t Temp) MarshalJSON() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalJSON reads degrees as a number with at most three decimals.
func (t *Temp) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("temperature %s: want degrees Celsius as a number", b)
	}
	v := f * 1000
	if math.IsNaN(v) || math.Abs(v) > 1e9 || math.Abs(v-math.Round(v)) > 1e-6 {
		return fmt.Errorf("temperature %s: want degrees Celsius with at most three decimals", b)
	}
	*t = Temp(math.Round(v))
	return nil
}
