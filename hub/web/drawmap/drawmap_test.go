package drawmap

import (
	"math"
	"testing"
)

func TestOneScaleAndNorthUp(t *testing.T) {
	middle, north, east := Point{476_000_000, -1_223_000_000}, Point{476_100_000, -1_223_000_000}, Point{476_000_000, -1_222_900_000}
	p := Of([]Point{middle, north, east}).Onto(960, 540, 40)
	x0, y0 := p.XY(middle)
	x1, y1 := p.XY(north)
	x2, y2 := p.XY(east)
	if math.Abs(x0-x1) > 1e-6 || math.Abs(y0-y2) > 1e-6 || y1 >= y0 || x2 <= x0 {
		t.Fatalf("%v %v, north %v %v, east %v %v", x0, y0, x1, y1, x2, y2)
	}
	// A hundredth of a degree of longitude is shorter by the cosine of the latitude.
	if got, want := (x2-x0)/(y0-y1), math.Cos(47.605*math.Pi/180); math.Abs(got-want) > 1e-6 {
		t.Errorf("east is %v of north, want %v", got, want)
	}
	for _, v := range []float64{x0, x1, x2} {
		if v < 39.9 || v > 920.1 {
			t.Errorf("x %v lies outside", v)
		}
	}
	word, units := p.Bar()
	if metres := units / p.Scale; word != "200 m" || math.Abs(metres-200) > 1e-6 {
		t.Errorf("%s is %v m", word, metres)
	}
}

func TestOnePointIsNoJourney(t *testing.T) {
	p := Of([]Point{{0, 0}}).Onto(400, 300, 50)
	if p.Scale != 1 {
		t.Errorf("%v units a metre, want 200 m on 200 units", p.Scale)
	}
}

func TestAcrossTheDateLine(t *testing.T) {
	if got := Unbroken(-1_799_000_000, 1_799_000_000); got != 1_801_000_000 {
		t.Error(got)
	}
	if got := Unbroken(1_799_000_000, -1_799_000_000); got != -1_801_000_000 {
		t.Error(got)
	}
}
