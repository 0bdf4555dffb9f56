package chaos

import (
	"testing"
	"time"

	"frostline/edge/journal"
	"frostline/hub/intake/batch"
)

// TestPromise8LiveFirst starts a gateway with a long backlog behind a slow
// link. What it keeps from then on has to be committed while most of the
// backlog is still to come.
func TestPromise8LiveFirst(t *testing.T) {
	t.Parallel()
	ticks, least := 15_000, uint64(10)
	if testing.Short() {
		ticks, least = 4000, 3
	}
	c := seeded(t)
	s := build(t, c, layout{gateways: 1})
	g := s.gateways[0]
	g.link.Shape(20*time.Millisecond, 50<<10) // both as on a bad day of a cellular network

	j, err := journal.Open(g.journal(), g.id, journal.Options{BootID: "before", KeepAcknowledged: 1000 * time.Hour, MaxBytes: 256 << 20, Log: logTo(t, s.dir, "backlog")})
	s.must(err)
	ids := series(t, j, 20)
	const step = 100
	for n := 0; n < ticks; n += step {
		keep(t, j, c, ids, int64(n+step)*1000, 1000, step)
	}
	backlog := j.Tip().Last
	s.must(j.Close())

	s.must(g.start())
	s.settle()
	h := s.finish()

	// In the order in which the hub has committed them.
	var old, fresh, single, first uint64 // blocks; first: old ones before the first fresh one
	var stretch, longest uint64          // old parcels between two fresh ones
	err = h.intake.Replay(t.Context(), 0, func(b *batch.Batch) error {
		switch {
		case old == backlog: // nothing is left to be first before
		case b.First <= backlog: // what was kept before there was a connection may hang on to it
			old += min(b.Last, backlog) - b.First + 1
			stretch++
			longest = max(longest, stretch)
		default:
			if fresh == 0 {
				first = old
			}
			if b.First == b.Last {
				single++
			}
			fresh += b.Last - b.First + 1
			stretch = 0
		}
		return nil
	})
	s.must(err)
	t.Logf("%d blocks of backlog; %d fresh ones came before the last of them, the first after %d; at most %d parcels of backlog between two fresh ones", backlog, fresh, first, longest)
	if fresh < least {
		t.Errorf("%d fresh blocks were committed while the backlog drained, want at least %d", fresh, least)
	}
	if first > backlog/3 {
		t.Errorf("%d blocks of the backlog, which are %d, were committed before the first fresh one", first, backlog)
	}
	if single < fresh*9/10 {
		t.Errorf("%d of %d fresh blocks came at once, in parcels of their own: want nearly all", single, fresh)
	}
}
