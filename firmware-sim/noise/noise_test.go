package noise

import (
	"math"
	"testing"
)

func TestNormalHasTheRightMoments(t *testing.T) {
	s := New(7, "probe-1")
	var sum, squares float64
	const n = 200_000
	for i := range int64(n) {
		z := s.Normal(i)
		sum += z
		squares += z * z
	}
	mean, variance := sum/n, squares/n
	if math.Abs(mean) > 0.01 || math.Abs(variance-1) > 0.02 {
		t.Errorf("mean %.4f, variance %.4f, want 0 and 1", mean, variance)
	}
}

func TestStreamsAreRepeatableAndDistinct(t *testing.T) {
	once, again := New(1, "a"), New(1, "a")
	if once.Bits(5) != again.Bits(5) {
		t.Error("the same seed, name and moment gave different bits")
	}
	seen := map[uint64]bool{}
	for _, s := range []Source{New(1, "a"), New(1, "b"), New(2, "a"), New(2, "b")} {
		for n := range int64(4) {
			seen[s.Bits(n)] = true
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d distinct values of 16", len(seen))
	}
}

func TestSmoothStaysInRangeAndMovesSlowly(t *testing.T) {
	s := New(3, "traffic")
	last := s.Smooth(0)
	for x := 0.0; x < 100; x += 0.01 {
		v := s.Smooth(x)
		if v < -1 || v > 1 {
			t.Fatalf("Smooth(%.2f) = %.3f, want within ±1", x, v)
		}
		if math.Abs(v-last) > 0.04 {
			t.Fatalf("Smooth jumped by %.3f at %.2f", v-last, x)
		}
		last = v
	}
}
