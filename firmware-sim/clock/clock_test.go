package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Now, 1)
		want := func(what string, w time.Duration) {
			t.Helper()
			if got := c.Now(); got != w {
				t.Errorf("%s: %s, want %s", what, got, w)
			}
		}
		time.Sleep(3 * time.Second)
		want("real time", 3*time.Second)
		c.Run(60)
		time.Sleep(time.Second)
		want("60 times faster", 63*time.Second)
		if got := c.Until(123 * time.Second); got != time.Second {
			t.Errorf("Until = %s, want 1s", got)
		}
		c.Drive()
		time.Sleep(time.Hour)
		want("driven", 63*time.Second)
		c.Skip(time.Hour)
		c.Skip(time.Minute)
		want("skipped", time.Hour)
		c.Run(1)
		time.Sleep(time.Second)
		want("running again", time.Hour+time.Second)
		c.Skip(2 * time.Hour)
		want("skipped while running", 2*time.Hour)
	})
}
