package correlate

import (
	"context"
	"fmt"
	"math/rand"
	"testing"

	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// TestReadingsThatComeWhileTheEngineStarts: after a crash, readings come while
// packages are still judged one by one: those that go on, a backlog, and an
// excursion. Nothing is taken twice or left out: in the end each package's last
// verdict is what history says, and until it is judged nobody is told that it
// is in range.
func TestReadingsThatComeWhileTheEngineStarts(t *testing.T) {
	ctx := context.Background()
	const gateways, packages, block = 3, 12, 30
	for seed := range int64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewSource(seed))
			r := newRig(t, storetest.Open(t, storetest.SQLite(t)))
			fleet(r, gateways, packages)
			at, held := [gateways]int64{}, [gateways][]int64{}
			send := func(g int, from int64) {
				b := readings(g, from, 10_000, block)
				if from == 0 {
					anchored(b)
				}
				if g == 1 && from >= 6*block*10_000 {
					for i := range b.Boots[0].Columns[0].Values {
						b.Boots[0].Columns[0].Values[i] += 9000
					}
				}
				r.commit(b)
			}
			next := func(g int) {
				from := at[g]
				at[g] += block * 10_000
				r.now = max(r.now, noon+at[g])
				if from > 0 && rng.Intn(4) == 0 {
					held[g] = append(held[g], from) // comes late
					return
				}
				send(g, from)
			}
			for range 4 {
				for g := range gateways {
					next(g)
				}
			}
			r.settle()
			for g := range gateways { // committed, and not worked in before the crash
				next(g)
			}
			r.start()
			e := r.engine
			judged := map[string]bool{}
			for more := true; more || at[0] < 12*block*10_000; {
				g := rng.Intn(gateways)
				switch rng.Intn(4) {
				case 0:
					next(g)
				case 1:
					if n := len(held[g]); n > 0 {
						send(g, held[g][n-1])
						held[g] = held[g][:n-1]
					}
				case 2:
					e.tick()
				}
				for _, s := range e.States("", "", packages) {
					if s.State == InRange && !judged[s.Package] && e.Status().Judged == 0 {
						t.Fatalf("package %s is said to be in range before it was judged", s.Package)
					}
				}
				if err := e.drain(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := e.follow(ctx); err != nil {
					t.Fatal(err)
				}
				var err error
				if more, err = e.judgeSome(ctx, 0); err != nil {
					t.Fatal(err)
				}
			}
			for g := range gateways {
				for _, from := range held[g] {
					send(g, from)
				}
			}
			r.settle()
			agree(t, r, packages)
		})
	}
}

// agree checks that what was told last of each package is what history says.
func agree(t *testing.T, r *rig, packages int) {
	t.Helper()
	ctx := context.Background()
	excursions := 0
	for i := range packages {
		id := fmt.Sprintf("P%05d", i)
		all, err := r.engine.Revisions(ctx, id)
		if err != nil || len(all) == 0 {
			t.Fatalf("package %s: %d verdicts, %v", id, len(all), err)
		}
		want, err := r.engine.Judgements(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		v, told := &want.Judgements[0].Verdict, &all[len(all)-1].Data
		if !summarize(v, true).same(summarize(&told.Verdict, true)) {
			t.Errorf("package %s: told last\n%+v\nwant\n%+v", id, told.Verdict, *v)
		}
		if v.Outcome == thermal.Excursion {
			excursions++
		}
		s, err := r.engine.State(ctx, id)
		if err != nil || (s.State == InRange) != (r.engine.brief(id, r.now).State == InRange) {
			t.Errorf("package %s is %s, and listed as %s, %v", id, s.State, r.engine.brief(id, r.now).State, err)
		}
	}
	if excursions != packages/3 {
		t.Errorf("%d packages had an excursion, want %d", excursions, packages/3)
	}
}
