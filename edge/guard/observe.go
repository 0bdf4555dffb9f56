package guard

import "frostline/proto/reading"

// Observe judges readings as they are taken, before they are kept: an alarm waits
// for no disk. Those of one series come in the order of their ticks. It does not
// block.
func (g *Guard) Observe(readings []reading.Reading) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(g.steps)
	for _, r := range readings {
		for _, l := range g.bySeries[r.Series] {
			l.take(g, r)
		}
	}
	g.changed(n)
}

// Dropped counts readings that came out of the order of their ticks and were
// not judged.
func (g *Guard) Dropped() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dropped
}
