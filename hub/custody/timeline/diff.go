package timeline

import "frostline/hub/fact"

// Diff bounds the time in which two sets of intervals of one subject place it
// differently, by thing or by rank; ok is false where they nowhere do. Which
// statement says so makes no difference.
func Diff(a, b []Interval) (from, to int64, ok bool) {
	const never = -1 << 63
	at := int64(never)
	for at < Open {
		x, nextX := place(&a, at)
		y, nextY := place(&b, at)
		next := min(nextX, nextY)
		if !x.same(y) {
			if !ok {
				from, ok = at, true
			}
			to = next
		}
		at = next
	}
	return from, to, ok
}

type spot struct {
	known bool
	in    fact.Ref
	rank  int
}

func (s spot) same(o spot) bool { return s == o }

// place says where intervals put their subject at an instant, and until when
// they do; it drops what has ended by then.
func place(v *[]Interval, at int64) (spot, int64) {
	for len(*v) > 0 && (*v)[0].To <= at {
		*v = (*v)[1:]
	}
	if len(*v) == 0 {
		return spot{}, Open
	}
	first := (*v)[0]
	if first.From > at {
		return spot{}, first.From
	}
	if first.In == nil {
		return spot{}, first.To // nowhere known, whether stated or not
	}
	return spot{true, *first.In, first.Rank}, first.To
}
