package calibration

import (
	"math/big"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"frostline/proto/pb"
)

func certificate(points ...Point) *Certificate {
	return &Certificate{ID: "CAL-2026-0117", Issuer: "Metrology Lab 12", ValidFrom: 1_768_435_200_000, ValidUntil: 1_799_971_200_000, Points: points}
}

func TestCorrect(t *testing.T) {
	offset := certificate(Point{0, 120})
	line := certificate(Point{-200, 0}, Point{49_700, 50_000}) // slope 50000/49900
	for _, c := range []struct {
		c         *Certificate
		raw, want int64
	}{
		{offset, 5000, 5120}, {offset, -18_500, -18_380},
		{line, -200, 0}, {line, 49_700, 50_000}, {line, 24_750, 25_000},
		{line, 5000, 5210},                                    // 5210.42
		{line, -20_000, -19_840},                              // -19839.68
		{certificate(Point{0, 0}, Point{2000, 3000}), 1, 2},   // 1.5, up
		{certificate(Point{0, 0}, Point{2000, 3000}), -1, -1}, // -1.5, up
		{certificate(Point{0, 0}, Point{2000, 3000}), -3, -4}, // -4.5, up
	} {
		if got := c.c.Correct(c.raw); got != c.want {
			t.Errorf("%v of %d: got %d, want %d", c.c.Points, c.raw, got, c.want)
		}
	}
}

// A correction is the nearest integer to the line, halves up, and keeps order.
func TestCorrectIsTheLineRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m1 := rapid.Int64Range(-200_000, 200_000).Draw(t, "m1")
		m2 := m1 + rapid.Int64Range(MinDistance, 300_000).Draw(t, "distance")
		near := func(m int64, name string) int64 {
			return m + rapid.Int64Range(-MaxCorrection, MaxCorrection).Draw(t, name)
		}
		c := certificate(Point{m1, near(m1, "a1")}, Point{m2, near(m2, "a2")})
		if c.Validate() != nil {
			t.Skip("points that cross")
		}
		raw := rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "raw")
		exact := big.NewRat((raw-m1)*(c.Points[1].Actual-c.Points[0].Actual), m2-m1)
		exact.Add(exact, big.NewRat(c.Points[0].Actual, 1))
		d := new(big.Rat).Sub(big.NewRat(c.Correct(raw), 1), exact)
		if d.Cmp(big.NewRat(1, 2)) > 0 || d.Cmp(big.NewRat(-1, 2)) <= 0 {
			t.Fatalf("%v of %d: got %d, exact %s", c.Points, raw, c.Correct(raw), exact.FloatString(3))
		}
		if c.Correct(raw) > c.Correct(raw+1) {
			t.Fatalf("%v: %d and %d change order", c.Points, raw, raw+1)
		}
	})
}

func TestMessage(t *testing.T) {
	for _, c := range []*Certificate{certificate(Point{0, 120}), certificate(Point{-200, 0}, Point{49_700, 50_000})} {
		m := c.Message("box", 4, 9)
		got, err := Parse(m)
		if err != nil || !reflect.DeepEqual(got, c) || m.Series != 4 || m.Raw != 9 {
			t.Errorf("got %+v of %v, %v; want %+v", got, m, err, c)
		}
		bad := proto.Clone(m).(*pb.Calibration)
		bad.Kind = 3 - bad.Kind
		if _, err := Parse(bad); err == nil {
			t.Error("a kind that is not that of its points was taken")
		}
	}
	if c, err := Parse(&pb.Calibration{Series: 4}); c != nil || err != nil {
		t.Errorf("no certificate: got %v, %v", c, err)
	}
}

func TestState(t *testing.T) {
	c := certificate(Point{0, 120})
	for at, want := range map[int64]State{c.ValidFrom - 1: Early, c.ValidFrom: Valid, c.ValidUntil - 1: Valid, c.ValidUntil: Expired} {
		if got := c.At(at); got != want {
			t.Errorf("at %d: got %q, want %q", at, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Certificate){
		"certificate":       func(c *Certificate) { c.ID = "" },
		"issuer":            func(c *Certificate) { c.Issuer = "a\nb" },
		"end after":         func(c *Certificate) { c.ValidUntil = c.ValidFrom },
		"3 points":          func(c *Certificate) { c.Points = make([]Point, 3) },
		"0 points":          func(c *Certificate) { c.Points = nil },
		"replace the":       func(c *Certificate) { c.Points[1].Actual += 30_000 },
		"ascending, and at": func(c *Certificate) { c.Points[1] = Point{799, 900} },
		"as those measured": func(c *Certificate) { c.Points[0], c.Points[1] = Point{0, 5000}, Point{2000, 1000} },
		"-1000 to 1000":     func(c *Certificate) { c.Points[0].Measured = -2_000_000 },
	} {
		c := certificate(Point{-200, 0}, Point{49_700, 50_000})
		change(c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something about %q", err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, _ := proto.Marshal(certificate(Point{-200, 0}, Point{49_700, 50_000}).Message("box", 1, 2))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m pb.Calibration
		if proto.Unmarshal(b, &m) != nil {
			return
		}
		if c, err := Parse(&m); err == nil && c != nil {
			c.Correct(5000)
			c.At(0)
		}
	})
}
