package clock

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"frostline/proto/truetime"
)

const noon = Floor + 200*86_400_000

// keeping runs a Keeper on a virtual clock and collects what it records.
type keeping struct {
	*Keeper
	v      *Virtual
	events []Event
	refuse error
	ntp    truetime.Anchor // UTC is the error of NTP, ms; Uncertainty 0 for no anchor
	rtc    bool
}

func keep(t *testing.T) *keeping {
	t.Helper()
	k := &keeping{v: newVirtual(t, VirtualConfig{Start: 10_000, UTC: noon})}
	var err error
	k.Keeper, err = NewKeeper(KeeperConfig{
		Clock: k.v,
		Log:   slog.New(slog.DiscardHandler),
		Record: func(_ context.Context, e Event) error {
			if k.refuse == nil {
				k.events = append(k.events, e)
			}
			return k.refuse
		},
		NTP: func(c Clock) (truetime.Anchor, bool, error) {
			return truetime.Anchor{At: c.Now(), UTC: c.UTC() + k.ntp.UTC, Uncertainty: k.ntp.Uncertainty, Source: truetime.NTP}, k.ntp.Uncertainty > 0, nil
		},
		RTC: func(c Clock) (truetime.Anchor, bool, error) {
			return truetime.Anchor{At: c.Now(), UTC: c.UTC(), Uncertainty: 600_000, Source: truetime.RTC}, k.rtc, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	for asleep := false; !asleep; time.Sleep(time.Millisecond) {
		k.v.mu.Lock()
		asleep = len(k.v.sleepers) > 0
		k.v.mu.Unlock()
	}
	return k
}

// pass lets time pass.
func (k *keeping) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := k.v.RunUntil(context.Background(), k.v.Now()+d.Milliseconds()); err != nil {
		t.Fatal(err)
	}
}

func (k *keeping) want(t *testing.T, what string, anchors, steps int) {
	t.Helper()
	var a, s int
	for _, e := range k.events {
		if e.Anchor != nil {
			a++
		} else {
			s++
		}
	}
	if a != anchors || s != steps {
		t.Fatalf("%s: %d anchors and %d steps recorded, want %d and %d: %+v", what, a, s, anchors, steps, k.events)
	}
}

func TestKeeperRecordsWhatIsWorthIt(t *testing.T) {
	k := keep(t)
	k.pass(t, time.Minute)
	k.want(t, "no source", 0, 0)
	if _, ok := k.Best(); ok || k.Dated() {
		t.Fatal("dated without an anchor")
	}
	k.ntp.Uncertainty = 100
	k.pass(t, 10*time.Minute)
	k.want(t, "the first", 1, 0)
	k.ntp.Uncertainty = 80
	k.pass(t, time.Minute)
	k.want(t, "a little better", 1, 0)
	k.ntp.Uncertainty = 20
	k.pass(t, time.Minute)
	k.want(t, "much better", 2, 0)
	k.ntp.Uncertainty = 100
	k.pass(t, 3*time.Hour+time.Minute)
	k.want(t, "hourly", 5, 0)
	if m, ok := k.UTC(k.v.Now()); !ok || m.Conflict || max(m.UTC-k.v.UTC(), k.v.UTC()-m.UTC) > m.Uncertainty {
		t.Errorf("dated %+v, true %d", m, k.v.UTC())
	}
	if best, ok := k.Best(); !ok || best.At < k.v.Now()-1000 || best.Source != truetime.NTP {
		t.Errorf("best %+v at %d", best, k.v.Now())
	}
}

func TestKeeperRecordsSteps(t *testing.T) {
	k := keep(t)
	k.ntp.Uncertainty = 20
	k.pass(t, time.Minute)
	k.v.StepUTC(100 * time.Millisecond) // within what a daemon slews
	k.ntp.UTC -= 100
	k.pass(t, time.Minute)
	k.want(t, "slew", 1, 0)
	k.v.StepUTC(-90 * time.Minute)
	k.ntp.UTC += 90 * 60_000
	k.pass(t, time.Minute)
	k.want(t, "step", 2, 1)
	if e := k.events[1]; e.Step != -90*60_000 {
		t.Errorf("got a step of %d ms, want %d", e.Step, -90*60_000)
	}
}

func TestKeeperAwaitsBetterThanRTC(t *testing.T) {
	k := keep(t)
	k.rtc = true
	k.pass(t, time.Minute)
	k.want(t, "within the grace", 0, 0)
	k.pass(t, 2*time.Minute)
	k.want(t, "after the grace", 1, 0)
	k.Offer(truetime.Anchor{At: k.v.Now(), UTC: k.v.UTC() + 30_000, Uncertainty: 500, Source: truetime.GNSS})
	k.pass(t, time.Minute)
	k.want(t, "a receiver's", 2, 0)
}

// One wrong anchor is refused; a source that insists is recorded, once, so that
// the contradiction shows.
func TestKeeperContradictions(t *testing.T) {
	k := keep(t)
	k.ntp.Uncertainty = 20
	k.pass(t, time.Minute)
	wrong := func() {
		k.Offer(truetime.Anchor{At: k.v.Now(), UTC: k.v.UTC() + 7*86_400_000, Uncertainty: 500, Source: truetime.Hub})
		k.pass(t, time.Minute)
	}
	wrong()
	wrong()
	k.want(t, "two wrong ones", 1, 0)
	for range 20 {
		wrong()
	}
	k.want(t, "a source that insists", 2, 0)
	if m, _ := k.UTC(k.v.Now()); !m.Conflict {
		t.Errorf("got %+v, want a conflict", m)
	}
	if s := k.Stats(); s.Refused != 2 || s.Recorded != 2 {
		t.Errorf("got %+v", s)
	}
}

func TestKeeperRefusesTheImpossible(t *testing.T) {
	k := keep(t)
	for _, a := range []truetime.Anchor{
		{At: k.v.Now(), UTC: Floor - 1, Uncertainty: 1, Source: truetime.GNSS},
		{At: k.v.Now(), UTC: Ceiling + 1, Uncertainty: 1, Source: truetime.GNSS},
		{At: k.v.Now() + 1, UTC: noon, Uncertainty: 1, Source: truetime.Hub},
		{At: k.v.Now(), UTC: noon, Source: truetime.Hub},
	} {
		k.Offer(a)
	}
	k.pass(t, time.Minute)
	k.want(t, "impossible", 0, 0)
	if s := k.Stats(); s.Refused != 4 {
		t.Errorf("got %+v", s)
	}
}

func TestKeeperOffersAgainWhatWasNotKept(t *testing.T) {
	k := keep(t)
	k.refuse = errors.New("disk full")
	k.ntp.Uncertainty = 50
	k.pass(t, time.Minute)
	k.v.StepUTC(time.Hour)
	k.ntp.UTC -= 3_600_000
	k.pass(t, time.Minute)
	k.refuse = nil
	k.pass(t, time.Minute)
	k.want(t, "after the disk has room", 2, 1)
	if k.events[0].Anchor == nil || k.events[1].Step == 0 || k.events[2].Anchor == nil {
		t.Errorf("out of order: %+v", k.events)
	}
}

// A source that a majority contradicts is named and not used, and another that
// settles a contradiction is recorded at once however wide it is.
func TestKeeperLeavesOutTheOutvoted(t *testing.T) {
	k := keep(t)
	k.rtc = true
	k.pass(t, 3*time.Minute)
	k.want(t, "the rtc", 1, 0)
	k.v.StepUTC(-time.Hour) // it was in local time
	k.rtc = false
	k.pass(t, time.Second)
	offer := func(s truetime.Source, uncertainty int64) {
		k.Offer(truetime.Anchor{At: k.v.Now(), UTC: k.v.UTC(), Uncertainty: uncertainty, Source: s})
		k.pass(t, time.Second)
	}
	for range 3 {
		offer(truetime.GNSS, 500)
	}
	if m, _ := k.UTC(k.v.Now()); !m.Conflict || k.Left() != nil {
		t.Fatalf("one against one: got %+v, left out %v, want a conflict", m, k.Left())
	}
	offer(truetime.Hub, 3000)
	k.want(t, "the hub settles it", 3, 1)
	if m, _ := k.UTC(k.v.Now()); m.Conflict || m.Uncertainty > 510 || max(m.UTC-k.v.UTC(), k.v.UTC()-m.UTC) > m.Uncertainty {
		t.Errorf("got %+v, true %d", m, k.v.UTC())
	}
	if left := k.Left(); len(left) != 1 || left[0] != truetime.RTC {
		t.Errorf("left out %v, want the rtc", left)
	}
	if best, _ := k.Best(); best.Source != truetime.GNSS {
		t.Errorf("best %+v, want the receiver's", best)
	}
}
