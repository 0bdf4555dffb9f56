package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

// TestPromise1FullJournalIsDeclared: past its cap the journal drops the oldest
// segment whole, after it has warned, and says so in the chain.
func TestPromise1FullJournalIsDeclared(t *testing.T) {
	dir := memory(t)
	o := opts()
	o.MaxBytes = 24 * o.SegmentBytes
	hours := int64(0)
	o.Boottime = func() int64 { return 1e11 + hours*3_600_000 }
	j := open(t, dir, o)
	f := newFeed(t, j, 20)
	total := uint64(0)
	var warned []string
	var gaps []*pb.Gap
	number := uint64(1)
	watch := func() {
		for _, b := range all(t, j, 1, number) {
			number = b.Number + 1
			for _, raw := range b.Events {
				e := decodeEvent(t, raw)
				if s := e.GetFault().GetDetail(); strings.Contains(s, "are used") {
					warned = append(warned, s)
				}
				if g := e.GetGap(); g != nil {
					gaps = append(gaps, g)
				}
			}
		}
	}
	for len(gaps) < 3 {
		hours++
		f.appendTo(t, j, 60)
		total += 60 * 20
		watch()
		if s := j.Stats(); s.Bytes > o.MaxBytes {
			t.Fatalf("%d bytes are used, the limit is %d", s.Bytes, o.MaxBytes)
		}
	}
	if len(warned) != 3 || !strings.HasPrefix(warned[0], "7") || !strings.HasPrefix(warned[2], "9") || !strings.Contains(warned[2], "hours are left") {
		t.Errorf("warnings %q, want three", warned)
	}
	lost := uint64(0)
	for i, g := range gaps {
		if i == 0 && g.First != 1 || i > 0 && g.First != gaps[i-1].Last+1 {
			t.Errorf("gap %v after %v", g, gaps[:i])
		}
		lost += g.Readings
	}
	s := j.Stats()
	if s.Readings != total || s.LostReadings != lost || s.PendingReadings != total-lost || s.HoursLeft == nil {
		t.Fatalf("stats %+v, want %d readings, and %d lost", s, total, lost)
	}
	if p := j.Pending(); p[0].First != gaps[2].Last+1 {
		t.Fatalf("pending %+v after %v", p, gaps)
	}
	if run, err := j.Read(1, 1, 10, 1<<20); err != nil || run.First != gaps[2].Last+1 {
		t.Fatalf("reading from the start gives block %d (%v), want %d", run.First, err, gaps[2].Last+1)
	}
	j.Close()
	verify(t, dir)
	j = open(t, dir, o)
	if again := j.Stats(); again.LostReadings != lost || again.PendingReadings != s.PendingReadings {
		t.Fatalf("stats %+v after reopening, before %+v", again, s)
	}
}

func TestKeepAcknowledged(t *testing.T) {
	o := opts()
	o.KeepAcknowledged = time.Hour
	o.MaxBytes = 6 * o.SegmentBytes
	j := open(t, memory(t), o)
	f := newFeed(t, j, 20)
	ack := func() {
		t.Helper()
		tip := j.Tip()
		if err := j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last, Head: tip.Head}); err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for j.Stats().Segments < 3 {
		f.appendTo(t, j, 60)
	}
	ack()
	if s := j.Stats(); s.Segments < 3 || s.Deleted > 0 || s.PendingBlocks > 0 {
		t.Fatalf("stats %+v: nothing was to be deleted yet", s)
	}
	for j.Stats().Deleted == 0 { // the cap comes before the wish to keep
		f.appendTo(t, j, 60)
		ack()
	}
	if s := j.Stats(); s.LostBlocks > 0 {
		t.Fatalf("stats %+v", s)
	}
}

func TestSegmentsRotateByAge(t *testing.T) {
	o := opts()
	o.SegmentAge = time.Nanosecond
	j := open(t, memory(t), o)
	f := newFeed(t, j, 20)
	for range 60 {
		f.appendTo(t, j, 3)
	}
	if s := j.Stats(); s.Segments < 2 {
		t.Fatalf("stats %+v, want more than one segment", s)
	}
}

