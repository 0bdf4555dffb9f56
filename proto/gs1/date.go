package gs1

import (
	"fmt"
	"strconv"
	"time"
)

// Date reads a date of an element, YYMMDD with or without hours and minutes
// after it, as it is meant at an instant: a two-digit year is at most 49 years
// ahead of the current one and at most 50 behind (GS1 General Specifications,
// 7.12). Day 00 is the last of its month. The result is in UTC; elements name
// no zone.
func Date(value string, now time.Time) (time.Time, error) {
	var v string
	hours, minutes := 0, 0
	switch len(value) {
	case 6:
		v = value
	case 10:
		v = value[:6]
		if f, at, _ := hourMinute(value[6:]); f != "" {
			return time.Time{}, fault(6+at, "", f)
		}
		hours, minutes = two(value[6:]), two(value[8:])
	default:
		return time.Time{}, fmt.Errorf("date %q: want YYMMDD or YYMMDDHHMM", value)
	}
	if f, at, _ := digits(v); f != "" {
		return time.Time{}, fault(at, "", f)
	}
	year := century(two(v), now.UTC().Year())
	if f, at, _ := monthAndDay(year, two(v[2:]), two(v[4:])); f != "" {
		return time.Time{}, fault(2+at, "", f)
	}
	month, day := two(v[2:]), two(v[4:])
	if day == 0 {
		day = daysOf(year, month)
	}
	return time.Date(year, time.Month(month), day, hours, minutes, 0, 0, time.UTC), nil
}

// century gives the year that two digits mean in a current year.
func century(yy, current int) int {
	year := current/100*100 + yy
	switch d := yy - current%100; {
	case d >= 51:
		return year - 100
	case d <= -50:
		return year + 100
	}
	return year
}

func daysOf(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// monthAndDay judges MMDD, where the day can be 00.
func monthAndDay(year, month, day int) (Fault, int, int) {
	if month < 1 || month > 12 {
		return IllegalMonth, 0, 2
	}
	if day > 28 && day > daysOf(year, month) {
		return IllegalDay, 2, 2
	}
	return "", 0, 0
}

// yymmd0 is the rule of a date whose day can be 00.
func yymmd0(v string) (Fault, int, int) {
	if f, at, n := width(v, 6, ShortDate, LongDate); f != "" {
		return f, at, n
	}
	year := 2000 + two(v)
	if v[:4] == "0002" { // a leap year in 2000, and none in 1900 and 2100
		year = century(0, time.Now().UTC().Year())
	}
	f, at, n := monthAndDay(year, two(v[2:]), two(v[4:]))
	return f, at + 2, n
}

// yymmdd is the rule of a date.
func yymmdd(v string) (Fault, int, int) {
	f, at, n := yymmd0(v)
	if f == "" && v[4:] == "00" {
		return IllegalDay, 4, 2
	}
	return f, at, n
}

// yyyymmd0 is the rule of a date with its century, whose day can be 00.
func yyyymmd0(v string) (Fault, int, int) {
	if f, at, n := width(v, 8, ShortDate, LongDate); f != "" {
		return f, at, n
	}
	year, _ := strconv.Atoi(v[:4])
	f, at, n := monthAndDay(year, two(v[4:]), two(v[6:]))
	return f, at + 4, n
}

func yyyymmdd(v string) (Fault, int, int) {
	f, at, n := yyyymmd0(v)
	if f == "" && v[6:] == "00" {
		return IllegalDay, 6, 2
	}
	return f, at, n
}

func hour(v string) (Fault, int, int) {
	return upTo(v, 23, ShortHour, LongHour, IllegalHour)
}

func minute(v string) (Fault, int, int) {
	return upTo(v, 59, ShortMinute, LongMinute, IllegalMinute)
}

func second(v string) (Fault, int, int) {
	return upTo(v, 59, ShortSecond, LongSecond, IllegalSecond)
}

func hourMinute(v string) (Fault, int, int) {
	switch {
	case len(v) < 4:
		return ShortHourMinute, 0, len(v)
	case len(v) > 4:
		return LongHourMinute, 0, len(v)
	}
	if f, at, n := hour(v[:2]); f != "" {
		return f, at, n
	}
	f, at, n := minute(v[2:])
	return f, at + 2, n
}

// upTo is the rule of two digits up to a number.
func upTo(v string, most int, short, long, illegal Fault) (Fault, int, int) {
	if f, at, n := width(v, 2, short, long); f != "" {
		return f, at, n
	}
	if two(v) > most {
		return illegal, 0, 2
	}
	return "", 0, 0
}

// width is the rule of a fixed number of digits.
func width(v string, want int, short, long Fault) (Fault, int, int) {
	switch {
	case len(v) < want:
		return short, 0, len(v)
	case len(v) > want:
		return long, 0, len(v)
	}
	return digits(v)
}
