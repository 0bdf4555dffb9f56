package subscription

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Schedule says when a query is run: at times of which all parts fit. Each is
// empty or a list of numbers, ranges "[1-5]", and steps "0/30", with commas
// between.
type Schedule struct {
	Second     text `json:"second,omitempty"`
	Minute     text `json:"minute,omitempty"`
	Hour       text `json:"hour,omitempty"`
	DayOfMonth text `json:"dayOfMonth,omitempty"`
	Month      text `json:"month,omitempty"`
	DayOfWeek  text `json:"dayOfWeek,omitempty"` // 1 is Monday, 7 Sunday
}

// text is a JSON string; a number is taken for one.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return errors.New("want a text or a number")
	}
	*t = text(n)
	return nil
}

// times are the numbers that fit each part, as bits.
type times struct{ second, minute, hour, day, month, week uint64 }

func (s *Schedule) times() (t times, err error) {
	if *s == (Schedule{}) {
		return t, errors.New("schedule: want at least one of second, minute, hour, dayOfMonth, month, dayOfWeek")
	}
	given := false // a greater part
	for _, p := range []struct {
		name      string
		text      text
		low, high int
		to        *uint64
		free      bool // days have no order
	}{
		{"month", s.Month, 1, 12, &t.month, false}, {"dayOfMonth", s.DayOfMonth, 1, 31, &t.day, true}, {"dayOfWeek", s.DayOfWeek, 1, 7, &t.week, true},
		{"hour", s.Hour, 0, 23, &t.hour, false}, {"minute", s.Minute, 0, 59, &t.minute, false}, {"second", s.Second, 0, 59, &t.second, false},
	} {
		switch {
		case p.text != "":
			if *p.to, err = part(string(p.text), p.low, p.high); err != nil {
				return t, fmt.Errorf("schedule: %s: %w", p.name, err)
			}
			given = true
		case !given || p.free:
			*p.to = ^uint64(0)
		default:
			*p.to = 1 << p.low
		}
	}
	if s.Month != "" && s.DayOfMonth == "" && s.DayOfWeek == "" {
		t.day = 1 << 1
	}
	if t.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return t, errors.New("schedule: there is no such time")
	}
	return t, nil
}

// part reads the numbers of one part.
func part(s string, low, high int) (set uint64, err error) {
	if len(s) > 200 {
		return 0, fmt.Errorf("%d characters: want at most 200", len(s))
	}
	bad := fmt.Errorf("%q: want numbers from %d to %d, ranges [%d-%d] or steps %d/5, with commas between", s, low, high, low, high, low)
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		from, to, step := one, one, "1"
		if a, b, ok := strings.Cut(one, "/"); ok {
			from, to, step = a, strconv.Itoa(high), b
			if a == "*" {
				from = strconv.Itoa(low)
			}
		} else if strings.HasPrefix(one, "[") && strings.HasSuffix(one, "]") {
			if from, to, ok = strings.Cut(one[1:len(one)-1], "-"); !ok {
				return 0, bad
			}
		}
		a, err1 := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		n, err3 := strconv.Atoi(step)
		if err1 != nil || err2 != nil || err3 != nil || a < low || b > high || a > b || n < 1 {
			return 0, bad
		}
		for ; a <= b; a += n {
			set |= 1 << a
		}
	}
	return set, nil
}

// next gives the first time after t that fits, to the second, in UTC; the zero
// time where there is none within thirty years.
func (s *times) next(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Second).Add(time.Second)
	last := t.AddDate(30, 0, 0)
	for t.Before(last) {
		switch week := (int(t.Weekday())+6)%7 + 1; {
		case s.month>>int(t.Month())&1 == 0:
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case s.day>>t.Day()&1 == 0 || s.week>>week&1 == 0:
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case s.hour>>t.Hour()&1 == 0:
			t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour()+1, 0, 0, 0, time.UTC)
		case s.minute>>t.Minute()&1 == 0:
			t = t.Truncate(time.Minute).Add(time.Minute)
		case s.second>>t.Second()&1 == 0:
			if later := s.second >> t.Second() << t.Second(); later != 0 && bits.TrailingZeros64(later) < 60 {
				t = t.Truncate(time.Minute).Add(time.Duration(bits.TrailingZeros64(later)) * time.Second)
			} else {
				t = t.Truncate(time.Minute).Add(time.Minute)
			}
		default:
			return t
		}
	}
	return time.Time{}
}
