package correlate

import (
	"testing"

	"frostline/proto/thermal"
)

// TestUnknownSince: a package is unknown since the last that was known, however
// many reasons follow one another.
func TestUnknownSince(t *testing.T) {
	for name, c := range map[string]struct {
		gaps []thermal.Unmonitored
		want int64
	}{
		"one reason":        {[]thermal.Unmonitored{{From: 70, To: 100, Reason: "sensor silent"}}, 70},
		"three of them":     {[]thermal.Unmonitored{{From: 10, To: 20, Reason: "x"}, {From: 60, To: 70, Reason: "bad readings"}, {From: 70, To: 90, Reason: "no sensor"}, {From: 90, To: 100, Reason: "no attachment"}}, 60},
		"from the start on": {[]thermal.Unmonitored{{From: 5, To: 100, Reason: "no sensor"}}, 5},
		"another until now": {nil, 100},
	} {
		if got := lastKnown(&thermal.Verdict{From: 5, To: 100, Gaps: c.gaps}); got != c.want {
			t.Errorf("%s: since %d, want %d", name, got, c.want)
		}
	}
}
