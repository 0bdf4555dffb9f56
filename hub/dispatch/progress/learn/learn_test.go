package learn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

var ctx = context.Background()

var before = Spread{Low: 0.65, Mid: 1, High: 1.6}

func TestWhatIsLearntIsKept(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b, err := Open(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		c := Class{"leg estimate van", 8}
		if s := b.Tell(c, before); s.N != 0 || math.Abs(s.Mid-1) > 0.02 || math.Abs(s.Low-0.65) > 0.05 || math.Abs(s.High-1.6) > 0.1 {
			t.Errorf("before anything was learnt: %+v, want about %+v", s, before)
		}
		r := rand.New(rand.NewPCG(1, 1))
		var all []Observation
		for i := range 250 {
			all = append(all, Observation{fmt.Sprint(i), c, float64(1800+r.IntN(400)) / 1000, int64(1000 + i)})
		}
		all = append(all, Observation{"other", Class{c.What, 3}, 0.5, 5000})
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for part := range slices.Chunk(all, 40) {
			if err := b.Learn(ctx, part); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Learn(ctx, all[len(all)-20:]); err != nil { // told twice
			t.Fatal(err)
		}
		told := b.Tell(c, before)
		if told.N != keep || told.Mid < 1.9 || told.Mid > 2.1 || told.Low < 1.5 || told.High > 2.3 {
			t.Errorf("learnt %+v of %d legs that took 1.8 to 2.2 times", told, keep)
		}
		again, err := Open(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		if s := again.Tell(c, before); s != told {
			t.Errorf("read from the store: %+v, want %+v", s, told)
		}
		var rows int
		if err := db.QueryRow(ctx, "SELECT COUNT(*) FROM progress_took").Scan(&rows); err != nil || rows != keep+1 {
			t.Errorf("%d rows in the store, want the newest %d and one: %v", rows, keep, err)
		}
		if s := b.Tell(Class{c.What, 3}, before); s.N != keep+1 {
			t.Errorf("an hour with one leg rests on %d, want those of all hours", s.N)
		}
		if err := b.Learn(ctx, []Observation{{"other", Class{c.What, 4}, 3, 6000}}); err != nil { // was dated anew
			t.Fatal(err)
		}
		if n := len(b.cells[Class{c.What, 3}]); n != 0 {
			t.Errorf("the leg is in the hour where it was before too: %d", n)
		}
	})
}

func TestSpreadsAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := rapid.SliceOfN(rapid.Float64Range(0.01, 100), 0, 300).Draw(t, "seen")
		mid := rapid.Float64Range(0.1, 10).Draw(t, "mid")
		p := Spread{Low: mid * rapid.Float64Range(0, 1).Draw(t, "low"), Mid: mid, High: mid * rapid.Float64Range(1, 5).Draw(t, "high")}
		s := spread(seen, p)
		if !(s.Low >= 0 && s.Low <= s.Mid && s.Mid <= s.High) || s.N != len(seen) {
			t.Fatalf("%+v", s)
		}
	})
}
