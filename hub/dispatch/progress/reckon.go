package progress

import "math"

// reckon adds up what legs and stops take: the middle, and how far the truth may
// lie before it and after it in four cases of five. Times are Unix ms.
//
// Half of each spread is common to all that is added (the day's traffic, the
// driver) and half is not: with s the spreads, the one of the sum is
// √(½ Σs² + ½ (Σs)²).
type reckon struct {
	at          float64
	early, late tally
}

type tally struct{ sum, squares float64 }

const common = 0.5

func (t tally) spread() float64 {
	return math.Sqrt((1-common)*t.squares + common*t.sum*t.sum)
}

func (t *tally) add(s float64) { t.sum, t.squares = t.sum+s, t.squares+s*s }

// add adds what takes mid, and low to high in four cases of five, ms.
func (r *reckon) add(low, mid, high float64) {
	r.at += mid
	r.early.add(max(0, mid-low))
	r.late.add(max(0, high-mid))
}

// interval is where the sum lies.
func (r *reckon) interval() (low, at, high float64) {
	return r.at - r.early.spread(), r.at, r.at + r.late.spread()
}

// wait waits until a time if that is to come: what would be earlier is not.
func (r *reckon) wait(until float64) {
	low, at, high := r.interval()
	if low >= until {
		return
	}
	low, at, high = until, max(at, until), max(high, until)
	*r = reckon{at: at}
	r.early.add(at - low)
	r.late.add(high - at)
}
