package thermal

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestSegment compares with exact fractions, also where they end in a half and
// where products need more than 64 bits.
func TestSegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wide := rapid.SampledFrom([]int64{4, 1000, MaxLongestGap}).Draw(t, "wide")
		hot := rapid.SampledFrom([]int64{3, 1000, int64(MaxTemp)}).Draw(t, "hot")
		low := max(-hot, int64(AbsoluteZero)+1)
		temp := rapid.Int64Range(low, hot)
		t0 := rapid.Int64Range(-1000, 1000).Draw(t, "t0")
		s := segment{t0, t0 + rapid.Int64Range(1, wide).Draw(t, "dt"), Temp(temp.Draw(t, "v0")), Temp(temp.Draw(t, "v1"))}
		x := rapid.Int64Range(s.t0, s.t1).Draw(t, "t")
		n := nPiece{t0: s.t0, t1: s.t1, v0: s.v0, v1: s.v1}
		v := n.value(rat(x))
		if got, want := int64(s.at(x)), round(v); got != want {
			t.Fatalf("%+v at %d: got %d, want %s", s, x, got, v)
		}
		l := Temp(temp.Draw(t, "limit"))
		if got, want := s.cmp(x, l), v.Cmp(rat(int64(l))); got != want {
			t.Fatalf("%+v at %d against %d: got %d, want %d", s, x, l, got, want)
		}
		// Twice the integral is the sum of both ends times the time; the first
		// part of it is whole.
		rise := new(big.Rat).Mul(new(big.Rat).Sub(v, rat(int64(s.v0))), rat(x-s.t0))
		if got, want := s.area(x), 2*int64(s.v0)*(x-s.t0)+round(rise); got != want {
			t.Fatalf("%+v area to %d: got %d, want %d", s, x, got, want)
		}
		if s.v0 != s.v1 && min(s.v0, s.v1) <= l && l <= max(s.v0, s.v1) {
			c := big.NewRat(int64(l-s.v0), int64(s.v1-s.v0))
			c.Mul(c, rat(s.t1-s.t0)).Add(c, rat(s.t0))
			if got, want := s.cross(l), round(c); got != want || got < s.t0 || got > s.t1 {
				t.Fatalf("%+v crosses %d: got %d, want %d", s, l, got, want)
			}
		}
	})
}
