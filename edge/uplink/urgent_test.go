package uplink

import (
	"errors"
	"slices"
	"testing"
	"time"

	"frostline/proto/pb"
	"frostline/proto/topic"
)

// anAlarm is an event that is urgent.
func anAlarm() *pb.Event { return &pb.Event{AtMs: 5, Kind: &pb.Event_Alarm{Alarm: &pb.Alarm{}}} }

// TestAlarmOfAnOutageGoesFirst has an alarm deep in a backlog and a link that
// takes minutes for it.
func TestAlarmOfAnOutageGoesFirst(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Timing = Timing{State: time.Hour, SealAnswer: time.Hour} })
	r.proxy.set(func(p *proxy) { p.rate, p.delay = 8_000, 5*time.Millisecond })
	r.keep(3000)
	n := r.journal.keepWith(20, anAlarm())
	r.keep(3000)
	r.start()
	before := 0 // bytes of backlog
	r.until("the alarm has come", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		i := slices.IndexFunc(r.hub.arrivals, func(a arrival) bool { return a.first == n && a.last == n && a.lane == topic.Live })
		before = 0
		for _, a := range r.hub.arrivals[:max(i, 0)] {
			if a.lane == topic.Backlog {
				before += a.bytes
			}
		}
		return i >= 0
	})
	if s := r.uplink.Status(); s.Urgent != 1 {
		t.Errorf("status %+v: want one urgent parcel", s)
	}
	if before > 16<<10 {
		t.Errorf("%d bytes of backlog came before the alarm", before)
	}
	r.proxy.set(func(p *proxy) { p.rate = 0 })
	r.drained()
}

func TestAlarmGoesBeforeWhatIsFreshAndIsSentAgainWhenLost(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLedger(Timing{}.withDefaults(), now)
	j := newMemoryJournal(gateway)
	l.sync(j.Tip(), j.Pending())
	for range 4 {
		j.keep(2)
	}
	j.keepWith(2, anAlarm())
	l.kept(5)
	if _, _, ok := l.urgent(8, now); ok {
		t.Fatal("an alarm was known before anybody looked")
	}
	o, ok := l.unseen()
	if !ok || o != (look{1, span{1, 5}}) {
		t.Fatalf("look %v, %v: want blocks 1 to 5", o, ok)
	}
	l.saw(find(j, o))
	if o, ok := l.unseen(); ok {
		t.Fatalf("look %v again", o)
	}
	for try := range 2 {
		epoch, n, ok := l.urgent(8, now)
		if !ok || n != 5 {
			t.Fatalf("try %d: block %d of epoch %d, %v: want block 5", try, n, epoch, ok)
		}
		l.takeUrgent(epoch, n)
		p := &parcel{epoch: epoch, span: span{n, n}, lane: topic.Live, bytes: 100, tries: try}
		l.launch(p, now)
		if _, n, ok := l.urgent(8, now); ok {
			t.Fatalf("block %d is urgent while it is in flight", n)
		}
		if n, ok := l.fresh(8); !ok || n != 1 {
			t.Fatalf("fresh block %d, %v: want 1", n, ok)
		}
		if try == 0 {
			now = now.Add(time.Minute)
			l.lose(p, now, now)
		}
	}
	if _, err := l.answered(answer{epoch: 1, beyond: []span{{5, 5}}}, now); err != nil {
		t.Fatal(err)
	}
	if _, n, ok := l.urgent(8, now); ok {
		t.Fatalf("block %d is urgent though it is committed", n)
	}
}

func TestScansGoAfterAlarmsAndBeforeTheRest(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLedger(Timing{}.withDefaults(), now)
	j := newMemoryJournal(gateway)
	l.sync(j.Tip(), j.Pending())
	scan := &pb.Event{AtMs: 5, Kind: &pb.Event_Scan{Scan: &pb.Scan{Id: "scan-0001"}}}
	for range maxAlarms + 10 {
		j.keepWith(1, scan)
	}
	j.keep(1)
	j.keepWith(1, scan, anAlarm())
	last := j.keepWith(1, anAlarm())
	l.kept(last)
	for o, ok := l.unseen(); ok; o, ok = l.unseen() {
		l.saw(find(j, o))
	}
	var order []uint64
	for {
		epoch, n, ok := l.urgent(1<<20, now)
		if !ok {
			break
		}
		l.takeUrgent(epoch, n)
		l.launch(&parcel{epoch: epoch, span: span{n, n}, lane: topic.Live, bytes: 100}, now)
		order = append(order, n)
	}
	if len(order) != maxAlarms+2 || order[0] != last-1 || order[1] != last || order[2] != 1 || order[3] != 2 {
		t.Fatalf("%d blocks were urgent, first %v; want those with alarms, then %d with scans", len(order), order[:min(len(order), 5)], maxAlarms)
	}
}

func TestLookingForAlarmsStandsWhatTheJournalGives(t *testing.T) {
	j := newMemoryJournal(gateway)
	for n := range 40 {
		if n%10 == 9 {
			j.keepWith(1, anAlarm())
		} else {
			j.keep(1)
		}
	}
	j.lose(11, 15)
	if r := find(j, look{1, span{1, 40}}); r.err != nil || r.last != 10 || !slices.Equal(r.alarms, []uint64{10}) {
		t.Errorf("up to a hole: %+v", r)
	}
	if r := find(j, look{1, span{11, 40}}); r.err != nil || r.last != 40 || !slices.Equal(r.alarms, []uint64{20, 30, 40}) {
		t.Errorf("from a hole: %+v", r)
	}
	if r := find(j, look{1, span{11, 14}}); r.err != nil || r.last != 14 || r.alarms != nil {
		t.Errorf("within a hole: %+v", r)
	}
	if r := find(j, look{1, span{41, 50}}); r.err != nil || r.last != 50 {
		t.Errorf("past the end: %+v", r)
	}
	j.fail = errors.New("bad sector")
	if r := find(j, look{1, span{1, 40}}); r.err == nil {
		t.Error("no error though the journal could not be read")
	}
	if alarm, scan := pressing([]byte("no block")); alarm || scan {
		t.Error("what is no block has an alarm")
	}
}
