package journal

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

// inRange is 2 to 8 °C for all temperatures but those of sensor "unwatched".
func inRange(s Series) (low, high int64, ok bool) {
	return 2000, 8000, s.Quantity == reading.Temperature && s.Sensor != "unwatched"
}

// thinStory fills a journal past its limit, with two excursions, a bad reading
// and an open door in it, and remembers what was appended.
type thinStory struct {
	t     *testing.T
	j     *Journal
	o     Options
	dir   string
	ids   []uint32
	tick  int64
	taken map[key2]int64 // every reading that is kept
	odd   map[int64]bool // ticks that must not go
	cut   bool           // power fails: what is held then is not kept, or is
	maybe map[key2]int64 // may be kept
}

type key2 struct {
	series uint32
	tick   int64
}

func newThinStory(t *testing.T, dir string, o Options) *thinStory {
	s := &thinStory{t: t, o: o, dir: dir, taken: map[key2]int64{}, odd: map[int64]bool{}}
	s.open()
	return s
}

func (s *thinStory) open() {
	s.t.Helper()
	s.j = open(s.t, s.dir, s.o)
	s.ids = nil
	for _, x := range []Series{
		{Sensor: "a", Quantity: reading.Temperature}, {Sensor: "b", Quantity: reading.Temperature},
		{Sensor: "door", Quantity: reading.Door}, {Sensor: "gps", Quantity: reading.Latitude},
	} {
		x.Interval = time.Second
		id, err := s.j.Series(x)
		if err != nil {
			s.t.Fatal(err)
		}
		s.ids = append(s.ids, id)
	}
}

// put appends ticks of readings, each a block, until power fails.
func (s *thinStory) put(n int, rnd *rand.Rand) bool {
	s.t.Helper()
	for range n {
		s.tick += 1000
		r := []reading.Reading{
			{Series: s.ids[0], Tick: s.tick, Value: 4000 + rnd.Int64N(500)}, {Series: s.ids[1], Tick: s.tick, Value: 5000 + rnd.Int64N(500)},
			{Series: s.ids[2], Tick: s.tick}, {Series: s.ids[3], Tick: s.tick, Value: 400_000_000 + s.tick},
		}
		switch n := s.tick / 1000; {
		case n%700 < 3:
			r[0].Value, s.odd[s.tick] = 9000, true
		case n%700 == 300:
			r[1].Quality, r[1].Value, s.odd[s.tick] = reading.NoAnswer, 0, true
		case n%700 == 500:
			r[2].Value, s.odd[s.tick] = 1, true
		}
		_, err := s.j.Append(context.Background(), r, nil)
		if err != nil && !errors.Is(err, ErrHeld) {
			s.t.Fatal(err)
		}
		if err != nil && s.cut {
			delete(s.odd, s.tick)
			s.maybe = map[key2]int64{}
			for _, x := range r {
				s.maybe[key2{x.Series, x.Tick}] = x.Value
			}
			return false
		}
		for _, x := range r {
			s.taken[key2{x.Series, x.Tick}] = x.Value
		}
	}
	return true
}

// check compares what a journal holds with what was appended: each reading is
// there, or in a declared gap; what was thinned is what its summary says; what
// was odd is there, unless its file was dropped as a whole.
func (s *thinStory) check(j *Journal, dropped bool) (thinned int) {
	s.t.Helper()
	there := map[key2]bool{}
	var gaps spans
	var declared []*pb.Gap
	var lost uint64
	var notes []*pb.Thinned
	for _, b := range all(s.t, j, 1, 1) {
		for _, r := range b.Readings {
			k := key2{r.Series, r.Tick}
			if there[k] {
				s.t.Fatalf("reading %+v is there twice", r)
			}
			there[k] = true
			if v, ok := s.maybe[k]; ok {
				s.taken[k] = v
			}
			if want, ok := s.taken[k]; !ok || want != r.Value {
				s.t.Fatalf("reading %+v: want %d, %v", r, want, ok)
			}
		}
		for _, raw := range b.Events {
			e := decodeEvent(s.t, raw)
			if g := e.GetGap(); g != nil {
				gaps.add(span{First: g.First, Last: g.Last})
				declared = append(declared, g)
				dropped = dropped || g.Reason != thinReason
			}
			if m := e.GetThinned(); m != nil {
				notes = append(notes, m)
			}
		}
	}
	for _, g := range outermost(declared) {
		lost += g.Readings
	}
	for tick := range s.odd {
		if !dropped && !there[key2{s.ids[0], tick}] {
			s.t.Errorf("the odd reading at %d is gone", tick)
		}
	}
	for _, m := range notes {
		if x, ok := gaps.at(m.First); !ok || x.Last < m.Last {
			s.t.Errorf("%v is not declared lost", m)
		}
		var n uint64
		sum, low, high := new(big.Int), int64(1)<<62, -int64(1)<<62
		for k, v := range s.taken {
			if k.series == m.Series && k.tick >= m.FromMs && k.tick <= m.ToMs && !there[k] {
				n++
				sum.Add(sum, big.NewInt(v))
				low, high = min(low, v), max(high, v)
			}
		}
		want := new(big.Int).Mul(big.NewInt(m.Mean), big.NewInt(int64(n)))
		off := new(big.Int).Abs(want.Sub(want, sum))
		if n != m.Count || low != m.Min || high != m.Max || off.Mul(off, big.NewInt(2)).Cmp(big.NewInt(int64(n))) > 0 {
			s.t.Errorf("%v: counted %d, %d to %d, sum %v", m, n, low, high, sum)
		}
		thinned += int(m.Count)
		if m.ToMs-m.FromMs > thinWindow {
			s.t.Errorf("%v: more than an hour in one", m)
		}
	}
	if got := uint64(len(there)) + lost; got != uint64(len(s.taken)) {
		s.t.Errorf("%d readings are there and %d declared lost, want %d", len(there), lost, len(s.taken))
	}
	return thinned
}

