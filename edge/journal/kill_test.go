package journal

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/proto/block"
	"frostline/proto/reading"
)

// childDir is set in the environment of a process that appends until it is killed.
const childDir = "FROSTLINE_JOURNAL_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := appendForever(dir); err != nil {
			fmt.Println("E", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func killOptions() Options {
	return Options{SegmentBytes: 64 << 10, BallastBytes: 16 << 10, BlockReadings: 30,
		BootID: "one", Boottime: func() int64 { return kernelBoottime() * 1000 }} // so that ticks may follow fast
}

// appendForever says on standard output what it has been told is kept, and,
// before it happens, what may be forgotten.
func appendForever(dir string) error {
	j, err := Open(dir, "van-1", killOptions())
	if err != nil {
		return err
	}
	if s := j.Stats(); s.Err != nil {
		return s.Err
	}
	var ids []uint32
	for i := range 8 {
		id, err := j.Series(Series{Sensor: fmt.Sprint("s", i), Quantity: reading.Temperature})
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	fmt.Println("O", j.Tip().Epoch)
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	for g := range 2 { // two samplers: their appends share commits
		wg.Add(1)
		go func() {
			defer wg.Done()
			mine := ids[g*4 : g*4+4]
			tick := kernelBoottime() * 1000
			for n := 0; ; n++ {
				var r []reading.Reading
				for range 1 + n%20 {
					tick++
					for _, id := range mine {
						r = append(r, reading.Reading{Series: id, Tick: tick, Value: tick % 1000})
					}
				}
				k, err := j.Append(context.Background(), r, nil)
				if err != nil || k.Repeats != 0 {
					errs <- fmt.Errorf("append: %d repeats, %w", k.Repeats, err)
					return
				}
				for i, raw := range k.Blocks {
					fmt.Printf("K %d %d %x\n", k.Epoch, k.First+uint64(i), sha256.Sum256(raw))
				}
				if tip := j.Tip(); g == 0 && n%40 == 39 && tip.Last > 30 {
					upto := tip.Last - 30
					head, err := j.Head(tip.Epoch, upto)
					if err != nil {
						errs <- err
						return
					}
					fmt.Println("A", tip.Epoch, upto)
					if err := j.Acknowledge(Commit{Epoch: tip.Epoch, Committed: upto, Head: head}); err != nil {
						errs <- err
						return
					}
				}
				if g == 1 && n%150 == 149 {
					if err := j.StartEpoch("test"); err != nil {
						errs <- err
						return
					}
				}
			}
		}()
	}
	return <-errs
}

// TestPromise1And2KeptSurvivesKill kills a process that appends at random
// instants. What it had been told is kept must be there, once, in a chain that
// verifies, unless it was acknowledged.
func TestPromise1And2KeptSurvivesKill(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 10
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	type place struct {
		epoch  uint32
		number uint64
	}
	told := map[place]string{}
	acked := map[uint32]uint64{}
	for n := range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(rnd.IntN(60)) * time.Millisecond
		kill := func() { cmd.Process.Kill() } // at any instant: that is the test
		if rnd.IntN(4) == 0 {
			time.AfterFunc(wait/2, kill) // also while it opens the journal
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var p place
			var sum string
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "O"):
				time.AfterFunc(wait, kill)
			case strings.HasPrefix(line, "K"):
				if _, err := fmt.Sscanf(line, "K %d %d %s", &p.epoch, &p.number, &sum); err == nil && len(sum) == 64 {
					told[p] = sum
				}
			case strings.HasPrefix(line, "A"):
				if _, err := fmt.Sscanf(line, "A %d %d", &p.epoch, &p.number); err == nil {
					acked[p.epoch] = max(acked[p.epoch], p.number)
				}
			case strings.HasPrefix(line, "E"):
				t.Fatal(line)
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		verify(t, dir)
		j, err := Open(dir, "van-1", killOptions())
		if err != nil {
			t.Fatal(err)
		}
		have := map[place]string{}
		once := map[string]bool{}
		for _, p := range j.Pending() {
			for _, b := range all(t, j, p.Epoch, 1) {
				raw, err := b.AppendTo(nil)
				if err != nil {
					t.Fatal(err)
				}
				have[place{p.Epoch, b.Number}] = fmt.Sprintf("%x", sha256.Sum256(raw))
				for _, r := range b.Readings {
					key := fmt.Sprint(b.Boot, r.Series, r.Tick)
					if once[key] {
						t.Fatalf("kill %d: reading of boot %d, series %d, tick %d is there twice", n, b.Boot, r.Series, r.Tick)
					}
					once[key] = true
				}
			}
		}
		for p, sum := range told {
			if p.number <= acked[p.epoch] {
				delete(told, p)
			} else if have[p] != sum {
				t.Fatalf("kill %d: block %d of epoch %d was kept and is %q, want %q", n, p.number, p.epoch, have[p], sum)
			}
		}
		if s := j.Stats(); s.Err != nil || s.LostBlocks > 0 || s.Damaged > 0 || s.Boot != 1 {
			t.Fatalf("kill %d: stats %+v", n, s)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) == 0 {
		t.Fatal("nothing was kept")
	}
}

func TestPromise3RepeatIsNotKeptTwice(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, opts())
	f := newFeed(t, j, 3)
	r := f.next()
	for n := range 2 {
		k, err := j.Append(context.Background(), append(r, r...), nil)
		if err != nil || k.Repeats != 3+3*n {
			t.Fatalf("append %d: %d repeats (%v), want %d", n, k.Repeats, err, 3+3*n)
		}
	}
	if err := j.StartEpoch("test"); err != nil {
		t.Fatal(err)
	}
	if k, err := j.Append(context.Background(), r, nil); err != nil || k.Repeats != 3 {
		t.Fatalf("in the next epoch: %d repeats (%v), want 3", k.Repeats, err)
	}
	j.Close()
	j = open(t, dir, opts())
	newFeed(t, j, 3)
	if k, err := j.Append(context.Background(), r, nil); err != nil || k.Repeats != 3 {
		t.Fatalf("after reopening: %d repeats (%v), want 3", k.Repeats, err)
	}
	if s := j.Stats(); s.Repeats != 3 {
		t.Fatalf("%d repeats counted, want 3", s.Repeats)
	}
	n := 0
	for _, e := range []uint32{1, 2} {
		for _, b := range all(t, j, e, 1) {
			n += len(b.Readings)
		}
	}
	if n != 3 {
		t.Fatalf("%d readings kept, want 3", n)
	}
}

func TestAppendRefusesWhatCannotBeKept(t *testing.T) {
	j := open(t, t.TempDir(), opts())
	f := newFeed(t, j, 1)
	id := f.ids[0]
	for _, r := range []reading.Reading{{Series: id + 1}, {Series: provisional}, {Series: id, Tick: -1}, {Series: id, Tick: maxTick + 1}, {Series: id, Quality: 200}} {
		if _, err := j.Append(context.Background(), []reading.Reading{r}, nil); err == nil || errors.Is(err, ErrHeld) {
			t.Errorf("append %+v: %v, want a refusal", r, err)
		}
	}
	k, err := j.Append(context.Background(), []reading.Reading{{Series: id, Tick: 1, Value: 5, Quality: reading.NoAnswer}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := block.Decode(k.Blocks[0])
	if err != nil || b.Readings[0].Value != 0 {
		t.Fatalf("kept %+v (%v), want no value without an answer", b, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := j.Append(ctx, f.next(), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("append with a dead context: %v", err)
	}
	j.Close()
	if _, err := j.Append(context.Background(), f.next(), nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
}
