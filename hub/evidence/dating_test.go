package evidence_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/evidence/verify"
	"frostline/proto/truetime"
)

// TestPromise5BothDateAlike: both programs date by both rules alike, whatever
// sources say, to the millisecond.
func TestPromise5BothDateAlike(t *testing.T) {
	s := newSecond(t)
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		start := rapid.Int64Range(0, 4e12).Draw(rt, "start")
		lies := map[uint32]int64{}
		for source := range uint32(6) {
			lies[source] = rapid.SampledFrom([]int64{0, 0, 0, 40, 200, 3_600_000, -1 << 40}).Draw(rt, "lie")
		}
		var anchors []truetime.Anchor
		asked := [][]int64{}
		for range rapid.IntRange(0, 12).Draw(rt, "anchors") {
			at, source := rapid.Int64Range(-1e6, 1e9).Draw(rt, "at"), rapid.Uint32Range(0, 5).Draw(rt, "source")
			a := truetime.Anchor{
				At: at, UTC: start + at + lies[source] + rapid.Int64Range(-60, 60).Draw(rt, "error"),
				Uncertainty: rapid.SampledFrom([]int64{-1, 0, 20, 100, 600_000, 1 << 40}).Draw(rt, "uncertainty"), Source: truetime.Source(source),
			}
			anchors = append(anchors, a)
			asked = append(asked, []int64{a.At, a.UTC, a.Uncertainty, int64(a.Source)})
		}
		ticks := []int64{0, 1, 1 << 47, rapid.Int64Range(-1e7, 2e9).Draw(rt, "tick")}
		for _, rule := range []truetime.Rule{truetime.Hull, truetime.Majority} {
			tl := rule.Timeline(anchors)
			var utc []any
			conflict := false
			for _, tick := range ticks {
				m, ok := tl.Resolve(tick)
				conflict = conflict || m.Conflict
				if utc = append(utc, m.UTC); !ok {
					utc[len(utc)-1] = nil
				}
			}
			want, err := json.Marshal([]any{conflict, utc})
			if err != nil {
				rt.Fatal(err)
			}
			got := s.ask("date", map[string]any{"rule": rule, "anchors": asked, "ticks": ticks})
			if got = strings.ReplaceAll(got, " ", ""); got != string(want) {
				rt.Fatalf("rule %d, anchors %+v, ticks %v: the second dates %s, the first %s", rule, anchors, ticks, got, want)
			}
			switch {
			case conflict:
				seen["conflict"]++
			case len(tl.Left()) > 0:
				seen["left out"]++
			}
		}
	})
	if !testing.Short() && (seen["conflict"] == 0 || seen["left out"] == 0) {
		t.Errorf("too little was tried: %v", seen)
	}
}

// TestPromise5OldFormat: both open a bundle of the first format, and say the same.
func TestPromise5OldFormat(t *testing.T) {
	b, err := os.ReadFile("verify/testdata/bundle-1.zip")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile("verify/testdata/bundle-1.key")
	if err != nil {
		t.Fatal(err)
	}
	if r := newSecond(t).check("the first format", b, verify.Options{Key: strings.TrimSpace(string(key))}); !r.Holds {
		t.Errorf("problems: %v", r.Problems)
	}
}
