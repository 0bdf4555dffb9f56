package panel

import (
	"cmp"
	"strconv"
	"strings"

	"frostline/proto/thermal"
)

// shownTemp writes a temperature with one decimal, or with as many as it takes to
// tell on which side of a limit it lies: 8.04 beside a limit of 8 is not "8.0".
func shownTemp(t thermal.Temp, bounds ...*thermal.Temp) string {
	for digits := 1; digits < 3; digits++ {
		unit := thermal.Temp(100)
		if digits == 2 {
			unit = 10
		}
		half := unit / 2
		if t < 0 {
			half = -half
		}
		rounded := (t + half) / unit * unit
		same := true
		for _, b := range bounds {
			same = same && (b == nil || cmp.Compare(rounded, *b) == cmp.Compare(t, *b))
		}
		if same {
			return decimals(rounded, digits)
		}
	}
	return decimals(t, 3)
}

// decimals writes thousandths with so many decimals; the rest must be zero.
func decimals(t thermal.Temp, digits int) string {
	s := strconv.FormatInt(int64(max(t, -t)), 10)
	s = strings.Repeat("0", max(4-len(s), 0)) + s
	s = s[:len(s)-3] + "." + s[len(s)-3:][:digits]
	if t < 0 {
		s = "−" + s
	}
	return s
}

// bound writes a limit: "8", "−20", "2.5".
func bound(t thermal.Temp) string { return minus(t.String()) }

// rangeOf writes the labelled range of what is watched.
func (l *locale) rangeOf(w Watched) string {
	switch {
	case w.Low != nil && w.High != nil:
		return l.say("range.both", bound(*w.Low), bound(*w.High))
	case w.High != nil:
		return l.say("range.below", bound(*w.High))
	case w.Low != nil:
		return l.say("range.above", bound(*w.Low))
	}
	return ""
}

// ago writes an age coarsely, so that a screen seen from afar does not flicker:
// "just now" below ten seconds, then in steps of ten.
func (l *locale) ago(ms int64) string {
	switch {
	case ms < 10_000:
		return l.say("read.now")
	case ms < 60_000:
		ms -= ms % 10_000
	}
	return l.say("read.ago", FormatAge(ms))
}

// minutes writes an estimate of a time, in minutes up to an hour and a half.
func (l *locale) minutes(ms int64) string {
	if m := ms / 60_000; m < 90 {
		return l.say("minutes", group(uint64(max(m, 1))))
	}
	return FormatAge(ms - ms%600_000)
}
