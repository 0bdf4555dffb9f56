package truetime

import (
	"testing"

	"pgregory.net/rapid"
)

func TestUndatedWithoutAnchors(t *testing.T) {
	if m, ok := NewTimeline(nil).Resolve(5); ok {
		t.Fatalf("got %+v, want undated", m)
	}
}

func TestResolveIntersects(t *testing.T) {
	tl := NewTimeline([]Anchor{{At: 0, UTC: 1_000_000, Uncertainty: 500, Source: RTC}, {At: 1000, UTC: 1_001_300, Uncertainty: 20, Source: NTP}})
	m, ok := tl.Resolve(2000)
	if !ok || m.Conflict || m.UTC < 1_002_280 || m.UTC > 1_002_320 || m.Uncertainty > 21 {
		t.Fatalf("got %+v, want 1002300 ± 20", m)
	}
}

func TestResolveConflictSpansAll(t *testing.T) {
	tl := NewTimeline([]Anchor{{At: 0, UTC: 0, Uncertainty: 10}, {At: 0, UTC: 100_000, Uncertainty: 10}})
	m, _ := tl.Resolve(0)
	if !m.Conflict || m.UTC-m.Uncertainty > -10 || m.UTC+m.Uncertainty < 100_010 {
		t.Fatalf("got %+v, want the hull with Conflict", m)
	}
}

// Promise 4: true time lies inside the stated uncertainty, and order holds.
func TestPromise4TrueTimeInsideUncertainty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drift := rapid.Float64Range(-100e-6, 100e-6).Draw(t, "drift")
		start := rapid.Int64Range(0, 4e12).Draw(t, "start")
		truth := func(at int64) float64 { return float64(start) + float64(at)*(1+drift) }
		var anchors []Anchor
		for range rapid.IntRange(1, 6).Draw(t, "anchors") {
			at := rapid.Int64Range(0, 30*86_400_000).Draw(t, "at")
			u := rapid.Int64Range(1, 60_000).Draw(t, "uncertainty")
			e := rapid.Int64Range(-u+1, u-1).Draw(t, "error")
			anchors = append(anchors, Anchor{At: at, UTC: int64(truth(at)) + e, Uncertainty: u})
		}
		tl := NewTimeline(anchors)
		last := Moment{UTC: -1 << 62}
		for at := int64(0); at < 30*86_400_000; at += 7_000_001 {
			m, ok := tl.Resolve(at)
			if !ok || m.Conflict {
				t.Fatalf("honest anchors %+v gave %+v %v", anchors, m, ok)
			}
			if d := float64(m.UTC) - truth(at); d > float64(m.Uncertainty)+1 || d < -float64(m.Uncertainty)-1 {
				t.Fatalf("at %d: true time %.0f outside %d ± %d", at, truth(at), m.UTC, m.Uncertainty)
			}
			if m.UTC < last.UTC {
				t.Fatalf("at %d: order inverted, %d after %d", at, m.UTC, last.UTC)
			}
			last = m
			back := tl.Boottime(m.UTC)
			if b, _ := tl.Resolve(back); back > at || b.UTC < m.UTC {
				t.Fatalf("Boottime(%d) = %d dated %d, want at most %d", m.UTC, back, b.UTC, at)
			}
			if b, _ := tl.Resolve(back - 1); b.UTC >= m.UTC {
				t.Fatalf("Boottime(%d) = %d, and the moment before is dated %d", m.UTC, back, b.UTC)
			}
		}
	})
}
