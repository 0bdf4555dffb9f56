// Package deadline says until when something has to be done, by rules of law
// that differ, and at which moments somebody has to be reminded.
package deadline

import (
	"fmt"
	"slices"
	"time"

	"frostline/hub/fact"
)

// Rules by which a trace request has to be answered. Section 582 of the FD&C Act
// gives manufacturers and wholesalers one business day and at most 48 hours
// ((b)(1)(B), (c)(1)(C)), dispensers two business days ((d)(1)(D)); contracts
// and the recommendations of industry ask for 24 or 48 hours.
const (
	Hours24       fact.DeadlineRule = "24_hours"
	Hours48       fact.DeadlineRule = "48_hours"
	BusinessDay   fact.DeadlineRule = "1_business_day_48_hours"
	BusinessDays2 fact.DeadlineRule = "2_business_days"
)

// Rules lists all of them.
var Rules = []fact.DeadlineRule{Hours24, Hours48, BusinessDay, BusinessDays2}

// Illegitimate is within which FDA and trading partners have to be told of
// illegitimate product, from its determination (section 582(b)(4)(B)(ii),
// (c)(4)(B)(ii), (d)(4)(B)(ii)).
const Illegitimate = 24 * time.Hour

// Due is when something that was received has to be done by a rule. Business
// days are Monday to Friday in zone; public holidays count as business days, so
// that a deadline is never later than the law's. What came on a weekend came
// when the next business day began.
func Due(rule fact.DeadlineRule, received time.Time, zone *time.Location) (time.Time, error) {
	switch rule {
	case Hours24:
		return received.Add(24 * time.Hour), nil
	case Hours48:
		return received.Add(48 * time.Hour), nil
	case BusinessDay:
		return earlier(business(received.In(zone), 1), received.Add(48*time.Hour)).UTC(), nil
	case BusinessDays2:
		return business(received.In(zone), 2).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("rule %q: want one of %v", rule, Rules)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// business gives the same time of day so many business days later.
func business(t time.Time, days int) time.Time {
	if free(t) {
		y, m, d := t.Date()
		t = time.Date(y, m, d, 0, 0, 0, 0, t.Location())
		for free(t) {
			t = t.AddDate(0, 0, 1)
		}
	}
	for days > 0 {
		if t = t.AddDate(0, 0, 1); !free(t) {
			days--
		}
	}
	return t
}

func free(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// Stage is how far the time for something is gone.
type Stage string

// Stages, in order. At each but the first somebody is reminded.
const (
	Fresh   Stage = ""
	Half    Stage = "half"    // half of the time is gone
	Short   Stage = "short"   // nine tenths of it
	Overdue Stage = "overdue" // all of it
)

var stages = []Stage{Fresh, Half, Short, Overdue}

// At gives the stage at an instant. All are Unix ms.
func At(received, due, now int64) Stage {
	switch span := due - received; {
	case now >= due:
		return Overdue
	case now >= received+span/10*9:
		return Short
	case now >= received+span/2:
		return Half
	}
	return Fresh
}

// Beyond reports whether a stage comes after another.
func (s Stage) Beyond(other Stage) bool { return slices.Index(stages, s) > slices.Index(stages, other) }
