package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"frostline/proto/reading"
)

// Zone is the time zone of every page and table; it is named beside them.
const Zone = "UTC"

// shown is how many decimals of a value people are shown at a glance. Tables
// of readings and exports give every decimal there is (Exact).
var shown = map[reading.Quantity]int{
	reading.Temperature: 2, reading.TemperatureRaw: 2, reading.CompressorSetpoint: 1, reading.Humidity: 1,
	reading.Latitude: 5, reading.Longitude: 5, reading.Speed: 1, reading.PositionError: 1,
	reading.Voltage: 2, reading.StateOfCharge: 0,
}

// Value is a value as people read it, without its unit: "4.25", "−18.06",
// "open". It rounds half away from zero.
func Value(q reading.Quantity, v int64) string {
	switch q {
	case reading.Tamper:
		return word(v, "whole", "opened")
	case reading.Door:
		return word(v, "closed", "open")
	case reading.CompressorRunning:
		return word(v, "off", "running")
	}
	_, decimals := q.Unit()
	if places, ok := shown[q]; ok && places < decimals {
		unit := int64(1)
		for range decimals - places {
			unit *= 10
		}
		if v < 0 {
			v -= unit / 2
		} else {
			v += unit / 2
		}
		v, decimals = v/unit, places
	}
	return strings.Replace(fixed(v, decimals), "-", "−", 1)
}

func word(v int64, zero, one string) string {
	switch v {
	case 0:
		return zero
	case 1:
		return one
	}
	return strconv.FormatInt(v, 10)
}

// Exact is a value with every decimal it has, in ASCII, for tables, CSV and
// JSON: "4.250". Doors and compressors are 0 or 1.
func Exact(q reading.Quantity, v int64) string {
	_, decimals := q.Unit()
	return fixed(v, decimals)
}

func fixed(v int64, decimals int) string {
	if decimals == 0 {
		return strconv.FormatInt(v, 10)
	}
	sign, u := "", uint64(v)
	if v < 0 {
		sign, u = "-", -u
	}
	s := fmt.Sprintf("%0*d", decimals+1, u)
	return sign + s[:len(s)-decimals] + "." + s[len(s)-decimals:]
}

// Title is a quantity's name at the head of a chart or column.
func Title(q reading.Quantity) string {
	s := strings.ReplaceAll(q.String(), "-", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// Span is a length of time in at most two units: "12 s", "5 min 10 s",
// "1 h 5 min", "2 d 4 h". Below a second it is "0 s".
func Span(ms int64) string {
	s := max(ms, 0) / 1000
	units := []struct {
		n    int64
		name string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	for i, u := range units {
		if s < u.n {
			continue
		}
		out := fmt.Sprintf("%d %s", s/u.n, u.name)
		if i+1 < len(units) {
			if rest := s % u.n / units[i+1].n; rest > 0 {
				out += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return out
	}
	return "0 s"
}

// Ago is an age as a page ticks it, in one unit: "3 s ago", "4 min ago".
func Ago(ms int64) string {
	s := max(ms, 0) / 1000
	switch {
	case s < 60:
		return fmt.Sprintf("%d s ago", s)
	case s < 3600:
		return fmt.Sprintf("%d min ago", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min ago", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%d d ago", s/86400)
}

// Uncertain is a width of time as "±12 ms", "±1.5 s", "±3 min".
func Uncertain(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("±%d ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("±%d.%d s", ms/1000, ms%1000/100)
	}
	return "±" + Span(ms)
}

// TimeOfDay, Date, Moment and Stamp show a UTC in ms, all in Zone: the time,
// the day, both, and RFC 3339 with milliseconds for programs.
func TimeOfDay(ms int64) string { return at(ms).Format("15:04:05") }

// Date is the day of a UTC in ms: "14 Sep 2026".
func Date(ms int64) string { return at(ms).Format("2 Jan 2006") }

// Moment is day and time of a UTC in ms: "14 Sep 2026 06:26:00".
func Moment(ms int64) string { return at(ms).Format("2 Jan 2006 15:04:05") }

// Stamp is RFC 3339 with milliseconds, of a UTC in ms.
func Stamp(ms int64) string { return at(ms).Format("2006-01-02T15:04:05.000Z07:00") }

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Count groups thousands for people: "576,000".
func Count[N ~int | ~int64 | ~uint64 | ~uint32](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
