package sensor

import (
	"time"

	"frostline/proto/truetime"
)

// timekeeper makes anchors of the times in a receiver's sentences.
//
// A sentence arrives after the moment it names: when the receiver has computed,
// and the line has carried it, which is within the second for one that sends
// every second. Reading may be late too. So an anchor is made of the one of ten
// sentences that came soonest after its moment, and claims half a second.
type timekeeper struct {
	first  int64 // boottime of the first of an unbroken row of times, ms
	lastAt int64 // of the last
	last   int64 // UTC of the last, Unix ms
	row    int   // length of the row
	count  int   // sentences since the last anchor
	best   truetime.Anchor
}

const (
	anchorEvery = 10 // sentences
	halfSecond  = 500
	// Until a receiver has received the almanac, which takes 12.5 minutes, it
	// may not know the leap seconds since it was built.
	almanac       = 13 * 60_000
	leapAllowance = 3000
)

// take takes a time heard at boottime at, in ms.
func (k *timekeeper) take(t time.Time, at int64) (a truetime.Anchor, ok bool) {
	utc := t.UnixMilli()
	if utc == k.last && k.row > 0 {
		return a, false // another talker of the same second
	}
	// Times that do not go as boottime does are none: garbage before the first
	// fix, or sentences that were held up somewhere.
	if drift := (utc - k.last) - (at - k.lastAt); k.row == 0 || drift < -1500 || drift > 1500 {
		k.first, k.row, k.count = at, 0, 0
	}
	k.row, k.last, k.lastAt = k.row+1, utc, at
	u := int64(halfSecond)
	if at-k.first < almanac {
		u += leapAllowance
	}
	n := truetime.Anchor{At: at, UTC: utc + halfSecond, Uncertainty: u, Source: truetime.GNSS}
	if k.count == 0 || n.At-n.UTC < k.best.At-k.best.UTC {
		k.best = n
	}
	if k.count++; k.count < anchorEvery {
		return a, false
	}
	k.count = 0
	return k.best, true
}
