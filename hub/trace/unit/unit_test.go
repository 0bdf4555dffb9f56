package unit

import (
	"math"
	"testing"
)

// TestBase: known equalities, each said in two units.
func TestBase(t *testing.T) {
	for _, c := range []struct {
		a    float64
		unit string
		b    float64
		same string
	}{
		{2, "CEL", 275.15, "KEL"}, {8, "cel", 46.4, "FAH"}, {-196, "CEL", -320.8, "FAH"}, {0, "KEL", 0, "A48"}, {491.67, "A48", 0, "CEL"},
		{45, "P1", 0.45, "C62"}, {1, "P1", 10_000, "59"}, {1013.25, "A97", 1, "ATM"}, {760, "UA", 1, "ATM"}, {14.6959487755, "PS", 1, "ATM"}, {1, "BAR", 1000, "MBR"},
		{1, "SMI", 1609.344, "MTR"}, {1, "LBR", 453.59237, "GRM"}, {1, "GLL", 3.785411784, "LTR"}, {1, "WEE", 168, "HUR"}, {36, "KMH", 10, "MTS"},
		{1, "ACR", 4046.8564224, "MTK"}, {180, "DD", math.Pi, "C81"}, {1, "KWH", 3.6, "3B"}, {1, "A93", 1000, "GP"}, {1, "K40", 9.80665, "MSK"}, {10, "A24", 10, "A24"},
		{1, "H61", 1000, "G42"}, {1, "DZN", 12, "EA"}, {60, "L2", 3.6, "MQH"},
	} {
		va, ua := Base(c.a, c.unit)
		vb, ub := Base(c.b, c.same)
		if ua != ub || math.Abs(va-vb) > 1e-9*math.Max(1, math.Abs(va)) {
			t.Errorf("%v %s is %v %s and %v %s is %v %s: want the same", c.a, c.unit, va, ua, c.b, c.same, vb, ub)
		}
	}
	if v, u := Difference(9, "FAH"); v != 5 || u != "KEL" {
		t.Errorf("a difference of 9 FAH is %v %s, want 5 KEL", v, u)
	}
	if v, u := Base(7, "xyz"); v != 7 || u != "XYZ" || Known("XYZ") || !Known("cel") {
		t.Errorf("an unknown unit: %v %s", v, u)
	}
}

// TestKinds: each unit has one kind, and each kind its base.
func TestKinds(t *testing.T) {
	seen := map[string]string{}
	for _, k := range kinds {
		if k.factors[k.of] != 1 {
			t.Errorf("base unit %s is not 1 of itself", k.of)
		}
		for code, factor := range k.factors {
			if seen[code] != "" || factor <= 0 {
				t.Errorf("unit %s of %s: again, or factor %v", code, k.of, factor)
			}
			seen[code] = k.of
		}
	}
}
