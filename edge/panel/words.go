package panel

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"frostline/proto/reading"
	"frostline/proto/simbus"
)

// decimal writes a value exactly in its quantity's display unit: 4250 of a
// temperature is "4.250".
func decimal(v int64, q reading.Quantity) string {
	_, n := q.Unit()
	if n == 0 {
		return strconv.FormatInt(v, 10)
	}
	s := strconv.FormatUint(magnitude(v), 10)
	if len(s) <= n {
		s = strings.Repeat("0", n+1-len(s)) + s
	}
	s = s[:len(s)-n] + "." + s[len(s)-n:]
	if v < 0 {
		s = "-" + s
	}
	return s
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return uint64(-(v + 1)) + 1
	}
	return uint64(v)
}

// parseDecimal is the inverse of decimal.
func parseDecimal(s string, q reading.Quantity) (int64, error) {
	_, n := q.Unit()
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > n {
		return 0, fmt.Errorf("%s %q: want at most %d decimals", q, s, n)
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", n-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q: want a decimal number", q, s)
	}
	return v, nil
}

func parseQuality(s string) (reading.Quality, error) {
	for q := reading.OK; q <= reading.NotReady; q++ {
		if q.String() == s {
			return q, nil
		}
	}
	return 0, fmt.Errorf("quality %q is not known", s)
}

// shown is how many decimals a person reads: finer than what the sensor can
// tell would be noise, coarser would hide a step.
var shown = map[reading.Quantity]int{
	reading.Temperature: 2, reading.Humidity: 1, reading.Latitude: 5, reading.Longitude: 5,
	reading.Speed: 1, reading.PositionError: 0, reading.Voltage: 2, reading.StateOfCharge: 0,
	reading.CompressorSetpoint: 1, reading.TemperatureRaw: 2,
}

// display writes a value for people, rounded half away from zero, and its unit.
// Two-state quantities are words.
func display(v int64, q reading.Quantity) (number, unit string) {
	switch q {
	case reading.Tamper:
		return choose(v != 0, "opened", "whole"), ""
	case reading.Door:
		return choose(v != 0, "open", "closed"), ""
	case reading.CompressorRunning:
		return choose(v != 0, "running", "off"), ""
	}
	unit, n := q.Unit()
	m, keep := magnitude(v), n
	if k, ok := shown[q]; ok && k < n {
		keep = k
		p := uint64(math.Pow10(n - k))
		m = (m + p/2) / p
	}
	s := strconv.FormatUint(m, 10)
	if keep > 0 {
		if len(s) <= keep {
			s = strings.Repeat("0", keep+1-len(s)) + s
		}
		s = s[:len(s)-keep] + "." + s[len(s)-keep:]
	}
	if v < 0 && m != 0 {
		s = "-" + s
	}
	return s, unit
}

// FormatValue writes a value for people, with its unit: "5.06 °C", "closed".
func FormatValue(v int64, q reading.Quantity) string {
	number, unit := display(v, q)
	if unit == "°" {
		return number + unit
	}
	return strings.TrimSuffix(number+" "+unit, " ")
}

func choose[T any](c bool, yes, no T) T {
	if c {
		return yes
	}
	return no
}

// FormatAge writes a duration in milliseconds as people say it: "0.4 s", "12 s", "4 min",
// "4 h 42 min", "6 d 4 h". It rounds down, negative ones to zero.
func FormatAge(ms int64) string {
	d := time.Duration(max(ms, 0)) * time.Millisecond
	minutes, hours := int(d.Minutes()), int(d.Hours())
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%d.%d s", ms/1000, ms%1000/100)
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case d < 48*time.Hour:
		if minutes%60 == 0 {
			return fmt.Sprintf("%d h", hours)
		}
		return fmt.Sprintf("%d h %d min", hours, minutes%60)
	case hours%24 == 0:
		return fmt.Sprintf("%d d", hours/24)
	}
	return fmt.Sprintf("%d d %d h", hours/24, hours%24)
}

// group writes a number with thousands separated.
func group(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// FormatBytes writes a number of bytes in decimal units.
func FormatBytes(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if f < 1000 {
			break
		}
		f, unit = f/1000, u
	}
	return choose(unit == "B" || f >= 100, fmt.Sprintf("%.0f %s", f, unit), fmt.Sprintf("%.1f %s", f, unit))
}

// milliseconds writes a short time: "0.8 ms", "12 ms", "1.4 s".
func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return FormatAge(int64(ms))
}

// utc writes Unix milliseconds to the second.
func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// BusName writes a bus for people, in English: a simulated one says so, in place
// of its socket.
func BusName(bus string) string { return english.bus(bus) }

func (l *locale) bus(bus string) string {
	if n, err := simbus.ParseName(bus); err == nil {
		return l.say("bus.simulated", n.Bus)
	}
	return strings.TrimPrefix(bus, "/dev/")
}

// plain takes from text that came from elsewhere what could steer a terminal,
// and bounds it.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 300 {
		s = string(r[:299]) + "…"
	}
	return strings.TrimSpace(s)
}
