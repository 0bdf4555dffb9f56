package gate

import (
	"fmt"
	"testing"
	"time"
)

// TestPaceOfEachIsItsOwn: a burst, then a wait that is told, for one alone.
func TestPaceOfEachIsItsOwn(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := NewPace(2, 3)
	for i := range 3 {
		if wait := p.Take("a", now); wait != 0 {
			t.Fatalf("request %d of a burst of 3 waits %v", i+1, wait)
		}
	}
	wait := p.Take("a", now)
	if wait <= 0 || wait > 500*time.Millisecond {
		t.Fatalf("the fourth waits %v, want half a second at most", wait)
	}
	if p.Take("b", now) != 0 {
		t.Error("another waits for the first")
	}
	if p.Take("a", now.Add(wait)) != 0 {
		t.Errorf("after %v it still waits", wait)
	}
}

// TestSpendTellsTheLast: who is let through is counted after, and waits once
// nothing is left.
func TestSpendTellsTheLast(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := NewPace(1, 2)
	if p.Wait("a", now) != 0 {
		t.Error("one that is not known waits")
	}
	if p.Spend("a", now) {
		t.Error("the first of two is the last")
	}
	if !p.Spend("a", now) || p.Wait("a", now) == 0 {
		t.Error("the second of two is not the last")
	}
	if p.Wait("a", now.Add(time.Second)) != 0 {
		t.Error("a second later it waits")
	}
}

// TestPaceForgetsTheRested: it remembers a bounded number; who comes when all
// of them are busy shares one limit.
func TestPaceForgetsTheRested(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := NewPace(1, 1)
	for i := range most {
		p.Take(fmt.Sprint(i), now)
	}
	if p.Take("late", now) != 0 || p.Take("later", now) == 0 {
		t.Error("two beyond the bound do not share a limit")
	}
	if now = now.Add(time.Minute); p.Take("x", now) != 0 || p.Take("y", now) != 0 || len(p.of) > 3 {
		t.Errorf("%d are remembered after a minute of rest", len(p.of))
	}
}
