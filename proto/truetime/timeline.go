package truetime

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Timeline dates the boottimes of one boot by its anchors, in time that grows
// with the logarithm of their number: a boot that lasts a year has thousands,
// and a chart asks for a hundred thousand moments. A nil Timeline has no anchor
// and dates nothing. It is immutable, so safe for concurrent use.
//
// An anchor is widened by a 5000th of the distance to the moment asked for. So
// the claims of all anchors before a moment differ by constants alone, and the
// best of them is a running maximum; likewise of those after it. Numbers are
// held in 5000ths of a millisecond, and so are exact.
type Timeline struct {
	at []int64 // boottimes of the anchors it dates by, ascending, ms
	// For i anchors on the left: the greatest lower and least upper bound that
	// they give, moved to boottime 0. For those from i on: likewise.
	leftLow, leftHigh, rightLow, rightHigh []int64
	conflict                               bool
	left                                   []Source
	first                                  int64 // UTC - boottime of the first anchor
}

// parts is how many parts of a millisecond are counted in: 1 / MaxDrift.
const parts int64 = 5000

// NewTimeline makes the timeline of one boot from its anchors, in any order.
// Those that are not Plausible are left out.
//
// Two anchors exclude one another when even a clock that drifts by MaxDrift
// cannot have shown both. If any two do, sources are selected. GNSS, NTP and the
// hub have a vote each, where they gave an anchor. A source agrees with itself
// and others where no two anchors of theirs exclude one another. The largest
// number of voters that agree, if it is two or more, more than half of all that
// voted, and the only one of its size, is believed; of the others all anchors are
// left out, and so are those of sources without a vote (the battery-backed clock,
// and any that are not known) unless all of these fit in. Without such a majority
// nothing is left out, and the boot is in conflict.
//
// Deciding that once for the whole boot keeps Resolve continuous: no two
// readings change their order. It rests on the anchors alone, not on the order
// in which they came.
//
// So true time is inside what is stated, unless two sources with a vote are
// wrong alike, or one by so little that another which is right cannot tell.
func NewTimeline(anchors []Anchor) *Timeline { return Majority.Timeline(anchors) }

// Timeline is NewTimeline by a rule.
func (r Rule) Timeline(anchors []Anchor) *Timeline {
	anchors = slices.DeleteFunc(slices.Clone(anchors), func(a Anchor) bool { return !a.Plausible() })
	slices.SortStableFunc(anchors, func(a, b Anchor) int { return cmp.Compare(a.At, b.At) })
	t := &Timeline{}
	if r == Hull {
		t.conflict = !consistent(anchors)
	} else {
		anchors, t.left, t.conflict = agree(anchors)
	}
	n := len(anchors)
	t.at = make([]int64, n)
	t.leftLow, t.leftHigh, t.rightLow, t.rightHigh = make([]int64, n+1), make([]int64, n+1), make([]int64, n+1), make([]int64, n+1)
	if n == 0 {
		return t
	}
	t.first = anchors[0].UTC - anchors[0].At
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
		t.at[i] = a.At
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

// Dated reports whether the timeline has any anchor.
func (t *Timeline) Dated() bool { return t != nil && len(t.at) > 0 }

// Conflict reports whether its anchors contradict one another and no majority
// of sources says which are wrong.
func (t *Timeline) Conflict() bool { return t != nil && t.conflict }

// Left are the sources whose anchors are left out because those that agree
// contradict them, ascending. Do not change the slice.
func (t *Timeline) Left() []Source {
	if t == nil {
		return nil
	}
	return t.left
}

// Boottimes are those of the anchors it dates by, ascending. Do not change the
// slice.
func (t *Timeline) Boottimes() []int64 {
	if t == nil {
		return nil
	}
	return t.at
}

// Resolve dates a boottime in milliseconds. ok is false without anchors, or
// beyond MaxTick: the reading is undated, which is a state, not a guess.
//
// Each anchor claims an interval, widened by MaxDrift for the distance to at.
// The result is the intersection of those not left out, or, where the anchors
// are in conflict, the hull of all. UTC never decreases as at increases.
func (t *Timeline) Resolve(at int64) (m Moment, ok bool) {
	if !t.Dated() || at <= -MaxTick || at >= MaxTick {
		return Moment{}, false
	}
	return t.resolve(at, sort.Search(len(t.at), func(i int) bool { return t.at[i] > at })), true
}

// resolve dates a boottime that has i anchors before it or at it.
func (t *Timeline) resolve(at int64, i int) Moment {
	var low, high int64
	if t.conflict {
		low = min(t.leftLow[i]-at, t.rightLow[i]+at)
		high = max(t.leftHigh[i]+at, t.rightHigh[i]-at)
	} else {
		low = max(t.leftLow[i]-at, t.rightLow[i]+at)
		high = min(t.leftHigh[i]+at, t.rightHigh[i]-at)
	}
	low, high = floorDiv(low, parts), -floorDiv(-high, parts)
	return Moment{UTC: at + low + floorDiv(high-low, 2), Uncertainty: max((high-low+1)/2, 1), Conflict: t.conflict}
}

// Cursor resolves boottimes one after the other, in constant time where each
// is close after the one before. It is for one goroutine.
type Cursor struct {
	timeline *Timeline
	passed   int // anchors before the last boottime, or at it
}

// Cursor gives a cursor that has not begun.
func (t *Timeline) Cursor() Cursor { return Cursor{timeline: t} }

// Resolve is Timeline.Resolve.
func (c *Cursor) Resolve(at int64) (m Moment, ok bool) {
	t := c.timeline
	if !t.Dated() || at <= -MaxTick || at >= MaxTick {
		return Moment{}, false
	}
	i := c.passed
	if i > 0 && t.at[i-1] <= at && (i == len(t.at) || t.at[i] > at) {
		return t.resolve(at, i), true
	}
	if i > 0 && t.at[i-1] > at || i+8 < len(t.at) && t.at[i+8] <= at {
		i = sort.Search(len(t.at), func(i int) bool { return t.at[i] > at })
	}
	for i < len(t.at) && t.at[i] <= at {
		i++
	}
	c.passed = i
	return t.resolve(at, i), true
}

// Boottime is the inverse of Resolve: the earliest boottime, ms, that is dated
// at or after utc; MaxTick where there is none. It serves to look a span of UTC
// up in device time, and must not be called on a timeline without anchors.
func (t *Timeline) Boottime(utc int64) int64 {
	guess := max(min(utc-t.first, MaxTick-1), -MaxTick+1)
	later := func(at int64) bool {
		m, ok := t.Resolve(at)
		return at >= MaxTick || ok && m.UTC >= utc
	}
	low, high := guess-1, guess
	for step := int64(1000); low > -MaxTick && later(low); step *= 2 {
		low -= step
	}
	for step := int64(1000); high < MaxTick && !later(high); step *= 2 {
		high += step
	}
	low, high = max(low, -MaxTick), min(high, MaxTick)
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
