package scan

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

const box = "package/BOX-1"

func (w *world) only(t *testing.T) Statement {
	t.Helper()
	if len(w.taken) != 1 {
		t.Fatalf("custody has %d statements, want 1: %v", len(w.taken), w.taken)
	}
	for _, s := range w.taken {
		return s
	}
	panic("unreachable")
}

func list(t *testing.T, k *Keeper, f Filter) []Scan {
	t.Helper()
	all, err := k.List(context.Background(), f, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUndatedUntilAnAnchorComes(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld()
		k := w.keeper(t, db)
		k.Committed(w.commit("van-1", 1, 1, 5, scanned(60_000, &pb.Scan{Id: "scan-0001"})))
		w.settle(t, k)
		got := list(t, k, Filter{})
		if len(w.taken) != 0 || len(got) != 1 || got[0].State != Undated || got[0].UTC != nil || got[0].Problem == "" {
			t.Fatalf("taken %v, listed %+v", w.taken, got)
		}
		k.Committed(w.commit("van-1", 1, 1, 6, anchored(1, 120_000, start+120_000, 50, truetime.GNSS)))
		if err := k.work(context.Background()); err != nil {
			t.Fatal(err)
		}
		a := w.only(t).Attached
		if a == nil || a.At != start+60_000 || a.Uncertainty != 62 || a.Subject.String() != box || a.In.String() != "compartment/van-1-a" || a.Via != "scan" || a.Made != a.At {
			t.Fatalf("stated %+v", a)
		}
		got = list(t, k, Filter{Gateway: "van-1", State: Taken})
		if len(got) != 1 || *got[0].UTC != a.At || len(got[0].Statements) != 1 || got[0].Statements[0] != a.ID {
			t.Fatalf("listed %+v", got)
		}
		if c, err := k.Count(context.Background()); err != nil || c.Scans != 1 || c.Groups[Stated] != 1 || c.Lines[Taken] != 1 {
			t.Fatalf("counted %+v %v", c, err)
		}
	})
}

func TestToldTwiceAfterARestart(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.GNSS), scanned(60_000, &pb.Scan{Id: "scan-0001"})))
	k.Committed(w.commit("van-1", 1, 2, 9, anchored(2, 0, start+1e7, 50, truetime.GNSS), scanned(60_000, &pb.Scan{Id: "scan-0001", Boot: 1, Epoch: 1})))
	w.settle(t, k)
	if a := w.only(t).Attached; a.At != start+60_000 {
		t.Fatalf("at %d", a.At)
	}
	if got := list(t, k, Filter{}); len(got) != 1 || got[0].Disputed != "" {
		t.Fatalf("listed %+v", got)
	}
	k.Committed(w.commit("van-1", 1, 2, 10, scanned(70_000, &pb.Scan{Id: "scan-0001", Target: "compartment/van-1-b"})))
	w.settle(t, k)
	if got := list(t, k, Filter{}); len(w.taken) != 1 || len(got) != 1 || !strings.Contains(got[0].Disputed, "block 10") {
		t.Fatalf("another scan of that id: %+v, listed %+v", w.taken, got)
	}
}

