package epcis

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Number is a number as it was written, and empty where there is none.
type Number string

// Float gives the nearest float64, and false where there is no number.
func (n Number) Float() (float64, bool) {
	if n == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// parseTime reads an xsd:dateTimeStamp: a date, a time with any number of
// decimals, and a zone, which EPCIS requires. Decimals beyond nanoseconds are
// cut off.
func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[10] != 'T' {
		return time.Time{}, false
	}
	if !hasZone(s[19:]) {
		return time.Time{}, false
	}
	if s[11:13] == "24" {
		// The end of a day, which XML Schema allows.
		t, err := time.Parse(time.RFC3339Nano, s[:11]+"00"+s[13:])
		if err != nil || t.Minute() != 0 || t.Second() != 0 || t.Nanosecond() != 0 {
			return time.Time{}, false
		}
		return t.Add(24 * time.Hour).UTC(), true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}

// hasZone says whether the rest of a time behind its seconds is decimals after a
// point, if any, and a zone. The standard library takes a comma, too.
func hasZone(s string) bool {
	if after, ok := strings.CutPrefix(s, "."); ok {
		var part string
		if part, s = digits(after); part == "" {
			return false
		}
	}
	return s == "Z" || len(s) == len("+01:00") && (s[0] == '+' || s[0] == '-')
}