func thinOptions() Options {
	o := opts()
	o.Within = inRange
	o.MaxBytes = 8 * o.SegmentBytes
	return o
}

// TestPromise1ThinnedBeforeDropped: past its limit the journal gives up what
// was in range for summaries, and keeps every excursion.
func TestPromise1ThinnedBeforeDropped(t *testing.T) {
	s := newThinStory(t, memory(t), thinOptions())
	rnd := rand.New(rand.NewPCG(1, 1))
	for s.j.Stats().Thinned < 12 {
		s.put(50, rnd)
		if st := s.j.Stats(); st.Bytes > s.o.MaxBytes {
			t.Fatalf("%d bytes are used, the limit is %d", st.Bytes, s.o.MaxBytes)
		}
		if s.tick > 40_000_000 {
			t.Fatalf("nothing is thinned: %+v", s.j.Stats())
		}
	}
	n := s.check(s.j, false)
	if n < len(s.taken)/10 {
		t.Errorf("%d of %d readings were thinned", n, len(s.taken))
	}
	stats := s.j.Stats()
	if err := s.j.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, s.dir)
	if x, f := export(t, s.dir); x.Absent > 0 || f.broken != nil || len(f.absences) == 0 || f.absences[0].Reason != "declared lost" {
		t.Errorf("export %+v, absences %v", x, f.absences)
	}
	s.open()
	if again := s.j.Stats(); again.LostReadings != stats.LostReadings || again.PendingReadings != stats.PendingReadings || again.Damaged > 0 {
		t.Errorf("stats after reopening %+v, before %+v", again, stats)
	}
	if got := s.check(s.j, false); got != n {
		t.Errorf("%d readings thinned after reopening, want %d", got, n)
	}
	// The hub gets all the rest, and then nothing is pending.
	tip := s.j.Tip()
	if err := s.j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last, Head: tip.Head}); err != nil {
		t.Fatal(err)
	}
	if p := s.j.Pending(); len(p) != 0 {
		t.Errorf("pending %+v", p)
	}
}

// TestNothingIsThinnedThatNobodyCallsInRange: then the oldest is dropped.
func TestNothingIsThinnedThatNobodyCallsInRange(t *testing.T) {
	o := thinOptions()
	o.Within = func(Series) (int64, int64, bool) { return 0, 0, false }
	s := newThinStory(t, memory(t), o)
	rnd := rand.New(rand.NewPCG(1, 1))
	for s.j.Stats().LostReadings == 0 {
		s.put(50, rnd)
	}
	if st := s.j.Stats(); st.Thinned > 0 || s.check(s.j, true) > 0 {
		t.Errorf("stats %+v: something was thinned", st)
	}
}

// snapDisk copies the directory after each operation, as a crash would leave it.
type snapDisk struct {
	faultyDisk
	dir    string
	copies []string
	t      *testing.T
	on     atomic.Bool
}

func (d *snapDisk) snap() {
	if !d.on.Load() {
		return
	}
	to := filepath.Join(d.t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(d.dir)); err != nil {
		d.t.Error(err)
	}
	d.copies = append(d.copies, to)
}

func (d *snapDisk) rename(from, to string) error {
	defer d.snap()
	return d.faultyDisk.rename(from, to)
}

func (d *snapDisk) remove(path string) error {
	defer d.snap()
	return d.faultyDisk.remove(path)
}

func (d *snapDisk) write(path string, b []byte) error {
	defer d.snap()
	return d.faultyDisk.write(path, b)
}

