package thermal

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestKineticErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		celsius, weights []float64
		activation       float64
	}{
		"empty":           {nil, nil, DefaultActivation},
		"NaN":             {[]float64{5, nan}, nil, DefaultActivation},
		"infinite":        {[]float64{5, inf}, nil, DefaultActivation},
		"absolute zero":   {[]float64{-273.15}, nil, DefaultActivation},
		"below it":        {[]float64{-300}, nil, DefaultActivation},
		"no weight":       {[]float64{5, 6}, []float64{0, 0}, DefaultActivation},
		"negative weight": {[]float64{5, 6}, []float64{2, -1}, DefaultActivation},
		"NaN weight":      {[]float64{5, 6}, []float64{2, nan}, DefaultActivation},
		"few weights":     {[]float64{5, 6}, []float64{2}, DefaultActivation},
		"no activation":   {[]float64{5}, nil, 0},
		"NaN activation":  {[]float64{5}, nil, nan},
	} {
		if got, _, err := KineticMean(c.celsius, c.weights, c.activation); err == nil {
			t.Errorf("%s: got %v and no error", name, got)
		}
	}
	for name, points := range map[string][]Point{
		"empty": nil, "NaN": {{0, nan}}, "absolute zero": {{0, -273.15}}, "far future": {{maxInstant + 1, 5}},
		"nothing but gaps": {{0, 5}, {day, 5}},
	} {
		if got, err := KineticOf(points, hour, DefaultActivation); err == nil {
			t.Errorf("%s: got %+v and no error", name, got)
		}
	}
}

// TestColdIsNoUnderflow: exp(−K/T) itself would be 0 here.
func TestColdIsNoUnderflow(t *testing.T) {
	for _, c := range []float64{-196, -150, -80, 900} {
		tk, _, err := KineticMean([]float64{c, c - 1}, nil, MaxActivation)
		if err != nil || tk > c || tk < c-1 {
			t.Errorf("%v: got %v %v", c, tk, err)
		}
		s, err := KineticOf([]Point{{0, c}, {1000, c}}, 0, MaxActivation)
		if err != nil || math.Abs(s.Celsius-c) > 1e-9 {
			t.Errorf("%v: got %+v %v", c, s, err)
		}
	}
}

func TestKineticSeries(t *testing.T) {
	s, err := KineticOf([]Point{{2 * hour, 8}, {0, 5}, {hour, 6}, {hour, 10}, {10 * hour, 8}, {11 * hour, 8}}, 2*hour, DefaultActivation)
	if err != nil {
		t.Fatal(err)
	}
	if s.Points != 5 || s.Duplicates != 1 || s.Unsorted != 3 || s.Monitored != 3*hour || len(s.Gaps) != 1 || s.Gaps[0].From != 2*hour || s.Gaps[0].To != 10*hour {
		t.Errorf("got %+v, want the mean of two at one hour, and a gap from two to ten", s)
	}
	if want := (6.5 + 8 + 8) / 3; math.Abs(s.Mean-want) > 1e-12 {
		t.Errorf("mean %v, want %v", s.Mean, want)
	}
	if s, err := KineticOf([]Point{{5, 4}, {5, 6}}, 0, DefaultActivation); err != nil || s.Celsius != 5 || s.Points != 1 {
		t.Errorf("one instant: got %+v %v", s, err)
	}
}

// TestExpAndLog are those of package math to within two units of the last place.
func TestExpAndLog(t *testing.T) {
	near := func(a, b float64) bool {
		return a == b || math.Abs(a-b) <= math.Abs(b)*4.5e-16 || math.IsNaN(a) && math.IsNaN(b)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-700, 700).Draw(t, "x")
		if a, b := exp(x), math.Exp(x); !near(a, b) {
			t.Fatalf("exp(%v): got %v want %v", x, a, b)
		}
		y := rapid.Float64Range(1e-300, 1e300).Draw(t, "y")
		if a, b := log(y), math.Log(y); !near(a, b) {
			t.Fatalf("log(%v): got %v want %v", y, a, b)
		}
	})
	for _, x := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), 0, 800, -800} {
		if a, b := exp(x), math.Exp(x); !near(a, b) {
			t.Errorf("exp(%v): got %v want %v", x, a, b)
		}
		if a, b := log(x), math.Log(x); !near(a, b) && x != -800 {
			t.Errorf("log(%v): got %v want %v", x, a, b)
		}
	}
}
