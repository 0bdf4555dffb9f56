package epcis

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// canonical is the form a value has in the text to hash: prefixes expanded,
// URNs of the vocabulary as web URIs, numbers without idle zeros, identifiers
// as canonical Digital Links.
func (h *hasher) canonical(s string) string {
	s = h.scope.expand(s)
	if strings.Contains(s, cbvURN) {
		s = vocabularyURNs.Replace(s)
	}
	if n, ok := canonicalNumber(s); ok {
		return n
	}
	return Canonical(s)
}

var vocabularyURNs = strings.NewReplacer(
	cbvURN+"bizstep:", cbvWeb+"BizStep-",
	cbvURN+"disp:", cbvWeb+"Disp-",
	cbvURN+"btt:", cbvWeb+"BTT-",
	cbvURN+"sdt:", cbvWeb+"SDT-",
	cbvURN+"er:", cbvWeb+"ER-",
)

// canonicalNumber writes whatever can be read as a number as the shortest
// decimal that gives the same float64, which is what the reference
// implementation does with texts too: "007" and "7.0" are 7.
func canonicalNumber(s string) (string, bool) {
	if s == "" || s[0] > '9' || len(s) > 400 {
		return "", false // beyond 400 digits none is finite
	}
	digits := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c == '_':
			if i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1]) {
				return "", false
			}
		case c == '+', c == '-', c == '.', c == 'e', c == 'E':
		default:
			return "", false
		}
	}
	if !digits {
		return "", false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	switch {
	case f == 0:
		return "0", true
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 0, 64), true
	case math.Abs(f) < 1e-4:
		return strconv.FormatFloat(f, 'e', -1, 64), true
	}
	return strconv.FormatFloat(f, 'f', -1, 64), true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// canonicalTime writes a time in UTC to the millisecond; the fourth decimal
// rounds the third. What is no time stays as it is.
func canonicalTime(s string) string {
	t, ok := parseTime(s)
	if !ok {
		return s
	}
	ms := t.Truncate(time.Millisecond)
	if t.Nanosecond()/100_000%10 >= 5 {
		ms = ms.Add(time.Millisecond)
	}
	return ms.Format("2006-01-02T15:04:05.000Z")
}
