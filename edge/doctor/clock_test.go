package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/clock"
	"frostline/edge/panel"
	"frostline/edge/sensor"
	"frostline/proto/truetime"
)

// runs has an agent run with a clock.
func runs(c panel.Clock) func(*bench) {
	utc := int64(1_789_482_123_000)
	c.UTCMs = &utc
	return func(b *bench) { b.agent = present{panel.Status{Snapshot: panel.Snapshot{Gateway: "van-14", Clock: c}}} }
}

func TestClocks(t *testing.T) {
	here := filepath.Join(t.TempDir(), "since_epoch")
	if err := os.WriteFile(here, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := func(clock.Clock) (truetime.Anchor, bool, error) { return truetime.Anchor{}, false, nil }
	rtcOff := func(off time.Duration) func(clock.Clock, string) (truetime.Anchor, bool, error) {
		return func(c clock.Clock, _ string) (truetime.Anchor, bool, error) {
			return truetime.Anchor{At: c.Now(), UTC: c.UTC() + off.Milliseconds(), Uncertainty: 600_000, Source: truetime.RTC}, true, nil
		}
	}
	for _, c := range []struct {
		name    string
		change  func(*bench)
		check   string
		outcome Outcome
		words   []string
	}{
		{"not synchronised", func(b *bench) { b.sources.ntp = none }, "ntp", Warn, []string{"does not hold it for synchronised", "chrony"}},
		{"adjtimex blocked", func(b *bench) {
			b.sources.ntp = func(clock.Clock) (truetime.Anchor, bool, error) {
				return truetime.Anchor{}, false, errors.New("operation not permitted")
			}
		}, "ntp", Warn, []string{"operation not permitted", "container"}},
		{"agreeing rtc", func(b *bench) { b.sources.rtc = rtcOff(3 * time.Second) }, "rtc", OK, []string{"agrees", "3.0 s"}},
		{"wrong rtc", func(b *bench) { b.sources.rtc = rtcOff(-3 * time.Hour) }, "rtc", Warn, []string{"off by 3 h", "hwclock"}},
		{"flat battery", func(b *bench) { b.sources.rtcFile = here }, "rtc", Warn, []string{"a year before", "battery"}},
		{"rtc alone", func(b *bench) { b.sources.rtc, b.sources.ntp = rtcOff(0), none }, "rtc", OK, []string{"nothing better"}},
		{"clock stands", func(b *bench) {
			b.Clock = bootClock{began: time.Now().Add(24 * time.Hour)}
			b.Clock = standing{b.Clock}
		}, "boot clock", Fail, []string{"moved by 0 ms"}},
		{"no receiver answers", func(b *bench) {
			withReceiver(b)
			b.open = func(sensor.Spec, sensor.Env) (sensor.Driver, error) {
				return nil, errors.New("no such port")
			}
		}, "satellite time", Skipped, []string{"no receiver answers"}},
		{"receiver", func(b *bench) {
			withReceiver(b)
			b.heard.take(truetime.Anchor{UTC: 1_789_482_123_000, Uncertainty: 500, Source: truetime.GNSS})
		}, "satellite time", OK, []string{"2026-09-15 14:22:03 UTC"}},
		{"agent has the receiver", func(b *bench) {
			withReceiver(b)
			b.agent = present{panel.Status{Snapshot: panel.Snapshot{Gateway: "van-14"}}}
		}, "satellite time", Warn, []string{"undated"}},
		{"agreement", runs(panel.Clock{Source: "ntp", UncertaintyMs: 12}), "time sources", OK, []string{"agree", "ntp", "12 ms"}},
		{"contradiction", runs(panel.Clock{Conflict: true, UncertaintyMs: 1_800_000}), "time sources", Warn, []string{"contradict", "1 h", "a third"}},
		{"left out", runs(panel.Clock{Source: "ntp", Left: []string{"rtc", "hub"}}), "time sources", Warn, []string{"rtc and hub", "hwclock", "the hub's clock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestBench(t)
			c.change(b)
			r, _ := examine(t, b)
			want(t, r, c.check, c.outcome, c.words...)
		})
	}
}

// TestReceiverWithoutTime waits as long as a believable time takes, and no longer.
func TestReceiverWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestBench(t)
		withReceiver(b)
		b.receiver.Store(&b.Sensors[0])
		start := time.Now()
		r := b.satelliteTime(t.Context())
		want(t, map[string]Result{"satellite time": r}, "satellite time", Warn, "antenna")
		if took := time.Since(start); took != satelliteWait {
			t.Errorf("took %v, want %v", took, satelliteWait)
		}
	})
}

// standing is a clock that does not move.
type standing struct{ clock.Clock }

func (standing) Now() int64 { return 5 }

func withReceiver(b *bench) {
	b.Sensors = []sensor.Spec{{ID: "gnss", Driver: "gnss", Bus: "/dev/ttyUSB0"}}
	b.open = func(sensor.Spec, sensor.Env) (sensor.Driver, error) {
		return &fakeSensor{}, nil
	}
}

// TestKernelClock runs against the machine's own clocks, whatever they are.
func TestKernelClock(t *testing.T) {
	c, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	b := newTestBench(t)
	b.Clock, b.sources = c, kernelSources
	r, _ := examine(t, b)
	want(t, r, "boot clock", OK, "since the host started")
}