// TestPromise1ThinningSurvivesACrashAtEachStep opens what is on the disk after
// each operation of a thinning.
func TestPromise1ThinningSurvivesACrashAtEachStep(t *testing.T) {
	dir := memory(t)
	d := &snapDisk{dir: dir, t: t}
	o := thinOptions()
	o.disk = d
	s := newThinStory(t, dir, o)
	rnd := rand.New(rand.NewPCG(2, 1))
	for s.j.Stats().Thinned < 3 {
		d.on.Store(s.j.Stats().Bytes > o.MaxBytes*7/8)
		s.put(1, rnd)
	}
	d.on.Store(false)
	if err := s.j.Close(); err != nil {
		t.Fatal(err)
	}
	taken, odd := s.taken, s.odd
	t.Logf("%d steps", len(d.copies))
	for _, dir := range d.copies {
		verify(t, dir)
		o := thinOptions()
		o.BootID = "after"
		j := open(t, dir, o)
		if st := j.Stats(); st.Damaged > 0 || st.Err != nil || st.Epoch != 1 {
			t.Fatalf("%s: %+v", dir, st)
		}
		// What was appended after the copy was made is not in it.
		c := &thinStory{t: t, ids: s.ids, taken: map[key2]int64{}, odd: map[int64]bool{}}
		newest := int64(0)
		for _, b := range all(t, j, 1, 1) {
			for _, r := range b.Readings {
				newest = max(newest, r.Tick)
			}
		}
		for k, v := range taken {
			if k.tick <= newest {
				c.taken[k] = v
			}
		}
		for tick := range odd {
			if tick <= newest {
				c.odd[tick] = true
			}
		}
		c.check(j, false)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPromise1EachWriteOfThinningFails has each operation fail, done all the
// same or not.
func TestPromise1EachWriteOfThinningFails(t *testing.T) {
	opened, closed := 0, 0 // operations until the series have their ids, and until the end
	run := func(t *testing.T, d *faultyDisk) {
		o := thinOptions()
		o.disk = d
		s := newThinStory(t, memory(t), o)
		opened = len(d.ops)
		rnd := rand.New(rand.NewPCG(3, 1))
		for i := 0; s.j.Stats().Thinned < 2 && i < 400; i++ {
			s.put(20, rnd)
		}
		for range 100 {
			if s.j.Flush(context.Background()) == nil {
				break
			}
		}
		s.check(s.j, false)
		closed = len(d.ops)
		if err := s.j.Close(); err != nil {
			t.Fatal(err)
		}
		verify(t, s.dir)
		s.open()
		s.check(s.j, false)
	}
	count := &faultyDisk{}
	run(t, count)
	var interesting []int // thinning's own, and what surrounds them
	for i, op := range count.ops[:closed] {
		if i < opened {
			continue
		}
		if i > closed-24 || op != "commit" && i%11 == 0 {
			interesting = append(interesting, i)
		}
	}
	for _, c := range []struct {
		n    int
		done bool
		err  error
	}{{1, false, unix.EIO}, {1, true, unix.EIO}, {6, false, unix.EIO}, {1, false, unix.ENOSPC}, {6, true, unix.ENOSPC}} {
		for _, at := range interesting {
			if testing.Short() && at%4 != 0 {
				continue
			}
			name := fmt.Sprintf("%v-%d-done-%v-at-%d", c.err, c.n, c.done, at)
			d := &faultyDisk{at: at, n: c.n, done: c.done, err: c.err}
			if !t.Run(name, func(t *testing.T) { run(t, d) }) {
				t.Fatalf("operation %d: %s", at, d.ops[min(at, len(d.ops)-1)])
			}
		}
	}
}

func TestMean(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		var m mean
		sum := new(big.Rat)
		n := 1 + rnd.IntN(50)
		for range n {
			v := rnd.Int64N(2001) - 1000
			if rnd.IntN(3) == 0 {
				v *= 1 << 40
			}
			m.add(v)
			sum.Add(sum, new(big.Rat).SetInt64(v))
		}
		exact := sum.Quo(sum, new(big.Rat).SetInt64(int64(n)))
		off := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(m.value()))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("mean %d, want %v", m.value(), exact)
		}
	}
	var half, minus mean
	half.add(0)
	half.add(1)
	minus.add(0)
	minus.add(-1)
	if half.value() != 1 || minus.value() != -1 {
		t.Errorf("means %d and %d, want 1 and -1", half.value(), minus.value())
	}
}

// TestPromise1ThinningSurvivesPowerCuts cuts the power of a real file system
// while the journal is thinned.
func TestPromise1ThinningSurvivesPowerCuts(t *testing.T) {
	v := ext4(t, 64<<20)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	o := thinOptions()
	o.BlockReadings = 128
	s := newThinStory(t, filepath.Join(v.dir, "journal"), o)
	s.cut = true
	cuts := 12
	if testing.Short() {
		cuts = 3
	}
	for s.j.Stats().FullPercent < 80 {
		s.put(50, rnd)
	}
	for n := range cuts {
		dark := make(chan struct{})
		time.AfterFunc(time.Duration(20+rnd.IntN(400))*time.Millisecond, func() {
			defer close(dark)
			v.cut()
		})
		for s.put(20, rnd) {
		}
		<-dark
		_ = s.j.Close() // it says what is in memory alone
		v.power()
		verify(t, s.dir)
		s.o.BootID = fmt.Sprint("boot after cut ", n)
		s.open()
		if st := s.j.Stats(); st.Damaged > 0 || st.Err != nil || st.Epoch != 1 {
			t.Fatalf("cut %d: %+v", n, st)
		}
		s.check(s.j, false)
	}
	t.Logf("%d readings were kept, %d of them thinned", len(s.taken), s.check(s.j, false))
}
