package sampler

import (
	"slices"
	"sync/atomic"
)

// LatenessBounds are the upper bounds of Lateness.Counts, in milliseconds.
var LatenessBounds = [...]int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}

// Lateness is by how much sensors were asked for their values after the tick.
type Lateness struct {
	Counts [len(LatenessBounds) + 1]uint64 // measurements up to each bound and above the one before; the last above all
	SumMs  int64                           // of all
}

// lateness counts as measurements go; it is safe for concurrent use.
type lateness struct {
	counts [len(LatenessBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (l *lateness) add(ms int64) {
	ms = max(ms, 0)
	i, _ := slices.BinarySearch(LatenessBounds[:], ms)
	l.counts[i].Add(1)
	l.sum.Add(ms)
}

// Lateness tells how late sensors were asked, since the Sampler was made.
func (s *Sampler) Lateness() Lateness {
	l := Lateness{SumMs: s.late.sum.Load()}
	for i := range l.Counts {
		l.Counts[i] = s.late.counts[i].Load()
	}
	return l
}
