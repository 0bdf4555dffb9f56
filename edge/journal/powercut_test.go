package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"frostline/proto/block"
	"frostline/proto/reading"
)

// TestPromise1And2KeptSurvivesPowerCut cuts the power of a real file system
// under a journal that appends and deletes, and looks for what it had said is
// kept.
func TestPromise1And2KeptSurvivesPowerCut(t *testing.T) {
	v := ext4(t, 64<<20)
	dir := filepath.Join(v.dir, "journal")
	cuts := 25
	if testing.Short() {
		cuts = 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	kept := map[string]int64{}
	acked := map[uint32]uint64{}
	tick := int64(0)
	for n := range cuts {
		o := opts()
		o.BootID = fmt.Sprint("boot-", n)
		o.BallastBytes = 64 << 10
		j, err := Open(dir, "van-1", o)
		if err != nil {
			t.Fatal(err)
		}
		if s := j.Stats(); s.Err != nil || s.Damaged > 0 || s.LostBlocks > 0 || int(s.Boot) != n+1 {
			t.Fatalf("cut %d: stats %+v", n, s)
		}
		there := map[string]int64{}
		for _, p := range j.Pending() {
			for _, b := range all(t, j, p.Epoch, 1) {
				for _, r := range b.Readings {
					key := fmt.Sprint(p.Epoch, b.Number, r.Series, r.Tick)
					if _, twice := there[key]; twice {
						t.Fatalf("cut %d: reading %s is there twice", n, key)
					}
					there[key] = r.Value
				}
			}
		}
		for key, value := range kept {
			var epoch uint32
			var number uint64
			fmt.Sscan(key, &epoch, &number)
			if number <= acked[epoch] {
				delete(kept, key)
			} else if got, ok := there[key]; !ok || got != value {
				t.Fatalf("cut %d: reading %s was kept and is %d (%v), want %d", n, key, got, ok, value)
			}
		}
		f := newFeed(t, j, 12)
		f.tick = tick
		dark := make(chan struct{})
		time.AfterFunc(time.Duration(rnd.IntN(120))*time.Millisecond, func() {
			defer close(dark)
			v.cut()
		})
		for i := 0; ; i++ {
			var r []reading.Reading
			for range 1 + rnd.IntN(8) {
				r = append(r, f.next()...)
			}
			k, err := j.Append(context.Background(), r, nil)
			if errors.Is(err, ErrHeld) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, raw := range k.Blocks {
				b, err := block.Decode(raw)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range b.Readings {
					kept[fmt.Sprint(k.Epoch, k.First+uint64(i), x.Series, x.Tick)] = x.Value
				}
			}
			if tip := j.Tip(); i%50 == 49 && tip.Last > 40 {
				if head, err := j.Head(tip.Epoch, tip.Last-40); err == nil && j.Acknowledge(Commit{Epoch: tip.Epoch, Committed: tip.Last - 40, Head: head}) == nil {
					acked[tip.Epoch] = tip.Last - 40
				}
			}
		}
		<-dark
		tick = f.tick
		if err := j.Close(); err == nil {
			t.Fatal("closed without a word about readings in memory")
		}
		v.power()
		verify(t, dir)
	}
	if len(kept) == 0 {
		t.Fatal("nothing was kept")
	}
}