func TestBetterAnchorIsFollowed(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start+60_000, 600_000, truetime.RTC), scanned(60_000, &pb.Scan{Id: "scan-0001"})))
	w.settle(t, k)
	k.Committed(w.commit("van-1", 1, 1, 6, anchored(1, 120_000, start+120_000, 20, truetime.GNSS)))
	if err := k.work(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(w.taken) != 2 || !strings.Contains(w.holds()[0], `[1800000060000,32,`) || len(w.holds()) != 1 {
		t.Fatalf("holds %v of %v", w.holds(), w.taken)
	}
	// A few milliseconds wait, and are followed once.
	for i := range int64(5) {
		k.Committed(w.commit("van-1", 1, 1, uint64(7+i), anchored(1, 61_000+i, start+61_000+i-3, 20-uint64(i), truetime.GNSS)))
		if err := k.work(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.taken) != 2 {
		t.Fatalf("small shifts were followed at once: %v", w.taken)
	}
	w.now = w.now.Add(11 * time.Minute)
	if err := k.work(context.Background()); err != nil || len(w.taken) != 3 || len(w.holds()) != 1 {
		t.Fatalf("%v: holds %v of %v", err, w.holds(), w.taken)
	}
}

func TestClocksThatContradict(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.NTP), scanned(60_000, &pb.Scan{Id: "scan-0001"})))
	w.settle(t, k)
	k.Committed(w.commit("van-1", 1, 1, 6, anchored(1, 1000, start-1e9, 50, truetime.GNSS)))
	w.settle(t, k)
	if got := list(t, k, Filter{}); len(w.holds()) != 0 || got[0].State != Conflict {
		t.Fatalf("holds %v, listed %+v", w.holds(), got)
	}
	k.Committed(w.commit("van-1", 1, 1, 7, anchored(1, 2000, start+2000, 50, truetime.Hub))) // two against one
	w.settle(t, k)
	if got := list(t, k, Filter{}); len(w.holds()) != 1 || got[0].State != Taken {
		t.Fatalf("holds %v, listed %+v", w.holds(), got)
	}
}

func TestCorrections(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	second := &pb.Scan{Id: "scan-0002", Corrects: "scan-0001", Target: "compartment/van-1-b", Since: &pb.Instant{AtMs: 60_000, Boot: 1, Epoch: 1}}
	k.Committed(w.commit("van-1", 1, 2, 9, anchored(2, 0, start+1e7, 50, truetime.GNSS), scanned(5_000, second))) // before what it corrects
	w.settle(t, k)
	if len(w.taken) != 0 {
		t.Fatalf("stated before its time is known: %v", w.taken)
	}
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.GNSS), scanned(60_000, &pb.Scan{Id: "scan-0001"})))
	w.settle(t, k)
	a := w.only(t).Attached
	if a.At != start+60_000 || a.In.ID != "van-1-b" || a.Made != start+1e7+5_000 {
		t.Fatalf("stated %+v", a)
	}
	k.Committed(w.commit("van-1", 1, 2, 10, scanned(9_000, &pb.Scan{Id: "scan-0003", Corrects: "scan-0001", Withdrawn: true, Since: second.Since})))
	w.settle(t, k)
	got := list(t, k, Filter{})
	if len(w.holds()) != 0 || len(got) != 3 || got[0].State != Withdrawn {
		t.Fatalf("holds %v, listed %+v", w.holds(), got)
	}
	for _, s := range got {
		if s.Replaced != (s.ID != "scan-0003") {
			t.Errorf("scan %s is replaced: %v", s.ID, s.Replaced)
		}
	}
}

func TestHandedOverIntoACompartment(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.GNSS), scanned(60_000, &pb.Scan{
		Id: "scan-0001", Action: handOver, Kind: 2, Value: "095060001343520017", Target: "compartment/van-1-a", From: "pharmacy-1", To: "courier-7", Role: "courier", Seal: 1,
		Temperature: &pb.Measured{Value: 4125, Sensor: "box-a"}, Position: &pb.Fix{Latitude: 407_000_000, Longitude: -740_000_000, Accuracy: 4000}})))
	k.Committed(w.commit("van-1", 1, 1, 6, scanned(90_000, &pb.Scan{
		Id: "scan-0002", Action: handOver, Kind: 2, Value: "095060001343520017", Leaves: true, From: "courier-7", To: "tok-8842-xk41", Role: "patient", NoPosition: "no fix"})))
	w.settle(t, k)
	var in, out, given, taken bool
	for _, s := range w.taken {
		if a := s.Attached; a != nil {
			in = in || a.In != nil && a.At == start+60_000
			out = out || a.In == nil && a.At == start+90_000
		}
		if h := s.HandedOver; h != nil {
			given = given || h.To == "courier-7" && h.Seal == "intact" && *h.Temperature == 4125 && h.Position.Accuracy == 4000 && h.From == "pharmacy-1"
			taken = taken || h.Role == "patient" && h.Seal == "not_checked" && h.NoPosition == "no fix" && h.Temperature == nil
		}
	}
	if len(w.taken) != 4 || !in || !out || !given || !taken {
		b, _ := json.MarshalIndent(w.taken, "", " ")
		t.Fatalf("stated %s", b)
	}
}

