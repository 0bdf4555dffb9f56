package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/reading"
)

// second is what a sampler hands over at once: all sensors, each second.
const second = 1000 // ms

// outliving is a gateway whose power goes again and again, and what it was told.
type outliving struct {
	dir   string // of this power's time
	root  string
	rnd   *rand.Rand
	lazy  bool
	image map[string][]byte
	cuts  int

	kept    map[uint64][]byte // blocks of epoch 1 that were said to be kept, and not acknowledged yet
	last    uint64            // highest of them
	acked   uint64
	head    chain.Head // after acked
	produce int64      // tick of the last reading handed over
	safe    int64      // tick of the last reading that was said to be kept
	total   uint64     // readings produced
	spared  uint64     // never said to be kept, and there
}

// live goes on from what came up until the power goes, somewhere in so many steps.
func (g *outliving) live(steps int) (err error) {
	g.dir = filepath.Join(g.root, fmt.Sprint(g.cuts))
	defer os.RemoveAll(g.dir)
	d, err := comesUp(g.image, g.dir, g.rnd.IntN(steps), g.rnd)
	if err != nil {
		return err
	}
	d.lazy = g.lazy
	if g.image != nil {
		r, err := Verify(g.dir)
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	o := opts()
	o.disk = d
	o.BootID = fmt.Sprint("boot-", g.cuts)
	o.RetryWait = time.Hour // a disk without power is not tried again
	j, err := Open(g.dir, "van-1", o)
	if err != nil {
		return err
	}
	defer func() {
		_ = j.Close() // it says what is in memory alone
		g.image = d.pull()
		g.cuts++
	}()
	if d.lights() != nil { // went again before the journal was open
		return nil
	}
	if s := j.Stats(); (s.Err != nil || s.Damaged > 0 || s.LostBlocks > 0 || s.LostReadings > 0 || s.Epoch != 1) && d.lights() == nil {
		return fmt.Errorf("stats %+v", s)
	}
	if err := g.check(j); err != nil {
		return err
	}
	var ids []uint32
	for i := range 3 {
		id, err := j.Series(Series{Sensor: fmt.Sprint("s", i), Quantity: reading.Temperature, Interval: time.Second})
		if err != nil {
			if d.lights() != nil {
				return nil
			}
			return err
		}
		ids = append(ids, id)
	}
	for {
		g.produce += second
		var r []reading.Reading
		for i, id := range ids {
			r = append(r, reading.Reading{Series: id, Tick: g.produce, Value: 4000 + (g.produce*7919+int64(i)*31)%53})
		}
		g.total += uint64(len(r))
		k, err := j.Append(context.Background(), r, nil)
		if errors.Is(err, ErrHeld) {
			if d.lights() == nil {
				return fmt.Errorf("held though the disk has power: %w", j.Stats().Err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		for i, raw := range k.Blocks {
			g.kept[k.First+uint64(i)] = raw
			g.last = k.First + uint64(i)
		}
		g.safe = g.produce
		if tip := j.Tip(); g.rnd.IntN(4) == 0 && g.last > g.acked+6 {
			upto := g.acked + 1 + g.rnd.Uint64N(g.last-g.acked-5)
			head, err := j.Head(tip.Epoch, upto)
			if err != nil {
				return err
			}
			if err := j.Acknowledge(Commit{Epoch: 1, Committed: upto, Head: head}); err != nil {
				return err
			}
			for n := g.acked + 1; n <= upto; n++ {
				delete(g.kept, n)
			}
			g.acked, g.head = upto, head
		}
		if d.lights() != nil {
			return nil // went in what is done beside
		}
	}
}

// check compares what is there with what was said.
func (g *outliving) check(j *Journal) error {
	for from, n := g.acked+1, 0; ; n++ {
		run, err := j.Read(1, from, 100, 1<<20)
		if err != nil {
			return err
		}
		if len(run.Blocks) == 0 {
			if from <= g.last {
				return fmt.Errorf("block %d was kept and is lost: there are those to %d", g.last, from-1)
			}
			break
		}
		if n == 0 && g.acked > 0 && run.PrevHead != g.head {
			return fmt.Errorf("block %d follows on another head than the hub acknowledged", from)
		}
		for i, raw := range run.Blocks {
			number := run.First + uint64(i)
			if number <= g.last {
				if !bytes.Equal(raw, g.kept[number]) {
					return fmt.Errorf("block %d is another than was kept", number)
				}
				continue
			}
			b, err := block.Decode(raw)
			if err != nil {
				return err
			}
			for _, r := range b.Readings { // written, and the power went before that was said
				if r.Tick <= g.safe || r.Tick > g.produce {
					return fmt.Errorf("block %d has a reading of %d, and those from %d to %d were not kept yet", number, r.Tick, g.safe+1, g.produce)
				}
				g.spared++
			}
			g.kept[number], g.last = raw, number
		}
		from = run.First + uint64(len(run.Blocks))
	}
	if dark := g.produce - g.safe; dark > second {
		return fmt.Errorf("readings of %d ms were not kept, want at most a second", dark)
	}
	g.safe = g.produce
	return nil
}

// cutPower cuts the power of gateways so many times, and tells the first thing
// that is not as it should be.
func cutPower(t *testing.T, cuts int, seed uint64, lazy bool) (all outliving, err error) {
	t.Helper()
	const each, workers = 50, 2 // a new gateway now and then: first boots are cut too
	root := memory(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := 0
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				n := next
				next++
				stop := n*each >= cuts || err != nil
				mu.Unlock()
				if stop {
					return
				}
				g := &outliving{root: filepath.Join(root, fmt.Sprint(n)), rnd: rand.New(rand.NewPCG(seed, uint64(n))), lazy: lazy, kept: map[uint64][]byte{}}
				var failed error
				for g.cuts < each && failed == nil {
					failed = g.live([]int{40, 40, 200, 600}[g.rnd.IntN(4)])
				}
				mu.Lock()
				all.cuts, all.total, all.spared = all.cuts+g.cuts, all.total+g.total, all.spared+g.spared
				if failed != nil && err == nil {
					err = fmt.Errorf("gateway %d, cut %d: %w", n, g.cuts, failed)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all, err
}

// TestPromise1And2TenThousandPowerCuts cuts the power ten thousand times, in any
// step of what the journal does and through any byte of what it writes. No block
// that was said to be kept is lost or another, at most the second that was being
// written is, the chain verifies, and no cut is taken for damage.
func TestPromise1And2TenThousandPowerCuts(t *testing.T) {
	cuts := 10_000
	if testing.Short() {
		cuts = 500
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	began := time.Now()
	all, err := cutPower(t, cuts, seed, false)
	if err != nil {
		t.Fatal(err)
	}
	if all.cuts < cuts {
		t.Fatalf("%d cuts, want %d", all.cuts, cuts)
	}
	t.Logf("%d power cuts in %v: %d readings produced, %d were written and the power went before that was said", all.cuts, time.Since(began).Round(time.Second), all.total, all.spared)
}

// TestPowerCutsSeeAMissingSync: on a disk that does not sync, the same test
// must find what is lost.
func TestPowerCutsSeeAMissingSync(t *testing.T) {
	all, err := cutPower(t, 1000, 1, true)
	if err == nil {
		t.Fatalf("%d cuts without a sync, and nothing was lost", all.cuts)
	}
	t.Logf("after %d cuts: %v", all.cuts, err)
}
