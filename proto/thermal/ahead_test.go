package thermal

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// roomTime is a heat budget of two hours above 8 °C up to 25 °C.
func roomTime() *Profile {
	low, high := Temp(8000), Temp(25000)
	return &Profile{Budgets: []Budget{{Name: "room", Above: &low, Below: &high, Allowed: 2 * 3_600_000}}}
}

func budgetAhead(t *testing.T, left int64, s []Sample) BudgetOutlook {
	t.Helper()
	all, err := BudgetOutlooks(roomTime(), []int64{left}, s)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestBudgetOutlook(t *testing.T) {
	const two = 2 * 3_600_000
	at := int64(89) * minute

	// In the band already, and it stays there: what is left is how long it lasts.
	o := budgetAhead(t, two, box(90, 12, 20, 10, quiet))
	if !o.OnCourse || !o.Spending || o.Ends != at+two || o.Earliest != at+two || o.Latest != at+two {
		t.Errorf("in the band: %+v, want it to end at %d", o, at+two)
	}
	// On the way into it.
	enters := at + int64(10*math.Log((25+(4-25)*math.Exp(-89.0/600)-25)/(8-25))*float64(hour))
	o = budgetAhead(t, two, box(90, 4, 25, 10, quiet))
	if !o.OnCourse || o.Spending || math.Abs(float64(o.Ends-enters-two)) > 2*float64(minute) || o.Earliest >= o.Ends || o.Latest != 0 && o.Latest <= o.Ends {
		t.Errorf("on the way: %+v, want about %d within an interval", o, enters+two)
	}
	// It cools and leaves the band in good time.
	o = budgetAhead(t, two, box(90, 12, 4, 1, quiet))
	if o.OnCourse || o.Why == "" {
		t.Errorf("cooling: %+v, want not on this course", o)
	}
	// It passes through the band in less time than is left.
	o = budgetAhead(t, two, box(30, 7, 60, 0.5, quiet))
	if o.OnCourse {
		t.Errorf("passing through: %+v, want not on this course", o)
	}
	// Nothing is left.
	if o = budgetAhead(t, 0, box(90, 12, 20, 10, quiet)); !o.OnCourse || o.Ends != at || o.Left != 0 {
		t.Errorf("spent: %+v, want it to end now", o)
	}
	if _, err := BudgetOutlooks(roomTime(), nil, box(90, 4, 25, 10, quiet)); err == nil {
		t.Error("what is left of no budget was taken for what is left of one")
	}
}

// TestBandHoldsWhatItCounts: a temperature is in a band exactly where the band
// counts time at it.
func TestBandHoldsWhatItCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := Temp(rapid.IntRange(-3, 3).Draw(t, "low"))
		high := low + Temp(rapid.IntRange(1, 4).Draw(t, "wide"))
		b := Budget{Name: "x", Allowed: int64(time.Hour / time.Millisecond)}
		if rapid.Bool().Draw(t, "above") {
			b.Above = &low
		}
		if b.Above == nil || rapid.Bool().Draw(t, "below") {
			b.Below = &high
		}
		b.Kind = rapid.SampledFrom([]BudgetKind{Heat, Freeze}).Draw(t, "kind")
		v := Temp(rapid.IntRange(-5, 9).Draw(t, "v"))
		x := budgetBand(&b)
		seg := segment{t0: 0, t1: 1000, v0: v, v1: v}
		x.enter(&seg, 0)
		x.pass(&seg, 0, 1000)
		x.settle(1000)
		y := budgetBand(&b)
		if counted := x.sum == 1000; counted != y.holds(v) {
			t.Fatalf("%+v at %d: counted %v, holds %v", b, v, counted, y.holds(v))
		}
	})
}
