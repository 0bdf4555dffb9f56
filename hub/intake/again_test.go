package intake

import (
	"fmt"
	"testing"

	"frostline/proto/pb"
)

// TestLossesStatedAgainCountOnce: a gateway whose journal is full for long loses
// blocks that declare losses, and states them again.
func TestLossesStatedAgainCountOnce(t *testing.T) {
	gaps := []*pb.Gap{
		{First: 1, Last: 10, Readings: 100}, {First: 11, Last: 20, Readings: 100},
		{First: 40, Last: 50, Readings: 10},
		{First: 1, Last: 20, Readings: 200, Again: true},
		{First: 1, Last: 30, Readings: 300, Again: true}, // the hub had what is between
		{Readings: 5, Boot: 1, FromMs: 7, ToMs: 9}, {Readings: 5, Boot: 1, FromMs: 7, ToMs: 9, Again: true},
		{Readings: 3, Boot: 2}, {Readings: 3, Boot: 2}, // two of the same size
		{Readings: 2, Boot: 3, Again: true}, {Readings: 2, Boot: 3, Again: true},
	}
	var got []string
	for _, g := range widest(gaps) {
		if g.First > 0 {
			got = append(got, fmt.Sprint(g.First, "-", g.Last))
		}
	}
	if fmt.Sprint(got) != "[1-30 40-50]" {
		t.Errorf("the widest declarations are %v", got)
	}
	lost, whole := declared(widest(gaps), interval{1, 60}, 1000)
	if lost != 310 || whole {
		t.Errorf("%d readings of blocks 1 to 60 are declared lost (all: %v), want 310", lost, whole)
	}
	if n := unnumbered(gaps); n != 5+3+3+2+2 {
		t.Errorf("%d readings were lost without numbers, want 15", n)
	}
}
