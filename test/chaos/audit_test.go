package chaos

import (
	"fmt"
	"slices"
	"testing"

	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/intake/batch"
	"frostline/proto/reading"
)

// The span of time that history is asked for: all of it.
const (
	earliest = int64(0)
	latest   = int64(1) << 45 // in the year 3084
)

// audit has the hub recompute its accounts from the evidence, and wants them
// to add up.
func (h *hub) audit(t testing.TB) []intake.Audit {
	t.Helper()
	audits, err := h.intake.AccountDeep(t.Context(), h.history)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range audits {
		if !a.AddsUp || a.Difference != 0 || len(a.Line.Problems) > 0 || len(a.Problems) > 0 {
			t.Errorf("the account of %s, epoch %d does not add up: %+v", a.Gateway, a.Epoch, a)
		}
		if a.History != a.Committed || a.Parcels != a.Committed {
			t.Errorf("%s, epoch %d: committed are %d readings, in the evidence %d, in history %d", a.Gateway, a.Epoch, a.Committed, a.Parcels, a.History)
		}
	}
	return audits
}

// sameAs compares history and chain with what a gateway has kept, all of which
// the hub should have: reading by reading, each exactly once, and nothing else.
func (h *hub) sameAs(t testing.TB, k *kept) {
	t.Helper()
	for _, a := range h.audit(t) {
		if a.Gateway == k.gateway && (a.Pending != 0 || a.Committed != k.of(a.Epoch)) {
			t.Errorf("%s, epoch %d: kept are %d readings; the account is %+v", a.Gateway, a.Epoch, k.of(a.Epoch), a.Line)
		}
	}
	for _, e := range k.epochs {
		// The heads are equal only if every byte of every block before is.
		if got := h.ranges(t, k.gateway, e.Epoch); len(got) != 1 || got[0] != (committed{1, e.Last, e.Head}) {
			t.Errorf("%s, epoch %d: kept are blocks 1 to %d with head %s; committed are %+v", k.gateway, e.Epoch, e.Last, e.Head, got)
		}
	}
	h.holds(t, k, true)
}

// hasAcknowledged wants the hub to have each block that the gateway's files say
// it has acknowledged: it may be the only place left.
func (h *hub) hasAcknowledged(t testing.TB, k *kept) {
	t.Helper()
	for _, e := range k.epochs {
		have := h.ranges(t, k.gateway, e.Epoch)
		for _, acked := range e.Acked {
			if !slices.ContainsFunc(have, func(c committed) bool { return c.first <= acked.First && acked.Last <= c.last }) {
				t.Errorf("%s, epoch %d: blocks %d to %d are acknowledged, and the hub has %+v", k.gateway, e.Epoch, acked.First, acked.Last, have)
			}
		}
	}
}

// holds compares what history tells with what was kept: nothing else, and
// nothing twice; where it should be complete, all of it.
func (h *hub) holds(t testing.TB, k *kept, complete bool) {
	t.Helper()
	const show = 5
	seen := make(map[place]bool, len(k.readings))
	var undated uint64
	bad := 0
	defer func() {
		if bad > show {
			t.Errorf("history of %s: %d differences in all", k.gateway, bad)
		}
	}()
	report := func(format string, a ...any) {
		t.Helper()
		if bad++; bad <= show {
			t.Errorf(format, a...)
		}
	}
	for series := range k.series() {
		key := history.Key{Gateway: k.gateway, Sensor: series.sensor, Quantity: series.quantity}
		err := h.history.Readings(t.Context(), key, earliest, latest, func(r history.Reading) error {
			p := place{r.Epoch, r.Boot, series, r.Tick}
			want, ok := k.readings[p]
			switch {
			case !ok:
				report("history of %s has %+v, which was never kept", k.gateway, p)
			case want != taken{r.Value, r.Quality}:
				report("history of %s has %d, %v at %+v; kept was %d, %v", k.gateway, r.Value, r.Quality, p, want.value, want.quality)
			case seen[p]:
				report("history of %s has %+v twice", k.gateway, p)
			}
			seen[p] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := h.history.Undated(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		undated += n
	}
	if !complete {
		return
	}
	// What nobody can date is counted, and told one by one nowhere.
	var missing uint64
	for p := range k.readings {
		if !seen[p] {
			missing++
			if undated == 0 {
				report("history of %s lacks %+v of block %d", k.gateway, p, k.block[p])
			}
		}
	}
	if missing != undated {
		report("history of %s: %d of %d kept readings are not told, %d are said to be undated", k.gateway, missing, len(k.readings), undated)
	}
}

// evidence gives every reading of a gateway that the stored blocks hold, dated
// or not.
func (h *hub) evidence(t testing.TB, gateway string) map[place]taken {
	t.Helper()
	out := map[place]taken{}
	err := h.intake.Replay(t.Context(), 0, func(b *batch.Batch) error {
		if b.Gateway != gateway {
			return nil
		}
		for _, boot := range b.Boots {
			for _, column := range boot.Columns {
				s, ok := h.registry.Lookup(gateway, b.Epoch, column.Series)
				if !ok {
					return fmt.Errorf("series %d of epoch %d is not known", column.Series, b.Epoch)
				}
				column.Each(func(tick, value int64, q reading.Quality) {
					p := place{b.Epoch, boot.Boot, name{s.Sensor, s.Quantity}, tick}
					if _, twice := out[p]; twice {
						t.Errorf("the hub has %+v twice", p)
					}
					out[p] = taken{value, q}
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
