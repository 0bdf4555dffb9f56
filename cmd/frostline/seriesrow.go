package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// line reads one row.
func (r *seriesReader) line(line string) error {
	f, err := r.split(line)
	if err != nil {
		return err
	}
	if len(f) != r.fields {
		return fmt.Errorf("%d columns where the first line has %d; a decimal comma is not read: write 5.1, not 5,1", len(f), r.fields)
	}
	first, last := "", f[len(f)-1]
	if len(f) > 1 {
		first = f[0]
	}
	if r.columns != nil {
		if i, ok := r.columns["quality"]; ok && f[i] != "ok" {
			r.s.Skipped++
			return nil
		}
		if i, ok := r.columns["quantity"]; ok && f[i] != "temperature" {
			r.s.Skipped++
			return nil
		}
		if i, ok := r.columns["unit"]; ok && f[i] != "°C" && f[i] != "C" && f[i] != "CEL" && f[i] != "Cel" {
			return fmt.Errorf("unit %.20q: want °C", f[i])
		}
		last = f[r.columns["celsius"]]
		if r.weights {
			first = f[r.columns["weight"]]
		} else {
			first = f[r.columns["time"]]
		}
	}
	var x row
	if x.celsius, err = number(last); err != nil {
		return fmt.Errorf("temperature %w", err)
	}
	r.fractions = r.fractions || strings.ContainsAny(last, ".eE+-")
	switch {
	case math.IsNaN(x.celsius) || math.IsInf(x.celsius, 0):
		return fmt.Errorf("temperature %q is no measurement: leave the line out, so that there is a gap", last)
	case math.Round(x.celsius*1000) <= -273_150:
		return fmt.Errorf("temperature %s °C: at or below absolute zero, -273.15", last)
	case x.celsius > 1000:
		return fmt.Errorf("temperature %s °C: want at most 1000", last)
	}
	if r.weights {
		if len(f) < 2 {
			return errors.New("one column: want weight,celsius")
		}
		if x.weight, err = number(first); err != nil || !(x.weight >= 0) || math.IsInf(x.weight, 0) {
			return fmt.Errorf("weight %.40q: want a number that is not negative", first)
		}
	} else if r.s.Timed {
		if x.at, err = r.time(first); err != nil {
			return fmt.Errorf("time %w", err)
		}
	}
	r.s.rows = append(r.s.rows, x)
	return nil
}

func number(s string) (float64, error) {
	if s == "" {
		return 0, errors.New("is missing")
	}
	if strings.Contains(s, ",") {
		return 0, fmt.Errorf("%.40q: a decimal comma is not read: write 5.1, not 5,1", s)
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.ContainsAny(s, "xX_pP") {
		return 0, fmt.Errorf("%.40q: want a number such as 5.1", s)
	}
	return x, nil
}

// Ways to write times.
const (
	rfc3339Text = "RFC 3339"
	unixSeconds = "Unix seconds"
	unixMillis  = "Unix milliseconds"
)

// time reads an instant, to the nearest millisecond. All of a file are written
// alike: a change between seconds and milliseconds would misdate readings.
func (r *seriesReader) time(s string) (int64, error) {
	clock, at := "", int64(0)
	if t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "T", 1)); err == nil {
		clock, at = rfc3339Text, t.Add(500*time.Microsecond).UnixMilli()
	} else if x, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "xX_pPnN") {
		switch told := r.clock != "" && r.clockLine == 0; { // by the header
		case math.Abs(x) >= 1e14:
			return 0, fmt.Errorf("%.40q: want Unix seconds or milliseconds", s)
		case math.Abs(x) >= 1e11 || told && r.clock == unixMillis:
			clock, at = unixMillis, int64(math.Round(x))
		default:
			clock, at = unixSeconds, int64(math.Round(x*1000))
		}
		r.fractions = r.fractions || strings.ContainsAny(s, ".eE")
	} else {
		return 0, untimely(s)
	}
	switch {
	case r.clock == "":
		r.clock, r.clockLine = clock, r.s.Lines
	case clock != r.clock && r.clockLine == 0:
		return 0, fmt.Errorf("%.40q reads as %s, but the header says %s", s, clock, r.clock)
	case clock != r.clock:
		return 0, fmt.Errorf("%.40q reads as %s, but line %d as %s: write all alike", s, clock, r.clockLine, r.clock)
	}
	if at < earliest || at >= latest {
		return 0, fmt.Errorf("%.40q: want a time from 1900 to 2500", s)
	}
	return at, nil
}

// Bounds of times, Unix ms: what can be judged.
const (
	earliest = -2_208_988_800_000
	latest   = 16_725_225_600_000
)

// untimely says what is wrong with a time that cannot be read.
func untimely(s string) error {
	t := strings.Replace(s, " ", "T", 1)
	for _, x := range [][2]string{{"2006-01-02T15:04:05", "Z"}, {"2006-01-02T15:04", ":00Z"}} {
		if _, err := time.Parse(x[0], t); err == nil {
			return fmt.Errorf("%q has no time zone: write %s if it is UTC", s, t+x[1])
		}
	}
	if before, after, ok := strings.Cut(t, ":60"); ok {
		if _, err := time.Parse(time.RFC3339, before+":59"+after); err == nil {
			return fmt.Errorf("%q is a leap second, which UTC in Unix milliseconds has none for: write second 59 or the next minute", s)
		}
	}
	return fmt.Errorf("%.40q: want RFC 3339 (2026-09-14T06:00:00Z) or Unix seconds", s)
}
