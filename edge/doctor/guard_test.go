package doctor

import (
	"strings"
	"testing"
	"time"

	"frostline/edge/panel"
	"frostline/proto/calibration"
)

func TestWatchedAndCertificatesAreTold(t *testing.T) {
	states := func(all ...string) (out []panel.Watched) {
		for _, s := range all {
			out = append(out, panel.Watched{ID: "van-1-a", Sensor: "box", State: s})
		}
		return out
	}
	for _, x := range []struct {
		guard panel.Guard
		want  Outcome
		says  string
	}{
		{panel.Guard{}, "", ""},
		{panel.Guard{Watches: states(panel.WatchInRange, panel.WatchPassed)}, OK, "all 2"},
		{panel.Guard{Watches: states(panel.WatchInRange), Alarms: []panel.Alarm{{ID: "a"}}}, Warn, "1 alarms are not acknowledged"},
		{panel.Guard{Watches: states(panel.WatchInRange, panel.WatchUnknown)}, Warn, "1 of 2 that are watched are unknown"},
		{panel.Guard{Watches: states(panel.WatchOut, panel.WatchUnknown)}, Fail, "1 of 2 that are watched are out"},
	} {
		b := newTestBench(t)
		b.running = &panel.Status{Snapshot: panel.Snapshot{Guard: x.guard}}
		var got Result
		for _, c := range b.guardChecks() {
			c.run(t.Context(), func(r Result) { got = r })
		}
		if got.Outcome != x.want || !strings.Contains(got.Found, x.says) {
			t.Errorf("%+v: got %+v", x.guard, got)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for days, want := range map[int]Outcome{-1: Warn, 0: Warn, 29: Warn, 31: OK} {
		c := Certificate{"box", calibration.Certificate{ID: "C-1", Issuer: "Lab", ValidFrom: 1, ValidUntil: now.AddDate(0, 0, days).UnixMilli()}}
		if got := certified(c, now); got.Outcome != want || !strings.Contains(got.Found, "C-1") {
			t.Errorf("expires in %d days: got %+v, want %s", days, got, want)
		}
	}
	early := Certificate{"box", calibration.Certificate{ID: "C-1", Issuer: "Lab", ValidFrom: now.UnixMilli() + 1, ValidUntil: now.AddDate(1, 0, 0).UnixMilli()}}
	if got := certified(early, now); got.Outcome != Warn {
		t.Errorf("not valid yet: got %+v", got)
	}
}
