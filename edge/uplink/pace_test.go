package uplink

import (
	"testing"
	"time"
)

// path is a bottleneck with a delay, for which pace sends parcels as fast as it
// lets itself. Time is simulated.
type path struct {
	rate  int           // bytes a second
	delay time.Duration // there and back, without queueing
	limit int           // most bytes of one parcel that there are to send; 0 any
}

type sent struct {
	bytes  int
	at, by time.Time // handed over, acknowledged
	alone  bool
}

// run lets a pace send for so long. It gives the worst queueing delay that a
// live parcel would have met after the start, a sixth of the time, and the share
// of the rate that was used after it.
func (p path) run(t *testing.T, pace *pace, start time.Time, d time.Duration) (worst time.Duration, used float64) {
	var flying []sent
	now, free, total := start, start, 0
	for now.Sub(start) < d {
		inFlight := 0
		for _, s := range flying {
			inFlight += s.bytes
		}
		n := pace.parcel()
		if p.limit > 0 {
			n = min(n, p.limit)
		}
		if pace.room(inFlight, n, now) {
			pace.launched(n, now)
			if free.Before(now) {
				free = now
			}
			free = free.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
			flying = append(flying, sent{n, now, free.Add(p.delay), len(flying) == 0})
			if now.Sub(start) > d/6 {
				worst = max(worst, free.Sub(now))
				total += n
			}
			continue
		}
		s := flying[0]
		if wait := pace.early(now); wait > 0 && now.Add(wait).Before(s.by) && pace.draining == 0 && inFlight+n <= pace.window {
			now = now.Add(wait)
			continue
		}
		flying = flying[1:]
		now = s.by
		pace.acked(s.bytes, inFlight, s.by.Sub(s.at), s.alone, now)
	}
	used = float64(total) / (d - d/6).Seconds() / float64(p.rate)
	t.Logf("%d B/s, %v: queue at most %v, %.0f %% used, window %d, parcel %d, base %v",
		p.rate, p.delay, worst.Round(time.Millisecond), used*100, pace.window, pace.parcel(), pace.baseDelay().Round(time.Millisecond))
	return worst, used
}

func TestPaceFillsALinkWithoutFillingItsBuffer(t *testing.T) {
	for _, p := range []path{
		{2_500, 700 * time.Millisecond, 0},    // GPRS
		{32_000, 60 * time.Millisecond, 0},    // 256 kbit/s
		{125_000, 600 * time.Millisecond, 0},  // a satellite
		{1_000_000, 40 * time.Millisecond, 0}, // LTE
		{1_000_000, 3 * time.Millisecond, 0},
		{1_000_000, 3 * time.Millisecond, 12_000}, // short blocks: a full bundle is small
		{50_000_000, 1 * time.Millisecond, 0},     // the same machine
	} {
		start := time.Unix(1000, 0)
		worst, used := p.run(t, newPace(start), start, time.Minute)
		// On a link so slow that a least parcel takes longer than the target,
		// the few that fill its delay are the queue.
		least := time.Duration(5*minParcel) * time.Second / time.Duration(p.rate)
		if limit := max(200*time.Millisecond, least); worst > limit {
			t.Errorf("%+v: a live parcel may meet a queue of %v: want at most %v", p, worst, limit)
		}
		want := 0.8
		if p.rate > 10_000_000 {
			want = 0.2 // the largest window is less than the path takes
		}
		if used < want {
			t.Errorf("%+v: %.0f %% of the rate is used: want %.0f", p, used*100, want*100)
		}
	}
}

func TestPaceDoesNotTakeItsOwnQueueForThePath(t *testing.T) {
	start := time.Unix(1000, 0)
	pace := newPace(start)
	p := path{32_000, 60 * time.Millisecond, 0}
	p.run(t, pace, start, 10*time.Second)
	worst, _ := p.run(t, pace, start.Add(time.Minute), 30*time.Minute)
	if worst > 3*queueTarget {
		t.Errorf("after half an hour the queue is %v", worst)
	}
}

func TestPaceFollowsALinkThatNarrowsAndWidens(t *testing.T) {
	now := time.Unix(1000, 0)
	pace := newPace(now)
	for _, rate := range []int{1_000_000, 32_000, 1_000_000} {
		p := path{rate, 30 * time.Millisecond, 0}
		p.run(t, pace, now, 10*time.Second) // to get used to it
		now = now.Add(10 * time.Second)
		worst, used := p.run(t, pace, now, 20*time.Second)
		now = now.Add(20 * time.Second)
		if worst > 3*queueTarget || used < 0.8 {
			t.Errorf("at %d B/s: queue %v, %.0f %% used", rate, worst, used*100)
		}
	}
}

func TestPaceStartsFast(t *testing.T) {
	now := time.Unix(1000, 0)
	pace := newPace(now)
	bytes, rounds := 0, 0
	for ; bytes < 1<<20; rounds++ {
		now = now.Add(5 * time.Millisecond)
		window := pace.window
		for sum := 0; sum < window; {
			n := pace.parcel()
			pace.acked(n, window, 5*time.Millisecond, sum == 0, now)
			sum += n
			bytes += n
		}
	}
	if rounds > 20 {
		t.Errorf("the first megabyte took %d round trips: want at most 20", rounds)
	}
}

func TestPaceShrinksOnLossAndSilence(t *testing.T) {
	now := time.Unix(1000, 0)
	pace := newPace(now)
	pace.window = 100_000
	pace.lost(now)
	pace.lost(now) // of the same round
	if pace.window != 75_000 {
		t.Errorf("window %d after a loss: want 75000", pace.window)
	}
	pace.silence(now)
	if pace.window != startWindow {
		t.Errorf("window %d after silence: want %d", pace.window, startWindow)
	}
	if !pace.room(0, maxParcel, now) || pace.room(1, maxParcel, now) {
		t.Error("one parcel alone has room, a second beyond the window has none")
	}
}
