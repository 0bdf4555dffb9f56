package deadline

import (
	"testing"
	"time"

	"frostline/hub/fact"
)

func TestDue(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		rule          fact.DeadlineRule
		received, due string
	}{
		{Hours24, "2026-11-20 15:00", "2026-11-21 15:00"},       // Friday
		{Hours48, "2026-11-20 15:00", "2026-11-22 15:00"},       //
		{BusinessDay, "2026-11-18 15:00", "2026-11-19 15:00"},   // Wednesday
		{BusinessDay, "2026-11-20 15:00", "2026-11-22 15:00"},   // Monday would be 72 hours
		{BusinessDays2, "2026-11-18 15:00", "2026-11-20 15:00"}, //
		{BusinessDays2, "2026-11-20 15:00", "2026-11-24 15:00"}, // Friday to Tuesday
		{BusinessDays2, "2026-11-21 15:00", "2026-11-25 00:00"}, // Saturday: as Monday 0:00
		{BusinessDays2, "2026-10-30 15:00", "2026-11-03 15:00"}, // summer time ends between
		{Hours48, "2026-10-31 15:00", "2026-11-02 14:00"},       // hours are hours
	} {
		got, err := Due(c.rule, at(c.received), zone)
		if err != nil || !got.Equal(at(c.due)) {
			t.Errorf("%s from %s: %v, want %s (%v)", c.rule, c.received, got.In(zone), c.due, err)
		}
	}
	if _, err := Due("soon", time.Now(), zone); err == nil {
		t.Error("a rule there is not was taken")
	}
}

func TestStages(t *testing.T) {
	for now, want := range map[int64]Stage{0: Fresh, 499: Fresh, 500: Half, 899: Half, 900: Short, 999: Short, 1000: Overdue, 5000: Overdue} {
		if got := At(0, 1000, now); got != want {
			t.Errorf("at %d: %q, want %q", now, got, want)
		}
	}
	if !Overdue.Beyond(Half) || Fresh.Beyond(Fresh) || Half.Beyond(Short) {
		t.Error("stages are out of order")
	}
}
