package clock

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"frostline/proto/truetime"
)

func TestSystemClock(t *testing.T) {
	c, err := NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.BootID()) != 36 {
		t.Errorf("boot id %q, want a UUID", c.BootID())
	}
	start := c.Now()
	if err := c.SleepUntil(context.Background(), start+20); err != nil {
		t.Fatal(err)
	}
	if now := c.Now(); now < start+20 {
		t.Errorf("woke at %d, want at least %d", now, start+20)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.SleepUntil(ctx, c.Now()+3_600_000); err != context.Canceled {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := c.SleepUntil(ctx, math.MaxInt64); err != context.DeadlineExceeded {
		t.Errorf("for ever: got %v, want context.DeadlineExceeded", err)
	}
}

// fixed is a clock that stands still.
type fixed struct{ now, utc int64 }

func (f fixed) Now() int64                            { return f.now }
func (f fixed) UTC() int64                            { return f.utc }
func (fixed) SleepUntil(context.Context, int64) error { return nil }
func (fixed) Busy() func()                            { return func() {} }
func (fixed) BootID() string                          { return "fixed" }

func TestNTPAnchorOnlyWhenSynchronised(t *testing.T) {
	c := fixed{now: 5000, utc: Floor + 1_000_000}
	for _, tt := range []struct {
		name string
		tx   unix.Timex
		utc  int64
		want int64 // uncertainty, 0 for no anchor
	}{
		{"unsynchronised", unix.Timex{Status: unix.STA_UNSYNC, Maxerror: 100}, c.utc, 0},
		{"just corrected", unix.Timex{Status: unix.STA_PLL}, c.utc, minNTP},
		{"bounded", unix.Timex{Status: unix.STA_PLL, Maxerror: 40_500}, c.utc, 42},
		{"estimate above bound", unix.Timex{Maxerror: 1000, Esterror: 100_000}, c.utc, 401},
		{"too uncertain", unix.Timex{Maxerror: 61_000_000}, c.utc, 0},
		{"before the floor", unix.Timex{}, Floor - 1, 0},
	} {
		a, ok, err := ntpAnchor(fixed{now: c.now, utc: tt.utc}, &tt.tx)
		if err != nil || ok != (tt.want > 0) || a.Uncertainty != tt.want {
			t.Errorf("%s: got %+v %v %v, want uncertainty %d", tt.name, a, ok, err, tt.want)
		}
		if ok && (a.At != c.now || a.UTC != tt.utc || a.Source != truetime.NTP) {
			t.Errorf("%s: got %+v", tt.name, a)
		}
	}
	if _, _, err := NTP(c); err != nil {
		t.Errorf("adjtimex: %v", err)
	}
}

func TestRTC(t *testing.T) {
	c := fixed{now: 1234}
	file := filepath.Join(t.TempDir(), "since_epoch")
	if _, ok, err := RTC(c, file); ok || err != nil {
		t.Errorf("without an RTC: got %v %v", ok, err)
	}
	for _, tt := range []struct {
		content string
		ok, bad bool
	}{
		{"1793000000\n", true, false},
		{"946684800\n", false, false},         // a dead battery: 2000
		{"99999999999999999\n", false, false}, // noise
		{"not a number\n", false, true},
	} {
		if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		a, ok, err := RTC(c, file)
		if ok != tt.ok || (err != nil) != tt.bad {
			t.Errorf("%q: got %+v %v %v", tt.content, a, ok, err)
		}
		if ok && (a.UTC != 1_793_000_000_500 || a.Uncertainty != int64(10*time.Minute/time.Millisecond)) {
			t.Errorf("%q: got %+v", tt.content, a)
		}
	}
}
