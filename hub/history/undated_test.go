package history

import (
	"math"
	"slices"
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/truetime"
)

// TestUndatedBootsLieBetweenDatedOnes: what nobody can date is bounded by the
// boots before and after.
func TestUndatedBootsLieBetweenDatedOnes(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		rec := &record{}
		h := open(t, db, rec, 1<<20)
		for boot := range uint32(5) {
			b := one(1, boot+1, ticks(0, 10)...)
			if boot == 1 || boot == 3 {
				anchored(b, boot+1, truetime.Anchor{UTC: noon + int64(boot)*1_000_000, Uncertainty: 1})
			}
			h.Committed(rec.add(b))
			if boot == 2 {
				if err := h.merge(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := []Span{{math.MinInt64, noon + 1_000_000}, {noon + 1_009_000, noon + 3_000_000}, {noon + 3_009_000, math.MaxInt64}}
		got, err := h.UndatedSpans(t.Context(), key(0))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %v, %v; want %v", got, err, want)
		}
		h.Committed(rec.add(anchored(one(1, 3, 20_000), 3, truetime.Anchor{UTC: noon + 2_000_000, Uncertainty: 1})))
		if got, err = h.UndatedSpans(t.Context(), key(0)); err != nil || !slices.Equal(got, []Span{want[0], want[2]}) {
			t.Errorf("after an anchor: got %v, %v", got, err)
		}
		tl, err := h.Timeline(t.Context(), "van-1", 1, 3)
		if m, ok := tl.Resolve(0); err != nil || !ok || m.UTC != noon+2_000_000 {
			t.Errorf("timeline says %+v, %v, %v", m, ok, err)
		}
	})
}
