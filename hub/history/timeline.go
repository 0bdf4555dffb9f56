package history

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"frostline/proto/truetime"
)

// timeline dates the boottimes of one boot as truetime.Timeline does, in time
// that grows with the logarithm of the number of anchors: a boot that lasts a
// year has thousands, and a chart asks for a hundred thousand moments.
//
// truetime widens an anchor by a 5000th of the distance to the moment asked
// for. So the claims of all anchors before a moment differ by constants alone,
// and the best of them is a running maximum; likewise of those after it.
// Numbers are held in 5000ths of a millisecond, and so are exact.
type timeline struct {
	at []int64 // boottimes of the anchors, ascending, ms
	// For i anchors on the left: the greatest lower and least upper bound that
	// they give, moved to boottime 0. For those from i on: likewise.
	leftLow, leftHigh, rightLow, rightHigh []int64
	conflict                               bool
	first                                  int64 // UTC - boottime of the first anchor
}

// parts is how many parts of a millisecond are counted in: 1 / MaxDrift.
var parts = int64(math.Round(1 / truetime.MaxDrift))

// Anchors beyond these say nothing about any clock; the bounds keep the
// arithmetic from overflowing.
const (
	maxUTC         = 1 << 47 // ms: the year 6429
	maxUncertainty = 1 << 40 // ms: 34 years
	maxTick        = 1 << 47 // ms
)

// plausible reports whether an anchor can be used.
func plausible(a truetime.Anchor) bool {
	return a.UTC > -maxUTC && a.UTC < maxUTC && a.At > -maxTick && a.At < maxTick && a.Uncertainty >= 0 && a.Uncertainty < maxUncertainty
}

// newTimeline makes the timeline of plausible anchors in any order.
func newTimeline(anchors []truetime.Anchor) *timeline {
	anchors = slices.Clone(anchors)
	slices.SortStableFunc(anchors, func(a, b truetime.Anchor) int { return cmp.Compare(a.At, b.At) })
	n := len(anchors)
	t := &timeline{
		at: make([]int64, n), leftLow: make([]int64, n+1), leftHigh: make([]int64, n+1),
		rightLow: make([]int64, n+1), rightHigh: make([]int64, n+1),
	}
	if n == 0 {
		return t
	}
	t.first = anchors[0].UTC - anchors[0].At
	// Two anchors exclude one another when they are further apart than their
	// uncertainties, each widened for the time between them.
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for i, a := range anchors {
		off, u := parts*(a.UTC-a.At), parts*max(a.Uncertainty, 1)
		t.at[i] = a.At
		if i > 0 && (low > off+u+a.At || high < off-u-a.At) {
			t.conflict = true
		}
		low, high = max(low, off-u+a.At), min(high, off+u-a.At)
	}
	better, worse := func(a, b int64) int64 { return max(a, b) }, func(a, b int64) int64 { return min(a, b) }
	if t.conflict { // the hull of all claims instead of what they have in common
		better, worse = worse, better
	}
	none := func(f func(a, b int64) int64) int64 { // the value that f ignores
		if f(0, 1) == 1 {
			return math.MinInt64 / 2
		}
		return math.MaxInt64 / 2
	}
	t.leftLow[0], t.leftHigh[0] = none(better), none(worse)
	t.rightLow[n], t.rightHigh[n] = none(better), none(worse)
	for i, a := range anchors {
		off, u := parts*(a.UTC-a.At), parts*max(a.Uncertainty, 1)
		t.leftLow[i+1] = better(t.leftLow[i], off-u+a.At)
		t.leftHigh[i+1] = worse(t.leftHigh[i], off+u-a.At)
	}
	for i := n - 1; i >= 0; i-- {
		a := anchors[i]
		off, u := parts*(a.UTC-a.At), parts*max(a.Uncertainty, 1)
		t.rightLow[i] = better(t.rightLow[i+1], off-u-a.At)
		t.rightHigh[i] = worse(t.rightHigh[i+1], off+u+a.At)
	}
	return t
}

// dated reports whether there is any anchor.
func (t *timeline) dated() bool { return t != nil && len(t.at) > 0 }

// resolve dates a boottime; ok is false where it cannot be dated.
func (t *timeline) resolve(at int64) (m truetime.Moment, ok bool) {
	if !t.dated() || at <= -maxTick || at >= maxTick {
		return truetime.Moment{}, false
	}
	i := sort.Search(len(t.at), func(i int) bool { return t.at[i] > at })
	var low, high int64
	if t.conflict {
		low = min(t.leftLow[i]-at, t.rightLow[i]+at)
		high = max(t.leftHigh[i]+at, t.rightHigh[i]-at)
	} else {
		low = max(t.leftLow[i]-at, t.rightLow[i]+at)
		high = min(t.leftHigh[i]+at, t.rightHigh[i]-at)
	}
	low, high = floorDiv(low, parts), -floorDiv(-high, parts)
	return truetime.Moment{UTC: at + low + floorDiv(high-low, 2), Uncertainty: max((high-low+1)/2, 1), Conflict: t.conflict}, true
}

// boottime is the earliest boottime that is dated at or after utc.
func (t *timeline) boottime(utc int64) int64 {
	guess := max(min(utc-t.first, maxTick-1), -maxTick+1)
	later := func(at int64) bool {
		m, ok := t.resolve(at)
		return at >= maxTick || ok && m.UTC >= utc
	}
	low, high := guess-1, guess
	for step := int64(1000); low > -maxTick && later(low); step *= 2 {
		low -= step
	}
	for step := int64(1000); high < maxTick && !later(high); step *= 2 {
		high += step
	}
	low, high = max(low, -maxTick), min(high, maxTick)
	for high-low > 1 {
		if mid := low + (high-low)/2; later(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
