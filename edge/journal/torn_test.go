package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"frostline/edge/journal/boltfile"
	"frostline/proto/pb"
)

// original is a journal as it was before damage.
type original struct {
	dir      string
	blocks   [][]byte // of epoch 1, by number from 1
	segments []string // file names, ascending
	readings uint64
}

func makeOriginal(t *testing.T) *original {
	t.Helper()
	o := &original{dir: filepath.Join(memory(t), "original")}
	j := open(t, o.dir, opts())
	f := newFeed(t, j, 10)
	for n := range 500 {
		k := f.appendTo(t, j, 1+n%9)
		o.blocks = append(o.blocks, k.Blocks...)
	}
	o.readings = j.Tip().Readings
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(o.dir, "*"+segmentSuffix))
	if err != nil || len(names) < 3 {
		t.Fatalf("segments %v (%v), want at least three", names, err)
	}
	for _, n := range names {
		o.segments = append(o.segments, filepath.Base(n))
	}
	return o
}

func (o *original) copy(t *testing.T) string {
	t.Helper()
	dir := memory(t)
	if err := os.CopyFS(dir, os.DirFS(o.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// account checks that what was kept is there, byte for byte, or declared lost;
// nothing else is acceptable. It gives the number of blocks that are lost.
func (o *original) account(t *testing.T, j *Journal) (lost uint64) {
	t.Helper()
	s := j.Stats()
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	tip := j.Tip()
	have := map[uint64]bool{}
	var readings uint64
	for _, b := range all(t, j, 1, 1) {
		if b.Number > uint64(len(o.blocks)) {
			continue
		}
		raw, err := b.AppendTo(nil)
		if err != nil || string(raw) != string(o.blocks[b.Number-1]) {
			t.Fatalf("block %d is another than was kept", b.Number)
		}
		have[b.Number] = true
		readings += uint64(len(b.Readings))
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	told := uint64(len(o.blocks)) // known to have been kept
	knownReadings := o.readings
	var gaps spans
	if tip.Epoch != 1 {
		start := events(t, all(t, j, tip.Epoch, 1))[0].GetEpochStart()
		if start.GetReason() == "" || start.PreviousEpoch != 1 || start.PreviousLast > told {
			t.Fatalf("epoch %d begins with %v", tip.Epoch, start)
		}
		told, knownReadings = start.PreviousLast, start.PreviousReadings
	} else if tip.Last < told {
		t.Fatalf("the epoch goes on behind block %d, and %d were kept", tip.Last, told)
	}
	for _, e := range events(t, all(t, j, tip.Epoch, 1)) {
		g := e.GetGap()
		if g == nil {
			continue
		}
		first, last := g.First, g.Last
		if tip.Epoch != 1 && g.Epoch != 1 || tip.Epoch == 1 && g.Epoch != 0 {
			t.Fatalf("gap %v in epoch %d", g, tip.Epoch)
		}
		gaps.add(span{First: first, Last: last})
		readings += g.Readings
		lost += last - first + 1
	}
	for n := uint64(1); n <= told; n++ {
		if _, gone := gaps.at(n); gone == have[n] {
			t.Fatalf("block %d: there %v, declared lost %v", n, have[n], gone)
		}
	}
	if readings != knownReadings {
		t.Fatalf("%d readings are there or declared lost, want %d", readings, knownReadings)
	}
	return lost + uint64(len(o.blocks)) - min(told, uint64(len(o.blocks)))
}

// damages are what can happen to the page at an offset of a file.
var damages = map[string]func(f *os.File, at int64) error{
	"cut": func(f *os.File, at int64) error { return f.Truncate(at) },
	"zeroed": func(f *os.File, at int64) error {
		_, err := f.WriteAt(make([]byte, boltfile.PageSize), at)
		return err
	},
	"garbled": func(f *os.File, at int64) error {
		b := make([]byte, boltfile.PageSize)
		rnd := rand.New(rand.NewPCG(uint64(at), 7))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		_, err := f.WriteAt(b, at)
		return err
	},
	"torn": func(f *os.File, at int64) error { // only the first sector was written
		_, err := f.WriteAt(make([]byte, boltfile.PageSize-512), at+512)
		return err
	},
	"flipped": func(f *os.File, at int64) error {
		b := make([]byte, boltfile.PageSize)
		if _, err := f.ReadAt(b, at); err != nil {
			return err
		}
		rnd := rand.New(rand.NewPCG(uint64(at), 8))
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		_, err := f.WriteAt(b, at)
		return err
	},
}

// damaged runs a function for each page of a segment and each damage.
func (o *original) damaged(t *testing.T, segment string, fn func(t *testing.T, dir, kind string, page int64)) {
	st, err := os.Stat(filepath.Join(o.dir, segment))
	if err != nil {
		t.Fatal(err)
	}
	for kind, damage := range damages {
		for at := int64(0); at < st.Size(); at += boltfile.PageSize {
			dir := o.copy(t)
			f, err := os.OpenFile(filepath.Join(dir, segment), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(f, at); err != nil {
				t.Fatal(err)
			}
			f.Close()
			t.Run(fmt.Sprintf("%s-%d", kind, at/boltfile.PageSize), func(t *testing.T) { fn(t, dir, kind, at/boltfile.PageSize) })
			os.RemoveAll(dir)
		}
	}
}

// TestPromise1DamageOfTheNewestSegmentIsAccounted damages each page of the
// newest segment in each way.
func TestPromise1DamageOfTheNewestSegmentIsAccounted(t *testing.T) {
	o := makeOriginal(t)
	outcomes := map[string]int{}
	o.damaged(t, o.segments[len(o.segments)-1], func(t *testing.T, dir, kind string, page int64) {
		j := open(t, dir, opts())
		lost := o.account(t, j)
		s := j.Stats()
		switch {
		case page < 2 && (kind == "zeroed" || kind == "garbled") && s.Torn+s.Damaged == 0:
			t.Errorf("a damaged meta page was not counted")
		case page < 2 && kind != "cut" && lost > 0:
			t.Errorf("%d blocks are lost with a meta page", lost)
		case lost > 0 && s.Damaged == 0:
			t.Errorf("%d blocks are lost and no file is counted as damaged", lost)
		case kind != "cut" && lost > 70:
			t.Errorf("%d blocks are lost with one page", lost)
		}
		name := fmt.Sprintf("epoch %d", s.Epoch)
		if lost > 0 {
			name += ", some lost"
		}
		if s.Torn > 0 {
			name += ", torn"
		}
		if s.Damaged > 0 {
			name += ", damaged"
		}
		outcomes[name]++
		f := newFeed(t, j, 10)
		f.tick = 1e9
		f.appendTo(t, j, 3)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, dir)
		j = open(t, dir, opts())
		o.account(t, j)
		j.Close()
	})
	t.Log(outcomes)
}

// TestPromise1DamageOfAnOlderSegmentIsAccounted damages each page of a segment
// that is only read.
func TestPromise1DamageOfAnOlderSegmentIsAccounted(t *testing.T) {
	o := makeOriginal(t)
	outcomes := map[string]int{}
	o.damaged(t, o.segments[0], func(t *testing.T, dir, kind string, page int64) {
		j := open(t, dir, opts())
		if tip := j.Tip(); tip.Epoch != 1 || tip.Last != uint64(len(o.blocks)) {
			t.Fatalf("tip %+v", tip)
		}
		lost := o.account(t, j)
		s := j.Stats()
		if s.LostBlocks != lost || lost > 0 && s.Damaged == 0 || s.PendingBlocks != s.Last-lost {
			t.Fatalf("%d blocks are lost; stats %+v", lost, s)
		}
		if kind != "cut" && lost > 70 {
			t.Errorf("%d blocks are lost with one page", lost)
		}
		outcomes[fmt.Sprintf("damaged %d, some lost %v", s.Damaged, lost > 0)]++
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, dir)
		j = open(t, dir, opts())
		o.account(t, j)
		j.Close()
	})
	t.Log(outcomes)
}

// TestPromise1MissingFilesAreAccounted removes each file, and all.
func TestPromise1MissingFilesAreAccounted(t *testing.T) {
	o := makeOriginal(t)
	last := len(o.segments) - 1
	for _, c := range []struct {
		name   string
		gone   []string
		epoch  uint32
		reason string
	}{
		{"state", []string{stateName}, 1, ""},
		{"oldest", o.segments[:1], 1, ""},
		{"middle", o.segments[1:2], 1, ""},
		{"newest", o.segments[last:], 2, "is missing"},
		{"newest and state", []string{o.segments[last], stateName}, 2, "is missing"},
		{"all segments", o.segments, 2, "none of its segments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := o.copy(t)
			for _, name := range c.gone {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			j := open(t, dir, opts())
			tip := j.Tip()
			if tip.Epoch != c.epoch {
				t.Fatalf("epoch %d, want %d", tip.Epoch, c.epoch)
			}
			lost := o.account(t, j)
			if (c.name == "state") != (lost == 0) {
				t.Fatalf("%d blocks are lost", lost)
			}
			ev := events(t, all(t, j, tip.Epoch, 1))
			if c.reason != "" && !strings.Contains(ev[0].GetEpochStart().GetReason(), c.reason) {
				t.Fatalf("the epoch begins with %v, want a reason with %q", ev[0], c.reason)
			}
			j.Close()
			verify(t, dir)
		})
	}
}

func TestDamagedStateFileIsSaidAndReplaced(t *testing.T) {
	o := makeOriginal(t)
	if err := os.WriteFile(filepath.Join(o.dir, stateName), []byte("00000000 {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, o.dir, opts())
	o.account(t, j)
	ev := events(t, all(t, j, 1, uint64(len(o.blocks))+1))
	if !slices.ContainsFunc(ev, func(e *pb.Event) bool { return strings.Contains(e.GetFault().GetDetail(), "state file") }) {
		t.Fatalf("events %v, want a fault", ev)
	}
	j.Close()
	if _, err := readState(o.dir); err != nil {
		t.Fatal(err)
	}
}

// TestDamageOfBothCopiesOfTheSeriesBeginsAnEpoch: ids must not change their
// meaning within one.
func TestDamageOfBothCopiesOfTheSeriesBeginsAnEpoch(t *testing.T) {
	o := makeOriginal(t)
	newest := filepath.Join(o.dir, o.segments[len(o.segments)-1])
	b, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(b), `"sensor":"box-d"`, `"sensor":"box-x"`)
	if changed == string(b) {
		t.Fatal("the series table was not found")
	}
	if err := os.WriteFile(newest, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := o.copy(t)
	j := open(t, dir, opts()) // the state file has them too
	if j.Tip().Epoch != 1 || o.account(t, j) != 0 {
		t.Fatal("the second copy of the series was not used")
	}
	j.Close()
	if err := os.Remove(filepath.Join(o.dir, stateName)); err != nil {
		t.Fatal(err)
	}
	j = open(t, o.dir, opts())
	if j.Tip().Epoch != 2 || o.account(t, j) != 0 {
		t.Fatalf("epoch %d, want 2", j.Tip().Epoch)
	}
}
