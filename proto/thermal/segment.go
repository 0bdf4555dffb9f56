package thermal

import "math/bits"

// segment is the straight line between two readings, t0 < t1.
type segment struct {
	t0, t1 int64
	v0, v1 Temp
}

// cmp compares the curve at an instant with a temperature, exactly.
func (s *segment) cmp(t int64, v Temp) int {
	// v0 + (v1-v0)·(t-t0)/(t1-t0) <=> v. Factors stay below 2^21 and 2^32.
	d := int64(s.v0-v)*(s.t1-s.t0) + int64(s.v1-s.v0)*(t-s.t0)
	switch {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

// at is the temperature at an instant, rounded.
func (s *segment) at(t int64) Temp {
	switch t {
	case s.t0:
		return s.v0
	case s.t1:
		return s.v1
	}
	return s.v0 + Temp(divide(int64(s.v1-s.v0)*(t-s.t0), s.t1-s.t0))
}

// cross is the instant at which the line, which is not flat, has a temperature
// that lies on it, rounded.
func (s *segment) cross(v Temp) int64 {
	n, d := int64(v-s.v0)*(s.t1-s.t0), int64(s.v1-s.v0)
	if d < 0 {
		n, d = -n, -d
	}
	return s.t0 + divide(n, d)
}

// area is twice the integral from t0 to an instant, in thousandths of a degree
// times milliseconds, rounded. Differences of it are additive: however a line is
// cut, the parts add up to the whole.
func (s *segment) area(t int64) int64 {
	x := t - s.t0
	if t == s.t1 {
		return int64(s.v0+s.v1) * x
	}
	rise := int64(s.v1-s.v0) * x
	neg := rise < 0
	if neg {
		rise = -rise
	}
	hi, lo := bits.Mul64(uint64(rise), uint64(x))
	d := uint64(s.t1 - s.t0)
	q, r := bits.Div64(hi, lo, d) // x <= d, so q <= rise
	n := int64(q)
	switch {
	case !neg && r >= d-r:
		n++
	case neg && r > d-r:
		n++
	}
	if neg {
		n = -n
	}
	return 2*int64(s.v0)*x + n
}

// divide gives n/d for d > 0, rounded to the nearest integer and halves up, that
// is floor((2n+d)/(2d)).
func divide(n, d int64) int64 {
	q, r := n/d, n%d
	if r < 0 {
		q, r = q-1, r+d
	}
	if r >= d-r {
		q++
	}
	return q
}