// slowDisk does not answer until it is let go.
type slowDisk struct {
	localDisk
	mu   sync.Mutex
	gate chan struct{} // nil: no waiting
	at   chan struct{} // receives when something waits
}

func (d *slowDisk) hang() (release func()) {
	gate := make(chan struct{})
	d.mu.Lock()
	d.gate, d.at = gate, make(chan struct{}, 100)
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		d.gate = nil
		d.mu.Unlock()
		close(gate)
	}
}

func (d *slowDisk) wait() {
	d.mu.Lock()
	gate, at := d.gate, d.at
	d.mu.Unlock()
	if gate != nil {
		at <- struct{}{}
		<-gate
	}
}

func (d *slowDisk) open(path string) (*bbolt.DB, error) {
	d.wait()
	return d.localDisk.open(path)
}

func (d *slowDisk) commit(tx *bbolt.Tx) error {
	d.wait()
	return d.localDisk.commit(tx)
}

// TestOpenDoesNotWaitForTheDisk: sampling is possible at once, and what was
// taken meanwhile is kept when the disk answers.
func TestOpenDoesNotWaitForTheDisk(t *testing.T) {
	d := &slowDisk{}
	release := d.hang()
	o := opts()
	o.disk, o.OpenWait = d, time.Millisecond
	j := open(t, memory(t), o)
	if s := j.Stats(); s.Loaded || s.Err == nil || j.Tip() != (Tip{}) {
		t.Fatalf("stats %+v, want an error", s)
	}
	f := newFeed(t, j, 3)
	if again := newFeed(t, j, 3); again.ids[0] < provisional || fmt.Sprint(again.ids) != fmt.Sprint(f.ids) {
		t.Fatalf("ids %v, then %v", f.ids, again.ids)
	}
	anchor := &pb.Event{Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{UtcMs: 1, Source: 2}}}
	for range 5 {
		if _, err := j.Append(context.Background(), f.next(), []*pb.Event{anchor}); !errors.Is(err, ErrHeld) {
			t.Fatalf("append: %v, want ErrHeld", err)
		}
	}
	release()
	<-j.Kept() // loaded
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	f.appendTo(t, j, 1)
	n := 0
	blocks := all(t, j, 1, 1)
	for _, b := range blocks {
		for _, r := range b.Readings {
			n++
			if r.Series > 2 {
				t.Fatalf("reading of series %d", r.Series)
			}
		}
	}
	for _, e := range events(t, blocks) {
		if a := e.GetAnchor(); a != nil && a.Boot != 1 {
			t.Fatalf("anchor %v, want boot 1", a)
		}
	}
	if s := j.Stats(); n != 18 || s.Err != nil || s.Outages != 1 || s.HeldReadings != 0 {
		t.Fatalf("%d readings, stats %+v", n, s)
	}
	if got := j.Declared(); len(got) != 3 {
		t.Fatalf("declared %v", got)
	}
}

// TestAppendDoesNotWaitForADiskThatHangs, and the order of readings stays.
func TestAppendDoesNotWaitForADiskThatHangs(t *testing.T) {
	d := &slowDisk{}
	o := opts()
	o.disk = d
	j := open(t, memory(t), o)
	f := newFeed(t, j, 3)
	f.appendTo(t, j, 1)
	j.o.HangWait = time.Millisecond
	release := d.hang()
	for range 3 {
		if _, err := j.Append(context.Background(), f.next(), nil); !errors.Is(err, ErrHeld) {
			t.Fatalf("append: %v, want ErrHeld", err)
		}
	}
	if s := j.Stats(); s.Err == nil || s.Readings != 3 {
		t.Fatalf("stats %+v", s)
	}
	j.o.HangWait = time.Minute
	release()
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Err != nil || s.Readings != 12 || s.Repeats != 0 {
		t.Fatalf("stats %+v", s)
	}
}

