package journal

import (
	"context"
	"strings"
	"testing"
)

// TestWarnedOnceForEachCrossing: also when the agent starts again between, and
// again only after the journal has emptied.
func TestWarnedOnceForEachCrossing(t *testing.T) {
	dir := memory(t)
	o := opts()
	o.MaxBytes = 24 * o.SegmentBytes
	minutes := int64(0)
	o.Boottime = func() int64 { return 1e11 + minutes*60_000 }
	j := open(t, dir, o)
	f := newFeed(t, j, 20)
	fill := func(percent int) {
		t.Helper()
		for j.Stats().FullPercent < percent {
			minutes++
			f.appendTo(t, j, 60)
		}
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	warned := func() (out []string) {
		for _, e := range events(t, all(t, j, 1, 1)) {
			if s := e.GetFault().GetDetail(); strings.Contains(s, "are used") {
				out = append(out, s)
			}
		}
		return out
	}
	restart := func() {
		t.Helper()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir, o)
		f = &feed{ids: newFeed(t, j, 20).ids, tick: f.tick}
	}
	fill(72)
	restart()
	fill(80)
	if w := warned(); len(w) != 1 || !strings.HasPrefix(w[0], "7") || !strings.Contains(w[0], "hours are left") {
		t.Fatalf("warnings %q, want one", w)
	}
	fill(90)
	restart()
	if w := warned(); len(w) != 2 || !strings.HasPrefix(w[1], "8") {
		t.Fatalf("warnings %q, want two", w)
	}
	n := j.Numbers()
	if n.FullPercent < 85 || n.MaxBytes != uint64(o.MaxBytes) {
		t.Errorf("numbers %v, want them to tell how full it is", n)
	}
	tip := j.Tip()
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last, Head: tip.Head}); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.FullPercent > 20 {
		t.Fatalf("%d %% full, and all is acknowledged", s.FullPercent)
	}
	f.appendTo(t, j, 1)
	from := j.Tip().Last
	for j.Stats().FullPercent < 72 {
		minutes++
		f.appendTo(t, j, 60)
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	n2 := 0
	for _, e := range events(t, all(t, j, 1, from)) {
		if strings.Contains(e.GetFault().GetDetail(), "are used") {
			n2++
		}
	}
	if n2 != 1 {
		t.Errorf("%d warnings after it had emptied and filled again, want one", n2)
	}
}

func TestRateIsThatOfTheLastHour(t *testing.T) {
	const minute, opened = 60_000, int64(1e6)
	var r rate
	if _, ok := r.perHour(opened+minute/2, opened, 100); ok {
		t.Error("a rate after half a minute")
	}
	written := uint64(0)
	for m := int64(1); m <= 600; m++ {
		step := uint64(1000)
		if m > 480 {
			step = 10 // slower for two hours
		}
		written += step
		got, ok := r.perHour(opened+m*minute, opened, written)
		if !ok || m <= 480 && (got < 59_000 || got > 61_000) || m > 560 && (got < 590 || got > 610) {
			t.Fatalf("minute %d: %.0f bytes an hour, %v", m, got, ok)
		}
	}
}
