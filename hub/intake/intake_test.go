package intake

import (
	"errors"
	"slices"
	"testing"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

func TestParcelIsCommittedAndAcknowledged(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(30, 5)
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Live, d.parcel(1, 1))
		a := w.committed(d, 1)
		if a.Hub != w.Instance() || a.Credit == 0 || a.RestartReason != "" {
			t.Errorf("got %v, want the hub's instance and some credit", a)
		}
		w.send(d, topic.Backlog, d.parcel(2, 30))
		w.committed(d, 30)
		l := w.line(d)
		if !l.AddsUp || l.Committed != 150 || l.Produced != 150 || l.Blocks != 30 || l.Pending != 0 {
			t.Errorf("account %+v, want 150 produced and committed", l)
		}
		b := w.sink.all()
		if len(b) != 2 || !b[0].Live || b[1].Live || b[1].Readings != 145 || b[1].ID <= b[0].ID {
			t.Errorf("sinks got %+v", b)
		}
	})
}

func TestHolesAreFilled(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d := newDevice("van-1", 1).many(40, 2)
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Live, d.parcel(40, 40))
		w.send(d, topic.Backlog, d.parcel(11, 20))
		a := w.until(d, "knows 11 to 20 and 40", func(a *pb.Ack) bool { return len(a.Beyond) == 2 })
		if a.Committed != 0 || a.Beyond[0].First != 11 || a.Beyond[0].Last != 20 || a.Beyond[1].First != 40 {
			t.Errorf("got %v", a)
		}
		if l := w.line(d); !l.AddsUp || l.Committed != 22 || l.Pending != 58 || l.Holes != 2 {
			t.Errorf("account %+v, want 22 committed and 58 pending", l)
		}
		w.send(d, topic.Backlog, d.parcel(1, 10))
		w.committed(d, 20)
		w.send(d, topic.Backlog, d.parcel(15, 40)) // known at both ends
		w.committed(d, 40)
		if s := w.Status(); s.Trimmed != 1 || s.Readings != 80 {
			t.Errorf("status %+v, want one parcel trimmed", s)
		}
	})
}

func TestUnknownEventsAndGarbageEventsAreKept(t *testing.T) {
	d := newDevice("van-1", 1)
	d.keep(1, &pb.Event{AtMs: 5}, &pb.Event{AtMs: 6, Kind: &pb.Event_Fault{Fault: &pb.Fault{Part: "bus"}}})
	b, err := decodeForTest(d)
	if err != nil {
		t.Fatal(err)
	}
	b.Number, b.Before = 2, 1
	b.Events = [][]byte{{0xff, 0xff}}
	d.keepBlock(b)
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Backlog, d.parcel(1, 2))
		w.committed(d, 2)
		for kind, want := range map[string]int{"unknown": 1, "fault": 1, "malformed": 1, "gap": 0} {
			n := 0
			if err := w.Told(t.Context(), kind, func(string, uint32, int64, batch.Event) error { n++; return nil }); err != nil || n != want {
				t.Errorf("%d events %q, %v; want %d", n, kind, err, want)
			}
		}
		if s := w.Status(); s.MalformedEvents != 1 {
			t.Errorf("malformed events counted: %d, want 1", s.MalformedEvents)
		}
	})
}

