package guard

import (
	"math"
	"testing"

	"frostline/proto/thermal"
)

func TestWithin(t *testing.T) {
	temp := func(v thermal.Temp) *thermal.Temp { return &v }
	label := thermal.Profile{Low: temp(2000), High: temp(8000)}
	limits := thermal.Profile{Limits: []thermal.Limit{
		{Op: thermal.Above, At: 8000, Deadband: 500}, {Op: thermal.AtOrBelow, At: 0}, {Op: thermal.Above, At: 25000},
	}}
	frozen := thermal.Profile{Limits: []thermal.Limit{{Op: thermal.AtOrAbove, At: -60000, Deadband: 2000}}}
	budget := thermal.Profile{Low: temp(2000), High: temp(25000), Budgets: []thermal.Budget{
		{Above: temp(8000), Below: temp(25000)}, {Kind: thermal.Freeze, Below: temp(1000)},
	}}
	for name, c := range map[string]struct {
		watches   []Watch
		low, high int64
		ok        bool
	}{
		"nothing":        {nil, 0, 0, false},
		"another sensor": {[]Watch{{Profile: label, Sensors: []string{"b"}}}, 0, 0, false},
		"label":          {[]Watch{{Profile: label, Sensors: []string{"b", "a"}}}, 2000, 8000, true},
		"limits":         {[]Watch{{Profile: limits, Sensors: []string{"a"}}}, 1, 7500, true},
		"one side":       {[]Watch{{Profile: frozen, Sensors: []string{"a"}}}, math.MinInt64, -62000, true},
		"budget":         {[]Watch{{Profile: budget, Sensors: []string{"a"}}}, 2000, 8000, true},
		"both":           {[]Watch{{Profile: label, Sensors: []string{"a"}}, {Profile: limits, Sensors: []string{"a"}}}, 2000, 7500, true},
		"exclude":        {[]Watch{{Profile: label, Sensors: []string{"a"}}, {Profile: frozen, Sensors: []string{"a"}}}, 0, 0, false},
	} {
		low, high, ok := Within(c.watches, "a")
		if ok != c.ok || ok && (low != c.low || high != c.high) {
			t.Errorf("%s: got %d to %d, %v; want %d to %d, %v", name, low, high, ok, c.low, c.high, c.ok)
		}
	}
}
