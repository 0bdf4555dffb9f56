package notify

import (
	"cmp"
	"fmt"
	"time"
	_ "time/tzdata" // a schedule means the same on a machine without it
)

func (s *Schedule) validate(names map[string]bool) error {
	s.TimeZone, s.At = cmp.Or(s.TimeZone, "UTC"), cmp.Or(s.At, "00:00")
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return fmt.Errorf("time-zone %q: want a name such as Europe/Berlin: %w", s.TimeZone, err)
	}
	if _, err := time.Parse(time.DateOnly, s.Start); err != nil {
		return fmt.Errorf("start %q: want YYYY-MM-DD", s.Start)
	}
	if _, err := time.Parse("15:04", s.At); err != nil {
		return fmt.Errorf("at %q: want HH:MM", s.At)
	}
	if s.Days < 1 || s.Days > 366 {
		return fmt.Errorf("days %d: want 1 to 366", s.Days)
	}
	if len(s.Contacts) == 0 {
		return fmt.Errorf("contacts: nobody is on call: name at least one")
	}
	for _, c := range s.Contacts {
		if !names["contact:"+c] {
			return fmt.Errorf("contacts: %q: no such contact", c)
		}
	}
	for i, o := range s.Overrides {
		from, err := time.Parse(time.RFC3339, o.From)
		if err != nil {
			return fmt.Errorf("overrides: number %d: from %q: want a time such as 2026-12-24T18:00:00+01:00", i+1, o.From)
		}
		until, err := time.Parse(time.RFC3339, o.Until)
		if err != nil || !from.Before(until) {
			return fmt.Errorf("overrides: number %d: until %q: want a time after from", i+1, o.Until)
		}
		if !names["contact:"+o.Contact] {
			return fmt.Errorf("overrides: number %d: contact %q: no such contact", i+1, o.Contact)
		}
	}
	return nil
}

// OnCall gives the contact who is on call at an instant. The schedule was
// validated.
func (s *Schedule) OnCall(at time.Time) string {
	for i := len(s.Overrides) - 1; i >= 0; i-- {
		o := s.Overrides[i]
		from, _ := time.Parse(time.RFC3339, o.From)
		until, _ := time.Parse(time.RFC3339, o.Until)
		if !at.Before(from) && at.Before(until) {
			return o.Contact
		}
	}
	zone, _ := time.LoadLocation(s.TimeZone)
	start, _ := time.Parse(time.DateOnly, s.Start)
	hand, _ := time.Parse("15:04", s.At)
	local := at.In(zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	if local.Hour()*60+local.Minute() < hand.Hour()*60+hand.Minute() {
		day = day.AddDate(0, 0, -1) // not yet handed over today
	}
	days := int(day.Sub(start) / (24 * time.Hour)) // UTC days have 24 hours
	turn := days / s.Days
	if days < 0 && days%s.Days != 0 {
		turn--
	}
	n := len(s.Contacts)
	return s.Contacts[((turn%n)+n)%n]
}
