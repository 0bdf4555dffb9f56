package chaos

import (
	"path/filepath"
	"testing"
	"time"
)

// TestPromise2AcknowledgedMeansDurable cuts the power of hub and gateway, each
// alone or both at once. What was not synced to their disks is gone then. Each
// block that the gateway holds for acknowledged must be at the hub, and each
// that was not must be where it was kept.
func TestPromise2AcknowledgedMeansDurable(t *testing.T) {
	t.Parallel()
	cuts := 12
	if testing.Short() {
		cuts = 2
	}
	c := seeded(t)
	disks := filepath.Join(folder(t), "disk")
	volumes := map[string]*volume{}
	s := build(t, c, layout{gateways: 1, dirs: func(of string) string {
		if volumes[of] == nil {
			volumes[of] = mountDisk(t, filepath.Join(disks, of))
		}
		return filepath.Join(volumes[of].dir, "data")
	}})
	g := s.gateways[0]
	s.startAll()
	s.settle()
	for n := range cuts {
		kept, acknowledged := s.untilPower(g, c)
		hub, edge := n%3 != 1, n%3 != 0 // one alone, the other, both
		if edge {
			s.must(volumes[g.id].cut())
		}
		if hub {
			s.must(volumes["hub"].cut())
		}
		// They run on for a moment with nothing under them.
		c.wait(t, 300*time.Millisecond)
		if edge {
			g.end()
			s.must(volumes[g.id].power())
		}
		if hub {
			s.hub.end()
			s.must(volumes["hub"].power())
		}
		s.compareAfter(g, kept, acknowledged)
		s.startAll()
		s.settle()
	}
	s.finish()
}

// untilPower waits for a random time and gives, of that moment, the last block
// that the gateway has kept, and the last that it holds for acknowledged, 0 if
// it does not say.
func (s *site) untilPower(g *gateway, c *chance) (kept, acknowledged uint64) {
	s.Helper()
	c.wait(s.TB, 1500*time.Millisecond)
	st, err := g.status(s.Context())
	s.must(err)
	if st.Journal.PendingBlocks == 0 {
		acknowledged = st.Journal.LastBlock
	}
	return st.Journal.LastBlock, acknowledged
}

// compareAfter looks at both disks after power has returned, before anything
// runs on them.
func (s *site) compareAfter(g *gateway, kept, acknowledged uint64) {
	s.Helper()
	must := func(err error) { s.Helper(); s.must(err) }
	must(g.kill())
	must(s.hub.kill())
	h := s.lookBack(copyOf(s.TB, s.hubData()))
	defer h.close(s.TB)
	k := readJournal(s.TB, g.journal(), g.id)
	h.hasAcknowledged(s.TB, k)
	h.holds(s.TB, k, false)
	h.audit(s.TB)
	if last, _ := k.head(1); last < kept {
		s.Errorf("block %d was kept, and after the power cut the last one is %d", kept, last)
	}
	if have := h.ranges(s.TB, g.id, 1); acknowledged > 0 && (len(have) == 0 || have[0].first != 1 || have[0].last < acknowledged) {
		s.Errorf("block %d was acknowledged, and after the power cut the hub has %+v", acknowledged, have)
	}
	if len(k.epochs) != 1 {
		s.Errorf("a power cut has begun another epoch: %+v", k.epochs)
	}
}
