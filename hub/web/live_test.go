package web

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"frostline/hub/view"
	"frostline/proto/reading"
)

func at(boot uint32, tick, value int64) view.Reading {
	return view.Reading{Epoch: 1, Boot: boot, Tick: tick, Value: value, Dated: true, UTC: tick}
}

func TestLiveTellsAtOnceThenTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(time.Now)
		s := view.Series{Gateway: "g", Sensor: "s", Quantity: reading.Temperature}
		_, seq, more := l.since(0, filter{})
		l.offer(s, time.Second, at(1, 1, 100))
		select {
		case <-more:
		default:
			t.Fatal("the first value was not told at once")
		}
		told := 0
		for i := range int64(1000) { // one a millisecond
			l.offer(s, time.Second, at(1, 2+i, 200+i))
			time.Sleep(time.Millisecond)
			l.release()
			es, upTo, _ := l.since(seq, filter{})
			told += len(es)
			seq = upTo
		}
		if told < 10 || told > 11 {
			t.Errorf("told %d values in a second, want 10 or 11", told)
		}
		time.Sleep(valueGap)
		l.release()
		if r, _ := l.latest("g", "s", reading.Temperature); r.Value != 1199 {
			t.Errorf("the last value told is %d, want 1199", r.Value)
		}
		// Idle again: at once.
		time.Sleep(time.Second)
		_, seq, _ = l.since(seq, filter{})
		l.offer(s, time.Second, at(1, 9000, 7))
		if es, _, _ := l.since(seq, filter{}); len(es) != 1 || es[0].last.Value != 7 {
			t.Errorf("after a pause, got %+v, want the value at once", es)
		}
	})
}

func TestLiveTakesOnlyWhatIsNewer(t *testing.T) {
	l := newLive(func() time.Time { return time.UnixMilli(0) })
	s := view.Series{Gateway: "g", Sensor: "s", Quantity: reading.Temperature}
	undated := at(2, 50, 5)
	undated.Dated = false
	for _, tt := range []struct {
		name string
		r    view.Reading
		want int64
	}{
		{"first", at(2, 40, 4), 4},
		{"older tick", at(2, 30, 3), 4},
		{"older boot", at(1, 99, 9), 4},
		{"undated, newer", undated, 5},
		{"the same, dated now", at(2, 50, 5), 5},
		{"the same, undated again", undated, 5},
		{"newer boot, lower tick", at(3, 1, 6), 6},
		{"newer epoch", view.Reading{Epoch: 2, Boot: 1, Tick: 1, Value: 8, Dated: true}, 8},
	} {
		l.offer(s, 0, tt.r)
		if r, _ := l.latest("g", "s", reading.Temperature); r.Value != tt.want {
			t.Errorf("%s: the newest is %d, want %d", tt.name, r.Value, tt.want)
		} else if r.Value == 5 && tt.name != "undated, newer" && !r.Dated {
			t.Errorf("%s: the reading is undated again", tt.name)
		}
	}
}

// TestLiveResumes: whatever a page missed, it ends with the newest of each
// series, and the list holds no more than the series there are.
func TestLiveResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(time.Now)
		rng := rand.New(rand.NewPCG(1, 2))
		want, got := map[view.Series]int64{}, map[view.Series]int64{}
		var seq uint64
		page := func() {
			es, upTo, _ := l.since(seq, filter{})
			for i, e := range es {
				if i > 0 && e.seq <= es[i-1].seq {
					t.Fatal("told out of order")
				}
				got[e.key] = e.last.Value
			}
			seq = upTo
		}
		for i := range int64(20_000) {
			s := view.Series{Gateway: fmt.Sprint("g", rng.IntN(5)), Sensor: fmt.Sprint("s", rng.IntN(20)), Quantity: reading.Temperature}
			l.offer(s, 0, at(1, i, i))
			want[s] = i
			if rng.IntN(500) == 0 {
				time.Sleep(50 * time.Millisecond)
				l.release()
			}
			if rng.IntN(2000) == 0 {
				page()
			}
		}
		time.Sleep(time.Second)
		l.release()
		page()
		if len(got) != len(want) || l.told.Len() != len(want) {
			t.Fatalf("the page knows %d series, the list holds %d, there are %d", len(got), l.told.Len(), len(want))
		}
		for s, v := range want {
			if got[s] != v {
				t.Errorf("%s: the page shows %d, the newest is %d", s, got[s], v)
			}
		}
		l.forget(func(k topicKey) bool { return k.Gateway == "g1" })
		if l.told.Len() != 20 {
			t.Errorf("after four of five gateways left, the list holds %d, want 20", l.told.Len())
		}
	})
}
