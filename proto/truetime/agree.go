package truetime

import (
	"cmp"
	"math"
	"slices"
)

// Rule names how anchors that contradict one another are dealt with. Evidence
// says by which rule it was dated, so that it is dated so for ever.
type Rule int

const (
	// Hull takes all anchors that contradict one another, and dates by the hull
	// of what they claim.
	Hull Rule = 1
	// Majority leaves out the sources that most others contradict, where there
	// are such, and is Hull otherwise. See [NewTimeline].
	Majority Rule = 2
)

// votes are the sources that hear of UTC from outside, each by a way of its
// own. The battery-backed clock has no vote: the kernel sets it by NTP, so what
// it says after a restart is what NTP said before.
var votes = [...]Source{NTP, Hub, GNSS}

// agree picks the anchors to date by, of all that are plausible, in the order
// of their boottimes. It leaves them all in where they agree, and where they do
// not and no majority decides; then they are in conflict. left are the sources
// whose anchors are left out, ascending.
//
// This is the selection among clocks of NTP (RFC 5905, 11.2.1, after Marzullo)
// for claims that widen with time. A source votes as one: that it said the same
// a hundred times makes it no truer, and a source that contradicts itself is
// with nobody.
func agree(anchors []Anchor) (used []Anchor, left []Source, conflict bool) {
	if consistent(anchors) {
		return anchors, nil, false
	}
	var all []Source // that voted
	for _, s := range votes {
		if slices.ContainsFunc(anchors, func(a Anchor) bool { return a.Source == s }) {
			all = append(all, s)
		}
	}
	var most []Source // that agree, and more than half of those that voted
	ties := 0
	for set := range 1 << len(all) {
		var some []Source
		for i, s := range all {
			if set&(1<<i) != 0 {
				some = append(some, s)
			}
		}
		if len(some) < 2 || 2*len(some) <= len(all) || len(some) < len(most) || !consistent(of(anchors, some)) {
			continue
		}
		if len(some) > len(most) {
			ties = 0
		}
		most = some
		ties++
	}
	if ties != 1 {
		return anchors, nil, true
	}
	out := func(a Anchor) bool { return slices.Contains(all, a.Source) && !slices.Contains(most, a.Source) }
	used = slices.DeleteFunc(slices.Clone(anchors), out)
	if !consistent(used) { // what has no vote is taken where it fits
		used = of(anchors, most)
	}
	for _, a := range anchors {
		if !slices.ContainsFunc(used, func(u Anchor) bool { return u.Source == a.Source }) {
			left = append(left, a.Source)
		}
	}
	slices.SortFunc(left, cmp.Compare[Source])
	return used, slices.Compact(left), false
}

// of gives the anchors of some sources.
func of(anchors []Anchor, sources []Source) []Anchor {
	return slices.DeleteFunc(slices.Clone(anchors), func(a Anchor) bool { return !slices.Contains(sources, a.Source) })
}

// consistent reports whether no two anchors exclude one another: they do when
// they are further apart than their uncertainties, each widened at MaxDrift for
// the time between them. The anchors come in the order of their boottimes.
//
// Where no two exclude one another there is a clock that fits them all: claims
// that widen at a fixed rate have that in common with intervals.
func consistent(anchors []Anchor) bool {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for i, a := range anchors {
		off, u := parts*(a.UTC-a.At), parts*max(a.Uncertainty, 1)
		if i > 0 && (low > off+u+a.At || high < off-u-a.At) {
			return false
		}
		low, high = max(low, off-u+a.At), min(high, off+u-a.At)
	}
	return true
}