func TestWhatMakesNoSense(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.GNSS),
		scanned(1000, &pb.Scan{Id: "scan-label", Value: "a label, with blanks"}),
		scanned(2000, &pb.Scan{Id: "scan-target", Target: "moon/sea"}),
		scanned(3000, &pb.Scan{Id: "scan-name1", Action: handOver, To: "Maria Gomez", Role: "patient", NoPosition: "no fix"}),
		scanned(4000, &pb.Scan{Id: "scan-kind1", Kind: 77}),
		scanned(5000, &pb.Scan{Id: "scan-ahead"}), // and so is the next, of a boot that has not been yet
		scanned(6000, &pb.Scan{Id: "x"}),
	))
	w.now = time.UnixMilli(start + 5000 - 61_000)
	k.queue.missed()
	if err := k.work(context.Background()); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, s := range list(t, k, Filter{}) {
		states[s.ID] = s.State
	}
	if states["scan-ahead"] != Ahead {
		t.Errorf("states %v", states)
	}
	w.settle(t, k)
	for _, s := range list(t, k, Filter{}) {
		want := Invalid
		if s.ID == "scan-ahead" {
			want = Taken
		}
		if s.State != want || want == Invalid && s.Problem == "" || strings.Contains(s.Problem, "Maria") {
			t.Errorf("%s is %s (%s), want %s", s.ID, s.State, s.Problem, want)
		}
	}
	if c, err := k.Count(context.Background()); err != nil || c.Strange == 0 || len(w.taken) != 1 {
		t.Errorf("counted %+v %v, taken %v", c, err, w.taken)
	}
}

func TestSetAsideAndSettled(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	w.unknown[box] = true
	k.Committed(w.commit("van-1", 1, 1, 5, anchored(1, 0, start, 50, truetime.GNSS), scanned(60_000, &pb.Scan{Id: "scan-0001"})))
	w.settle(t, k)
	got := list(t, k, Filter{State: SetAside})
	if len(got) != 1 || got[0].Problem != "unknown" {
		t.Fatalf("listed %+v", got)
	}
	for how, want := range map[string]string{"accepted": Taken, "dropped": Dropped} {
		data, _ := json.Marshal(fact.ScanSettled{ID: got[0].Statements[0], How: how})
		if err := k.settled(context.Background(), []event.Event{{Type: fact.ScanWasSettled, Data: data, Reason: "no such box"}}); err != nil {
			t.Fatal(err)
		}
		if now := list(t, k, Filter{}); now[0].State != want {
			t.Errorf("after %s it is %+v", how, now)
		}
	}
}

func TestPages(t *testing.T) {
	w, db := newWorld(), storetest.Open(t, storetest.SQLite(t))
	k := w.keeper(t, db)
	for i := range 7 {
		k.Committed(w.commit("van-1", 1, 1, uint64(i+1), scanned(int64(i), &pb.Scan{Id: "scan-000" + string(rune('1'+i))}), scanned(int64(i), &pb.Scan{Id: "scan-100" + string(rune('1'+i))})))
	}
	w.settle(t, k)
	seen, after := map[string]bool{}, ""
	for {
		page, err := k.List(context.Background(), Filter{}, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page {
			if seen[s.ID] {
				t.Fatalf("%s twice", s.ID)
			}
			seen[s.ID] = true
		}
		if len(page) < 3 {
			break
		}
		after = page[2].After()
	}
	if len(seen) != 14 {
		t.Fatalf("saw %d of 14", len(seen))
	}
}
