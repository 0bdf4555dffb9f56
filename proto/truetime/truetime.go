// Package truetime tells what UTC it was at a moment of a gateway's boot
// clock, and how sure that is. Readings are stamped with CLOCK_BOOTTIME, which
// never steps; anchors tie it to UTC, and may be made after the readings they
// date. Nothing is rewritten when a better anchor arrives: it is asked again.
package truetime

import "fmt"

// Source is where an anchor's UTC came from. Part of the wire format.
type Source uint32

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
	return fmt.Sprintf("source-%d", uint32(s))
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
	// Conflict is set when the anchors contradict one another and no majority
	// of sources says which are wrong. Uncertainty then spans all of them: the
	// truth is inside, but the gateway's clock sources need attention.
	Conflict bool
}

// Anchors beyond these say nothing about any clock; the bounds keep the
// arithmetic from overflowing.
const (
	MaxTick        = 1 << 47 // boottime, ms: 4,460 years
	maxUTC         = 1 << 47 // ms: the year 6429
	maxUncertainty = 1 << 40 // ms: 34 years
)

// Plausible reports whether an anchor can be used in a Timeline.
func (a Anchor) Plausible() bool {
	return a.UTC > -maxUTC && a.UTC < maxUTC && a.At > -MaxTick && a.At < MaxTick && a.Uncertainty >= 0 && a.Uncertainty < maxUncertainty
}
