package history

import (
	"testing"

	"pgregory.net/rapid"

	"frostline/proto/truetime"
)

// TestPromise4TimelineIsTruetime: the fast timeline says what proto/truetime
// says, to the millisecond that rounding takes.
func TestPromise4TimelineIsTruetime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 4e12).Draw(t, "start")
		wild := rapid.Bool().Draw(t, "wild")
		var anchors []truetime.Anchor
		for range rapid.IntRange(1, 12).Draw(t, "anchors") {
			at := rapid.Int64Range(-1e6, 40*86_400_000).Draw(t, "at")
			u := rapid.Int64Range(0, 60_000).Draw(t, "uncertainty")
			e := rapid.Int64Range(-u, u).Draw(t, "error")
			if wild {
				e *= rapid.Int64Range(1, 100).Draw(t, "factor")
			}
			anchors = append(anchors, truetime.Anchor{At: at, UTC: start + at + e, Uncertainty: u})
		}
		want, got := truetime.NewTimeline(anchors), newTimeline(anchors)
		last := int64(-1 << 62)
		for at := int64(-2e6); at < 41*86_400_000; at += 9_000_011 {
			w, _ := want.Resolve(at)
			g, ok := got.resolve(at)
			near := func(a, b int64) bool { return a-b >= -1 && a-b <= 1 }
			if !ok || !near(g.UTC, w.UTC) || !near(g.Uncertainty, w.Uncertainty) {
				if w.Conflict == g.Conflict {
					t.Fatalf("at %d: got %+v, want %+v", at, g, w)
				}
			}
			// A conflict by less than rounding may be judged either way.
			if w.Conflict != g.Conflict && conflictMargin(anchors) > 2 {
				t.Fatalf("at %d: got %+v, want %+v", at, g, w)
			}
			if g.UTC < last {
				t.Fatalf("at %d: order inverted, %d after %d", at, g.UTC, last)
			}
			last = g.UTC
			back := got.boottime(g.UTC)
			if b, _ := got.resolve(back); back > at || b.UTC < g.UTC {
				t.Fatalf("boottime(%d) = %d dated %d, want at most %d", g.UTC, back, b.UTC, at)
			}
			if b, _ := got.resolve(back - 1); b.UTC >= g.UTC {
				t.Fatalf("boottime(%d) = %d, and the moment before is dated %d", g.UTC, back, b.UTC)
			}
		}
	})
}

// conflictMargin is how far the anchors are from being judged otherwise, ms.
func conflictMargin(anchors []truetime.Anchor) float64 {
	margin := 1e18
	for i, a := range anchors {
		for _, b := range anchors[:i] {
			off := float64((a.UTC - a.At) - (b.UTC - b.At))
			apart := float64(max(a.At-b.At, b.At-a.At))
			width := float64(max(a.Uncertainty, 1)+max(b.Uncertainty, 1)) + apart*truetime.MaxDrift
			margin = min(margin, abs(abs(off)-width))
		}
	}
	return margin
}

func abs(f float64) float64 { return max(f, -f) }

func TestTimelineSurvivesTheImplausible(t *testing.T) {
	tl := newTimeline([]truetime.Anchor{{At: maxTick - 1, UTC: -maxUTC + 1, Uncertainty: maxUncertainty - 1}, {At: -maxTick + 1, UTC: maxUTC - 1}})
	for _, at := range []int64{-1 << 63, -maxTick, -maxTick + 1, 0, maxTick - 1, maxTick, 1<<63 - 1} {
		m, ok := tl.resolve(at)
		if ok != (at > -maxTick && at < maxTick) || ok && m.Uncertainty < 1 {
			t.Errorf("resolve(%d) = %+v, %v", at, m, ok)
		}
	}
	for _, utc := range []int64{-1 << 62, 0, 1 << 62} {
		tl.boottime(utc)
	}
	if plausible(truetime.Anchor{At: 1 << 60}) || plausible(truetime.Anchor{UTC: 1 << 60}) || plausible(truetime.Anchor{Uncertainty: -1}) {
		t.Error("an implausible anchor passed")
	}
}

func BenchmarkResolve(b *testing.B) {
	var anchors []truetime.Anchor
	for i := range int64(8760) {
		anchors = append(anchors, truetime.Anchor{At: i * 3_600_000, UTC: 1.7e12 + i*3_600_000, Uncertainty: 20})
	}
	tl := newTimeline(anchors)
	i := int64(0)
	for b.Loop() {
		tl.resolve(i % (8760 * 3_600_000))
		i += 1000
	}
}
