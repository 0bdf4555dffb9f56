package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/proto/pb"
)

// fill takes all the space that is left.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); ; {
		if _, err := f.Write(b); err != nil {
			break
		}
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPromise1DiskFullIsAccounted fills the disk under a journal: readings wait
// in memory and are kept, in order, when there is space again.
func TestPromise1DiskFullIsAccounted(t *testing.T) {
	for _, kind := range []string{"tmpfs", "ext4"} {
		t.Run(kind, func(t *testing.T) {
			var mnt string
			if kind == "tmpfs" {
				mnt = tmpfs(t, "4m")
			} else {
				mnt = ext4(t, 8<<20).dir
			}
			dir := filepath.Join(mnt, "journal")
			o := opts()
			o.BallastBytes = 64 << 10
			j := open(t, dir, o)
			f := newFeed(t, j, 20)
			f.appendTo(t, j, 3)
			free := fill(t, mnt)

			onDisk, heldBlocks := 0, 0
			for n := 0; heldBlocks < 50; n++ {
				if n > 5000 {
					t.Fatal("the disk does not get full")
				}
				_, err := j.Append(context.Background(), append(f.next(), f.next()...), nil)
				switch {
				case err == nil && heldBlocks > 0:
					t.Fatal("kept behind what is held")
				case err == nil:
					onDisk++
				case errors.Is(err, ErrHeld) && noSpace(err):
					heldBlocks++
				default:
					t.Fatal(err)
				}
			}
			s := j.Stats()
			if s.Err == nil || s.HeldReadings != 50*40 || s.HeldBlocks != 50 || s.Readings != uint64(60+40*onDisk) || s.Dropped > 0 {
				t.Fatalf("stats %+v after %d were kept", s, onDisk)
			}
			if s.HeldSince.IsZero() || j.Numbers().MemoryBlocks != 50 {
				t.Fatalf("stats %+v", s)
			}
			if _, err := os.Stat(filepath.Join(dir, ballastName)); err == nil {
				t.Error("the space in reserve was not used")
			}
			if p := j.Pending(); p[0].Readings != s.Readings {
				t.Fatalf("pending %+v: what is not on disk must not be offered", p)
			}
			if !slicesContainFault(events(t, all(t, j, 1, 1)), "no space") {
				t.Error("the chain does not say that the disk is full, for which space was reserved")
			}
			free()
			if err := j.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			s = j.Stats()
			if s.Err != nil || s.HeldReadings != 0 || s.Outages < 1 || s.Readings != uint64(60+40*onDisk+50*40) {
				t.Fatalf("stats %+v after there was space again", s)
			}
			last := int64(0)
			for _, b := range all(t, j, 1, 1) {
				if len(b.Readings) > 0 {
					if b.Readings[0].Tick <= last {
						t.Fatalf("block %d has tick %d after %d", b.Number, b.Readings[0].Tick, last)
					}
					last = b.Readings[len(b.Readings)-1].Tick
				}
			}
			if last != f.tick {
				t.Fatalf("the last tick is %d, want %d", last, f.tick)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			verify(t, dir)
		})
	}
}

func slicesContainFault(ev []*pb.Event, what string) bool {
	for _, e := range ev {
		if strings.Contains(e.GetFault().GetDetail(), what) {
			return true
		}
	}
	return false
}

// TestPromise1OverflowIsDeclared: when memory is full too, the oldest readings
// are dropped, and the chain says how many and of what time.
func TestPromise1OverflowIsDeclared(t *testing.T) {
	mnt := tmpfs(t, "2m")
	dir := filepath.Join(mnt, "journal")
	o := opts()
	o.HeldBytes = 64 << 10
	j := open(t, dir, o)
	f := newFeed(t, j, 20)
	f.appendTo(t, j, 3)
	free := fill(t, mnt)
	fault := &pb.Event{AtMs: 7, Kind: &pb.Event_Fault{Fault: &pb.Fault{Part: "test", Detail: "an alarm"}}}
	total, alarms := uint64(60), 0
	for n := range 2000 {
		var ev []*pb.Event
		if n%200 == 5 {
			ev, alarms = []*pb.Event{fault}, alarms+1
		}
		if _, err := j.Append(context.Background(), append(f.next(), f.next()...), ev); err != nil && !errors.Is(err, ErrHeld) {
			t.Fatal(err)
		}
		total += 40
	}
	s := j.Stats()
	if !s.Overflow || s.Dropped == 0 || s.Readings+s.HeldReadings+s.Dropped != total || s.LostReadings != s.Dropped {
		t.Fatalf("stats %+v, want %d readings in all", s, total)
	}
	free()
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	var gap *pb.Gap
	for _, e := range events(t, all(t, j, 1, 1)) {
		if g := e.GetGap(); g != nil {
			if gap != nil {
				t.Fatalf("a second gap %v", g)
			}
			gap = g
		}
		if e.GetFault().GetDetail() == "an alarm" {
			alarms--
		}
	}
	if gap == nil || gap.First != 0 || gap.Readings != s.Dropped || gap.Boot != 1 || gap.ToMs <= gap.FromMs || gap.Reason == "" {
		t.Fatalf("gap %v, want %d readings", gap, s.Dropped)
	}
	for _, b := range all(t, j, 1, 1) {
		for _, r := range b.Readings {
			if r.Tick >= gap.FromMs && r.Tick <= gap.ToMs {
				t.Fatalf("tick %d is kept, and lies in the gap %v", r.Tick, gap)
			}
		}
	}
	if alarms != 0 {
		t.Errorf("%d alarms are lost", alarms)
	}
	if s := j.Stats(); s.Readings+gap.Readings != total || s.Dropped != gap.Readings || s.Overflow {
		t.Fatalf("stats %+v, want %d readings in all", s, total)
	}
	j.Close()
	verify(t, dir)
}