// TestAppendsShareCommits: what comes while a commit runs is kept together.
func TestAppendsShareCommits(t *testing.T) {
	d := &slowDisk{}
	o := opts()
	o.disk = d
	j := open(t, memory(t), o)
	f := newFeed(t, j, 10)
	f.appendTo(t, j, 1)
	release := d.hang()
	var wg sync.WaitGroup
	put := func(r []reading.Reading) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := j.Append(context.Background(), r, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	put(f.next())
	<-d.at // this one is being committed
	for range 12 {
		put(f.next())
	}
	for queued := 0; queued < 12; {
		j.mu.Lock()
		queued = len(j.queue)
		j.mu.Unlock()
	}
	before := j.Stats()
	release()
	wg.Wait()
	after := j.Stats()
	if n := after.Commits - before.Commits; n != 2 || after.Last-before.Last != 3 || after.Readings-before.Readings != 130 {
		t.Fatalf("%d commits, %d blocks, %d readings; want 2, 3 and 130", n, after.Last-before.Last, after.Readings-before.Readings)
	}
}

// TestGroupWait: readings wait for one another, and for nothing else.
func TestGroupWait(t *testing.T) {
	o := opts()
	o.GroupWait = time.Hour
	j := open(t, memory(t), o)
	f := newFeed(t, j, 20)
	before := j.Stats().Commits
	var wg sync.WaitGroup
	for range 3 {
		r := f.next()
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := j.Append(context.Background(), r, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait() // three times twenty are enough for a block
	alarm := &pb.Event{Kind: &pb.Event_Fault{Fault: &pb.Fault{Detail: "door"}}}
	if _, err := j.Append(context.Background(), f.next(), []*pb.Event{alarm}); err != nil {
		t.Fatal(err)
	}
	if n := j.Stats().Commits - before; n != 2 {
		t.Fatalf("%d commits, want 2", n)
	}
}

// TestUnusableDirectoryIsTriedAgain: no directory can be made at first.
func TestUnusableDirectoryIsTriedAgain(t *testing.T) {
	root := memory(t)
	block := filepath.Join(root, "data")
	if err := os.WriteFile(block, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, filepath.Join(block, "journal"), opts())
	s := j.Stats()
	if s.Loaded || !errors.Is(s.Err, unix.ENOTDIR) {
		t.Fatalf("stats %+v, want ENOTDIR", s)
	}
	f := newFeed(t, j, 2)
	for range 3 {
		if _, err := j.Append(context.Background(), f.next(), nil); !errors.Is(err, ErrHeld) {
			t.Fatalf("append: %v, want ErrHeld", err)
		}
	}
	if err := j.Flush(context.Background()); !errors.Is(err, ErrHeld) {
		t.Fatalf("flush: %v, want ErrHeld", err)
	}
	if err := os.Remove(block); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- j.Run(ctx) }()
	for j.Tip().Readings < 6 { // Run tries again by itself
		<-j.Kept()
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCloseSaysWhatIsLost with it.
func TestCloseSaysWhatIsLost(t *testing.T) {
	d := &faultyDisk{}
	o := opts()
	o.disk = d
	j := open(t, memory(t), o)
	f := newFeed(t, j, 2)
	f.appendTo(t, j, 1)
	d.mu.Lock()
	d.at, d.n, d.err = len(d.ops), 1<<30, unix.EIO
	d.mu.Unlock()
	if _, err := j.Append(context.Background(), f.next(), nil); !errors.Is(err, ErrHeld) || !errors.Is(err, unix.EIO) {
		t.Fatalf("append: %v, want ErrHeld and EIO", err)
	}
	if err := j.Close(); err == nil || !strings.Contains(err.Error(), "2 readings in memory are lost") {
		t.Fatalf("close: %v", err)
	}
}
