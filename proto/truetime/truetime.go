// Package truetime tells what UTC it was at a moment of a gateway's boot
// clock, and how sure that is. Readings are stamped with CLOCK_BOOTTIME, which
// never steps; anchors tie it to UTC, and may be made after the readings they
// date. Nothing is rewritten when a better anchor arrives: it is asked again.
package truetime

import "fmt"

// Source is where an anchor's UTC came from. Part of the wire format.
type Source uint8

const (
	RTC  Source = 1 // a battery-backed clock, read at boot
	NTP  Source = 2 // the system clock while the kernel says it is synchronised
	Hub  Source = 3 // the hub's clock, by a round trip
	GNSS Source = 4 // a satellite fix
)

func (s Source) String() string {
	switch s {
	case RTC:
		return "rtc"
	case NTP:
		return "ntp"
	case Hub:
		return "hub"
	case GNSS:
		return "gnss"
	}
	return fmt.Sprintf("source-%d", uint8(s))
}

// MaxDrift bounds how far a gateway's oscillator runs off: 200 parts per
// million, twice what a cheap crystal does over its temperature range.
const MaxDrift = 200e-6

// Anchor says: at boottime At it was UTC, give or take Uncertainty.
type Anchor struct {
	At          int64 // CLOCK_BOOTTIME, ms
	UTC         int64 // Unix time, ms
	Uncertainty int64 // ms, at least 1
	Source      Source
}

// Moment is an instant of UTC known to lie within Uncertainty of UTC.
type Moment struct {
	UTC         int64 // Unix time, ms
	Uncertainty int64 // ms
	// Conflict is set when the anchors contradict one another. Uncertainty
	// then spans all of them: the truth is inside, but the gateway's clock
	// sources need attention.
	Conflict bool
}

// Timeline dates the boottimes of one boot by its anchors. The zero Timeline
// has none and dates nothing. It is immutable, so safe for concurrent use.
type Timeline struct {
	anchors  []Anchor
	conflict bool
}

// NewTimeline makes the timeline of one boot from its anchors, in any order.
//
// The anchors are in conflict when two of them exclude one another even at
// MaxDrift over the time between them. Deciding that once for the whole boot
// keeps Resolve continuous: no two readings change their order.
func NewTimeline(anchors []Anchor) Timeline {
	t := Timeline{anchors: anchors}
	for i, a := range anchors {
		for _, b := range anchors[:i] {
			off := (a.UTC - a.At) - (b.UTC - b.At)
			if max(off, -off) > a.width(b.At)+b.width(b.At) {
				t.conflict = true
			}
		}
	}
	return t
}

// width is the anchor's uncertainty at a boottime, ms.
func (a Anchor) width(at int64) int64 {
	d := at - a.At
	return max(a.Uncertainty, 1) + int64(float64(max(d, -d))*MaxDrift)
}

// Dated reports whether the timeline has any anchor.
func (t Timeline) Dated() bool { return len(t.anchors) > 0 }

// Resolve dates a boottime in milliseconds. ok is false without anchors: the
// reading is undated, which is a state, not a guess.
//
// Each anchor claims an interval, widened by MaxDrift for the distance to at.
// The result is the intersection of them all, or, where the anchors are in
// conflict, their hull. UTC never decreases as at increases.
func (t Timeline) Resolve(at int64) (m Moment, ok bool) {
	if len(t.anchors) == 0 {
		return Moment{}, false
	}
	var lo, hi int64
	for i, a := range t.anchors {
		utc, w := a.UTC+at-a.At, a.width(at)
		switch {
		case i == 0:
			lo, hi = utc-w, utc+w
		case t.conflict:
			lo, hi = min(lo, utc-w), max(hi, utc+w)
		default:
			lo, hi = max(lo, utc-w), min(hi, utc+w)
		}
	}
	return Moment{UTC: lo + (hi-lo)/2, Uncertainty: max((hi-lo+1)/2, 1), Conflict: t.conflict}, true
}

// Boottime is the inverse of Resolve: the earliest boottime, ms, that is dated
// at or after utc. It serves to look a span of UTC up in device time.
func (t Timeline) Boottime(utc int64) (at int64, ok bool) {
	if len(t.anchors) == 0 {
		return 0, false
	}
	guess := utc - (t.anchors[0].UTC - t.anchors[0].At)
	m, _ := t.Resolve(guess)
	step := max(m.Uncertainty*2, 1000)
	lo, hi := guess-step, guess+step
	for m, _ = t.Resolve(lo); m.UTC >= utc; m, _ = t.Resolve(lo) {
		step *= 2
		lo -= step
	}
	for m, _ = t.Resolve(hi); m.UTC < utc; m, _ = t.Resolve(hi) {
		step *= 2
		hi += step
	}
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if m, _ := t.Resolve(mid); m.UTC >= utc {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, true
}