func TestPromise10RefusalsAreQuarantined(t *testing.T) {
	good := newDevice("van-1", 1).many(30, 3)
	change := func(first, last uint64, f func(*pb.Parcel)) []byte {
		m := good.message(first, last)
		f(m)
		return mustMarshal(m)
	}
	wrongHead := func(m *pb.Parcel) { m.PrevHead[0] ^= 1 }
	tests := []struct {
		name    string
		payload []byte
		refuses uint64 // 0: quarantined without a word about blocks
		fork    bool
	}{
		{"garbage", []byte("garbage"), 0, false},
		{"empty", nil, 0, false},
		{"epoch 0", change(11, 11, func(m *pb.Parcel) { m.Epoch = 0 }), 0, false},
		{"block 0", change(11, 11, func(m *pb.Parcel) { m.First = 0 }), 0, false},
		{"no body", change(11, 11, func(m *pb.Parcel) { m.Body = nil }), 0, false},
		{"number is not the first", change(12, 12, func(m *pb.Parcel) { m.First = 11 }), 11, false},
		{"short head", change(11, 11, func(m *pb.Parcel) { m.PrevHead = m.PrevHead[:31] }), 11, false},
		{"torn block", change(11, 11, func(m *pb.Parcel) { m.Body = &pb.Parcel_Block{Block: good.raws[10][:9]} }), 11, false},
		{"torn bundle", change(11, 20, func(m *pb.Parcel) { m.Body = &pb.Parcel_Bundle{Bundle: m.GetBundle()[:20]} }), 0, false},
		{"bundle of other blocks", change(12, 20, func(m *pb.Parcel) { m.First = 11 }), 0, false},
		{"too large", make([]byte, MaxParcelBytes+1), 0, false},
		{"head does not join", change(11, 12, wrongHead), 12, true},
		{"known block with another head", change(3, 3, wrongHead), 3, true},
		{"genesis of another gateway", mustMarshal(newDevice("van-2", 1).many(1, 1).message(1, 1)), 1, false},
	}
	miscounted := good.fork(10)
	miscounted.counts[10]--
	miscounted.keep(3)
	tests = append(tests, struct {
		name    string
		payload []byte
		refuses uint64
		fork    bool
	}{"count does not join", miscounted.parcel(11, 11), 11, false})
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		for i, test := range tests {
			d := newDevice("van-1", 1)
			w := newSite(t, db, setup{}, d)
			if i == 0 {
				w.send(good, topic.Backlog, good.parcel(1, 10))
				w.committed(good, 10)
			}
			w.send(d, topic.Backlog, test.payload)
			if test.refuses > 0 {
				if a := w.refused(d, test.refuses); (a.RestartReason != "") != test.fork || a.Committed != 10 {
					t.Errorf("%s: got %v, want restart %v", test.name, a, test.fork)
				}
			}
			eventually(t, test.name+" is in quarantine", func() bool { return w.Status().Refused == 1 })
			if s := w.Status(); s.Parcels > 1 || (s.Forks > 0) != test.fork {
				t.Errorf("%s: status %+v", test.name, s)
			}
			list, err := w.Quarantine(t.Context(), "van-1", 1)
			if err != nil || len(list) != 1 || list[0].Reason == "" || list[0].Bytes > MaxParcelBytes {
				t.Fatalf("%s: quarantine %+v, %v", test.name, list, err)
			}
			payload, err := w.QuarantinedPayload(t.Context(), list[0].ID)
			if err != nil || !slices.Equal(payload, test.payload[:min(len(test.payload), MaxParcelBytes)]) {
				t.Errorf("%s: quarantined %d bytes, %v, want the payload", test.name, len(payload), err)
			}
			w.stop()
			if _, err := execForTest(t, db, `DELETE FROM intake_quarantine`); err != nil {
				t.Fatal(err)
			}
			if _, err := execForTest(t, db, `UPDATE intake_chain SET restart_reason = ''`); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestForkEndsTheEpoch(t *testing.T) {
	storetest.URLs(t, func(t *testing.T, url string) {
		db := storetest.Open(t, url)
		d := newDevice("van-1", 1).many(100, 2)
		old := d.fork(80).many(40, 2) // the journal was restored from an old copy
		w := newSite(t, db, setup{}, d)
		w.send(d, topic.Backlog, d.parcel(1, 60))
		w.send(d, topic.Backlog, d.parcel(61, 100))
		w.committed(d, 100)
		for _, cut := range [][2]uint64{{81, 90}, {81, 120}, {101, 110}, {75, 99}, {100, 100}} {
			w.send(d, topic.Backlog, old.parcel(cut[0], cut[1]))
			if a := w.refused(d, cut[1]); a.RestartReason == "" || a.Committed != 100 || !slices.Equal(a.Head, d.heads[100][:]) {
				t.Errorf("fork %v: got %v, want a reason to restart", cut, a)
			}
		}
		w.send(d, topic.Backlog, old.parcel(70, 80)) // the same in both
		if a := w.until(d, "answers what is the same", func(a *pb.Ack) bool { return len(a.Refused) == 0 }); a.RestartReason == "" {
			t.Errorf("got %v, want the reason kept", a)
		}
		if l := w.line(d); l.AddsUp || l.Restart == "" || l.Committed != 200 {
			t.Errorf("account %+v, want it not to add up", l)
		}
		w.stop()
		w = newSite(t, db, setup{}, d)
		if a := w.until(d, "greets", func(*pb.Ack) bool { return true }); a.RestartReason == "" || a.Committed != 100 {
			t.Errorf("after a restart: got %v, want the reason kept", a)
		}
	})
}

func TestStrangers(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		d, stranger := newDevice("van-1", 1).many(5, 1), newDevice("van-9", 1).many(30, 1)
		w := newSite(t, db, setup{}, d)
		for n := range uint64(30) {
			w.send(stranger, topic.Live, stranger.parcel(n+1, n+1))
		}
		w.send(d, topic.Live, d.parcel(1, 1))
		w.committed(d, 1)
		eventually(t, "all strangers are counted", func() bool { return w.Status().Strangers == 30 })
		eventually(t, "quarantine is bounded", func() bool {
			list, err := w.Quarantine(t.Context(), "van-9", 100)
			return err == nil && len(list) == w.limits.QuarantineStrangers
		})
		w.admit.mu.Lock()
		w.admit.revoked["van-1"] = true
		w.admit.mu.Unlock()
		w.send(d, topic.Live, d.parcel(2, 2))
		eventually(t, "the revoked one is counted", func() bool { return w.Status().Strangers == 31 })
		if l := w.line(d); l.Blocks != 1 {
			t.Errorf("%d blocks of a revoked gateway, want 1 from before", l.Blocks)
		}
	})
}

func TestEpochsAreBounded(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	d := newDevice("van-1", 1).many(1, 1)
	w := newSite(t, db, setup{tune: func(o *Options) { o.Limits = DefaultLimits(); o.Limits.Epochs = 3 }}, d)
	for epoch := uint32(1); epoch < 6; epoch++ {
		d := newDevice("van-1", epoch).many(1, 1)
		w.send(d, topic.Live, d.parcel(1, 1))
		if epoch <= 3 {
			w.committed(d, 1)
		} else {
			eventually(t, "it is refused", func() bool { return w.Status().Refused == uint64(epoch-3) })
		}
	}
}

// TestAcksWaitForTheBroker: a hub that starts before its broker is connected
// greets the gateways once it is, and what was committed meanwhile is told.
func TestAcksWaitForTheBroker(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	d, e := newDevice("van-1", 1).many(10, 1), newDevice("van-2", 1).many(10, 1)
	w := newSite(t, db, setup{}, d, e)
	w.publish.mu.Lock()
	w.publish.fail = errors.New("not connected")
	w.publish.mu.Unlock()
	w.send(d, topic.Backlog, d.parcel(1, 10))
	w.send(e, topic.Backlog, []byte("nonsense"))
	eventually(t, "both are dealt with and not told", func() bool {
		s := w.Status()
		return s.Parcels == 1 && s.Refused == 1 && s.AckFailures > 0
	})
	w.publish.mu.Lock()
	w.publish.fail = nil
	w.publish.mu.Unlock()
	w.committed(d, 10)
}
