package journal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// opts are options with small segments and a boot clock that stands still.
func opts() Options {
	return Options{Boottime: func() int64 { return 1e11 }, BootID: "boot-a", SegmentBytes: 64 << 10, BallastBytes: -1, RetryWait: time.Nanosecond}
}

func open(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, "van-1", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// feed gives ticks of readings of a few series.
type feed struct {
	ids  []uint32
	tick int64
}

func newFeed(t *testing.T, j *Journal, series int) *feed {
	t.Helper()
	f := &feed{}
	for i := range series {
		id, err := j.Series(Series{Sensor: "box-" + string(rune('a'+i)), Quantity: reading.Temperature, Model: "ds18b20", Address: "28-0", Interval: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		f.ids = append(f.ids, id)
	}
	return f
}

func (f *feed) next() []reading.Reading {
	f.tick += 1000
	var out []reading.Reading
	for i, id := range f.ids {
		out = append(out, reading.Reading{Series: id, Tick: f.tick, Value: 4000 + (f.tick*7919+int64(i)*31)%53})
	}
	return out
}

func (f *feed) appendTo(t *testing.T, j *Journal, ticks int) Kept {
	t.Helper()
	var readings []reading.Reading
	for range ticks {
		readings = append(readings, f.next()...)
	}
	k, err := j.Append(context.Background(), readings, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// all reads an epoch through and checks that the runs are chained.
func all(t *testing.T, j *Journal, epoch uint32, from uint64) (blocks []*block.Block) {
	t.Helper()
	for {
		run, err := j.Read(epoch, from, 7, 4096)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Blocks) == 0 {
			return blocks
		}
		head := run.PrevHead
		if h, err := j.Head(epoch, run.First-1); err != nil || h != head {
			t.Fatalf("head before block %d is %v (%v), the run says %v", run.First, h, err, head)
		}
		for i, raw := range run.Blocks {
			b, err := block.Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if want := run.First + uint64(i); b.Number != want {
				t.Fatalf("block %d where %d belongs", b.Number, want)
			}
			head = chain.Next(head, raw)
			blocks = append(blocks, b)
		}
		from = run.First + uint64(len(run.Blocks))
	}
}

func events(t *testing.T, blocks []*block.Block) (out []*pb.Event) {
	t.Helper()
	for _, b := range blocks {
		for _, raw := range b.Events {
			out = append(out, decodeEvent(t, raw))
		}
	}
	return out
}

func decodeEvent(t *testing.T, raw []byte) *pb.Event {
	t.Helper()
	e, err := block.DecodeEvent(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func verify(t *testing.T, dir string) *Report {
	t.Helper()
	r, err := Verify(dir)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAppendReadAndReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir, opts())
	f := newFeed(t, j, 5)
	k := f.appendTo(t, j, 30)
	if k.Epoch != 1 || k.First != 1 || len(k.Blocks) != 3 || k.PrevHead != chain.Genesis("van-1", 1) {
		t.Fatalf("kept %+v, want three blocks from 1 of epoch 1", k)
	}
	blocks := all(t, j, 1, 1)
	ev := events(t, blocks)
	if len(ev) != 7 || ev[0].GetEpochStart() == nil || ev[1].GetBoot() == nil || ev[2].GetSeriesDeclared().GetSensor() != "box-a" {
		t.Fatalf("events %v, want the epoch, the boot and five series", ev)
	}
	for n, b := range blocks {
		if len(b.Readings) > 60 || b.Boot != 1 {
			t.Fatalf("block %d has %d readings of boot %d", n+1, len(b.Readings), b.Boot)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, dir)

	j = open(t, dir, opts())
	if tip := j.Tip(); tip.Epoch != 1 || tip.Last != 3 || tip.Readings != 150 || tip.Boot != 1 || tip.Head != chain.Next(chain.Next(chain.Next(k.PrevHead, k.Blocks[0]), k.Blocks[1]), k.Blocks[2]) {
		t.Fatalf("tip %+v after reopening", tip)
	}
	g := newFeed(t, j, 6)
	if g.ids[4] != f.ids[4] || g.ids[5] != 5 {
		t.Fatalf("series ids %v after %v", g.ids, f.ids)
	}
	g.tick = f.tick
	g.appendTo(t, j, 1)
	ev = events(t, all(t, j, 1, 4))
	if len(ev) != 7 || ev[0].GetBoot() == nil || ev[1].GetSeriesDeclared().GetId() != 5 || ev[6].GetSeriesDeclared().GetId() != 4 {
		t.Fatalf("events %v, want the boot, the new series, and those that were known", ev)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, dir)

	o := opts()
	o.BootID = "boot-b"
	j = open(t, dir, o)
	if tip := j.Tip(); tip.Boot != 2 || tip.Last != 4 {
		t.Fatalf("tip %+v after a new boot", tip)
	}
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, opts())
	if _, err := Open(dir, "van-1", opts()); !errors.Is(err, ErrLocked) {
		t.Fatalf("second open: %v, want ErrLocked", err)
	}
	// A child that is being started holds a copy of each handle until it runs.
	copied, err := unix.Dup(int(j.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(copied)
	j.Close()
	if _, err := Open(dir, "van-2", opts()); !errors.Is(err, ErrForeign) {
		t.Fatalf("open as another gateway: %v, want ErrForeign", err)
	}
}

func TestAcknowledgedSegmentsAreDeletedWhole(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, opts())
	f := newFeed(t, j, 20)
	for range 400 {
		f.appendTo(t, j, 3)
	}
	s := j.Stats()
	if s.Segments < 2 || s.PendingBlocks != s.Last || s.PendingReadings != 400*60 || s.Oldest == nil || s.Oldest.Tick != 1000 {
		t.Fatalf("stats %+v", s)
	}
	before := s
	tip := j.Tip()
	if got := len(all(t, j, 1, 1)); got != int(tip.Last) {
		t.Fatalf("read %d blocks of %d", got, tip.Last)
	}
	half, err := j.Head(1, tip.Last/2)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last / 2, Head: half, Beyond: []Range{{tip.Last/2 + 10, tip.Last/2 + 19}}}); err != nil {
		t.Fatal(err)
	}
	if s = j.Stats(); s.PendingBlocks != tip.Last-tip.Last/2-10 || s.PendingReadings != (400-tip.Last/2-10)*60 {
		t.Fatalf("stats %+v after half was acknowledged", s)
	}
	wrong := Commit{Epoch: 1, Committed: tip.Last, Head: half}
	if err := j.Acknowledge(wrong); !errors.Is(err, ErrDiverged) {
		t.Fatalf("acknowledged with a wrong head: %v", err)
	}
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last, Head: tip.Head}); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s = j.Stats(); s.PendingBlocks != 0 || s.PendingReadings != 0 || s.Segments != 1 || s.Bytes >= before.Bytes/2 {
		t.Fatalf("stats %+v after all was acknowledged, %d bytes before", s, before.Bytes)
	}
	j.Close()
	verify(t, dir)
	j = open(t, dir, opts())
	if s := j.Stats(); s.PendingBlocks != 0 || s.Last != tip.Last || s.Committed != tip.Last {
		t.Fatalf("stats %+v after reopening", s)
	}
	f.appendTo(t, j, 1)
	if p := j.Pending(); len(p) != 1 || p[0].First != tip.Last+1 {
		t.Fatalf("pending %v", p)
	}
}

func TestStartEpochKeepsWhatIsPending(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, opts())
	f := newFeed(t, j, 4)
	f.appendTo(t, j, 10)
	anchor := &pb.Event{AtMs: 5, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{AtMs: 5, UtcMs: 1e12, UncertaintyMs: 3, Source: 4}}}
	if _, err := j.Append(context.Background(), nil, []*pb.Event{anchor}); err != nil {
		t.Fatal(err)
	}
	old := j.Tip()
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: 99}); !errors.Is(err, ErrDiverged) {
		t.Fatalf("the hub has more than the journal: %v, want ErrDiverged", err)
	}
	if err := j.Acknowledge(Commit{Epoch: 6, Committed: 1}); !errors.Is(err, ErrDiverged) {
		t.Fatalf("the hub has a later epoch: %v, want ErrDiverged", err)
	}
	if err := j.StartEpoch("the hub said so"); err != nil {
		t.Fatal(err)
	}
	f.appendTo(t, j, 2)
	tip := j.Tip()
	if tip.Epoch != 7 || tip.Last != 1 || tip.Readings != 8 {
		t.Fatalf("tip %+v, want block 1 of epoch 7", tip)
	}
	ev := events(t, all(t, j, 7, 1))
	if len(ev) != 7 || ev[0].GetEpochStart().GetPreviousLast() != old.Last || ev[0].GetEpochStart().GetReason() != "the hub said so" ||
		ev[1].GetBoot() == nil || ev[2].GetAnchor().GetBoot() != 1 || ev[6].GetSeriesDeclared().GetId() != 3 {
		t.Fatalf("events %v, want epoch, boot, anchor and four series", ev)
	}
	for range 2 {
		p := j.Pending()
		if len(p) != 2 || p[0].Epoch != 1 || p[0].Last != old.Last || p[0].Readings != 40 || p[1].Epoch != 7 || p[1].Readings != 8 {
			t.Fatalf("pending %+v", p)
		}
		if n := len(all(t, j, 1, 1)); n != int(old.Last) {
			t.Fatalf("read %d blocks of the old epoch, want %d", n, old.Last)
		}
		j.Close()
		verify(t, dir)
		j = open(t, dir, opts())
	}
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: old.Last, Head: old.Head}); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if p := j.Pending(); len(p) != 1 || p[0].Epoch != 7 {
		t.Fatalf("pending %+v after the old epoch was acknowledged", p)
	}
	if s := j.Stats(); s.Segments != 1 {
		t.Fatalf("stats %+v", s)
	}
}
