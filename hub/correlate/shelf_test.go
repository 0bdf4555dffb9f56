package correlate

import (
	"context"
	"testing"

	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// TestWhatIsReadForSeveralPackagesIsReadAgainWhenReadingsCome: of packages that
// ride together the second is judged by readings that came after the first was.
func TestWhatIsReadForSeveralPackagesIsReadAgainWhenReadingsCome(t *testing.T) {
	ctx := context.Background()
	r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
	fleet(r, 1, 2)
	r.commit(anchored(readings(0, 0, 10_000, 360)))
	late := readings(0, 3_600_000, 10_000, 360)
	for i := range 60 {
		late.Boots[0].Columns[0].Values[100+i] += 9000
	}
	r.commit(readings(0, 2*3_600_000, 10_000, 360))
	r.now = noon + 3*3_600_000 - 10_000
	e := r.engine
	if err := e.drain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := e.follow(ctx); err != nil {
		t.Fatal(err)
	}
	if more, err := e.judgeSome(ctx, 0); err != nil || !more {
		t.Fatalf("judge one package: more is %v, %v", more, err)
	}
	r.commit(late)
	r.settle()
	for _, id := range []string{"P00000", "P00001"} {
		all, err := e.Revisions(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 || all[len(all)-1].Data.Verdict.Outcome != thermal.Excursion {
			t.Errorf("package %s: %d verdicts, want the last to be an excursion", id, len(all))
		}
	}
	if n := e.Status().Revisions; n != 3 {
		t.Errorf("%d verdicts were told, want 3: the first package's twice", n)
	}
}
