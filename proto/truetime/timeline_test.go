package truetime

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPromise4TimelineIsNaive: the timeline says what looking at every anchor
// says, to the millisecond that rounding takes.
func TestPromise4TimelineIsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 4e12).Draw(t, "start")
		wild := rapid.Bool().Draw(t, "wild")
		var anchors []Anchor
		for range rapid.IntRange(1, 12).Draw(t, "anchors") {
			at := rapid.Int64Range(-1e6, 40*86_400_000).Draw(t, "at")
			u := rapid.Int64Range(0, 60_000).Draw(t, "uncertainty")
			e := rapid.Int64Range(-u, u).Draw(t, "error")
			if wild {
				e *= rapid.Int64Range(1, 100).Draw(t, "factor")
			}
			anchors = append(anchors, Anchor{At: at, UTC: start + at + e, Uncertainty: u})
		}
		want, got := naive(anchors), NewTimeline(anchors)
		last := int64(-1 << 62)
		cursor := got.Cursor()
		for range 20 { // also back and forth
			at := rapid.Int64Range(-2e6, 41*86_400_000).Draw(t, "moment")
			w, _ := got.Resolve(at)
			if m, ok := cursor.Resolve(at); !ok || m != w {
				t.Fatalf("at %d: a cursor says %+v, want %+v", at, m, w)
			}
		}
		cursor = got.Cursor()
		for at := int64(-2e6); at < 41*86_400_000; at += 9_000_011 {
			w, _ := want.resolve(at)
			g, ok := got.Resolve(at)
			if m, _ := cursor.Resolve(at); m != g {
				t.Fatalf("at %d: a cursor says %+v, want %+v", at, m, g)
			}
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
			back := got.Boottime(g.UTC)
			if b, _ := got.Resolve(back); back > at || b.UTC < g.UTC {
				t.Fatalf("boottime(%d) = %d dated %d, want at most %d", g.UTC, back, b.UTC, at)
			}
			if b, _ := got.Resolve(back - 1); b.UTC >= g.UTC {
				t.Fatalf("boottime(%d) = %d, and the moment before is dated %d", g.UTC, back, b.UTC)
			}
		}
	})
}

// conflictMargin is how far the anchors are from being judged otherwise, ms.
func conflictMargin(anchors []Anchor) float64 {
	margin := 1e18
	for i, a := range anchors {
		for _, b := range anchors[:i] {
			off := float64((a.UTC - a.At) - (b.UTC - b.At))
			apart := float64(max(a.At-b.At, b.At-a.At))
			width := float64(max(a.Uncertainty, 1)+max(b.Uncertainty, 1)) + apart*MaxDrift
			margin = min(margin, abs(abs(off)-width))
		}
	}
	return margin
}

func abs(f float64) float64 { return max(f, -f) }

func TestTimelineSurvivesTheImplausible(t *testing.T) {
	tl := NewTimeline([]Anchor{{At: MaxTick - 1, UTC: -maxUTC + 1, Uncertainty: maxUncertainty - 1}, {At: -MaxTick + 1, UTC: maxUTC - 1}})
	for _, at := range []int64{-1 << 63, -MaxTick, -MaxTick + 1, 0, MaxTick - 1, MaxTick, 1<<63 - 1} {
		m, ok := tl.Resolve(at)
		if ok != (at > -MaxTick && at < MaxTick) || ok && m.Uncertainty < 1 {
			t.Errorf("resolve(%d) = %+v, %v", at, m, ok)
		}
	}
	for _, utc := range []int64{-1 << 62, 0, 1 << 62} {
		tl.Boottime(utc)
	}
	if (Anchor{At: 1 << 60}).Plausible() || (Anchor{UTC: 1 << 60}).Plausible() || (Anchor{Uncertainty: -1}).Plausible() {
		t.Error("an implausible anchor passed")
	}
}

func BenchmarkResolve(b *testing.B) {
	var anchors []Anchor
	for i := range int64(8760) {
		anchors = append(anchors, Anchor{At: i * 3_600_000, UTC: 1.7e12 + i*3_600_000, Uncertainty: 20})
	}
	tl := NewTimeline(anchors)
	i := int64(0)
	for b.Loop() {
		tl.Resolve(i % (8760 * 3_600_000))
		i += 1000
	}
}

// naive dates by asking every anchor, each time.
type naive []Anchor

func (n naive) width(a Anchor, at int64) int64 {
	return max(a.Uncertainty, 1) + int64(float64(max(at-a.At, a.At-at))*MaxDrift)
}

func (n naive) conflict() bool {
	for i, a := range n {
		for _, b := range n[:i] {
			off := (a.UTC - a.At) - (b.UTC - b.At)
			if max(off, -off) > max(a.Uncertainty, 1)+n.width(b, a.At) {
				return true
			}
		}
	}
	return false
}

func (n naive) resolve(at int64) (m Moment, ok bool) {
	conflict := n.conflict()
	var lo, hi int64
	for i, a := range n {
		utc, w := a.UTC+at-a.At, n.width(a, at)
		switch {
		case i == 0:
			lo, hi = utc-w, utc+w
		case conflict:
			lo, hi = min(lo, utc-w), max(hi, utc+w)
		default:
			lo, hi = max(lo, utc-w), min(hi, utc+w)
		}
	}
	return Moment{UTC: lo + (hi-lo)/2, Uncertainty: max((hi-lo+1)/2, 1), Conflict: conflict}, len(n) > 0
}
