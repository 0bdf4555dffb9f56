package sheet

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"frostline/proto/thermal"
)

// A cell is a place in a record that a column fills. Errors say what was
// wanted, without the value.
type cell interface {
	set(s string) error
	get() string // "" where there is nothing
	text() bool  // whether people choose the characters, so that it may look like a formula
}

type textCell struct{ p *string }

func (c textCell) set(s string) error { *c.p = s; return nil }
func (c textCell) get() string        { return *c.p }
func (c textCell) text() bool         { return true }

// number is what all numeric cells share.
type number struct{}

func (number) text() bool { return false }

var decimal = regexp.MustCompile(`^-?[0-9]{1,9}(\.[0-9]{1,9})?$`)

// scaled reads a decimal number as an integer of so many decimals, exactly.
func scaled(s string, decimals int, want string) (int64, error) {
	switch {
	case strings.ContainsRune(s, '\u2212'):
		return 0, errors.New(want + ", with the ASCII sign -")
	case strings.Contains(s, ","):
		return 0, errors.New(want + ", with a point and no comma")
	case !decimal.MatchString(s):
		return 0, errors.New(want)
	}
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > decimals {
		return 0, errors.New(want)
	}
	v, err := strconv.ParseInt(whole+part+strings.Repeat("0", decimals-len(part)), 10, 64)
	if err != nil {
		return 0, errors.New(want)
	}
	return v, nil
}

// unscaled is the inverse of scaled.
func unscaled(v int64, decimals int) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	s := strconv.FormatInt(v, 10)
	if len(s) <= decimals {
		s = strings.Repeat("0", decimals+1-len(s)) + s
	}
	s = s[:len(s)-decimals] + "." + s[len(s)-decimals:]
	return sign + strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// tempCell holds degrees with up to three decimals. With zero, 0 is shown.
type tempCell struct {
	number
	p *thermal.Temp
}

func (c tempCell) set(s string) error {
	v, err := scaled(s, 3, "want degrees Celsius with at most three decimals, such as 0.5")
	*c.p = thermal.Temp(v)
	return err
}

func (c tempCell) get() string {
	if *c.p == 0 {
		return ""
	}
	return c.p.String()
}

// limitCell is a tempCell that may be absent, and then differs from 0.
type limitCell struct {
	number
	p **thermal.Temp
}

func (c limitCell) set(s string) error {
	*c.p = new(thermal.Temp)
	return tempCell{p: *c.p}.set(s)
}

func (c limitCell) get() string {
	if *c.p == nil {
		return ""
	}
	return (*c.p).String()
}

// decimalCell holds a number of so many decimals as an integer.
type decimalCell struct {
	number
	p        *int64
	decimals int
	want     string
}

func (c decimalCell) set(s string) (err error) {
	*c.p, err = scaled(s, c.decimals, c.want)
	return err
}

func (c decimalCell) get() string {
	if *c.p == 0 && c.decimals == 0 {
		return ""
	}
	return unscaled(*c.p, c.decimals)
}

// timeCell holds a time in Unix ms.
type timeCell struct {
	number
	p *int64
}

const wantTime = "want a time such as 2026-09-14T06:00:00Z, or a day in UTC such as 2026-09-14"

func (c timeCell) set(s string) (err error) {
	*c.p, err = parseTime(s)
	return err
}

func (c timeCell) get() string {
	if *c.p == 0 {
		return ""
	}
	return formatTime(*c.p)
}

func parseTime(s string) (int64, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t.Nanosecond()%1e6 != 0 {
			return 0, errors.New("want at most milliseconds")
		}
		return t.UnixMilli(), nil
	}
	return 0, errors.New(wantTime)
}

func formatTime(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04:05.999Z07:00")
}

// durationCell holds a duration in ms.
type durationCell struct {
	number
	p *int64
}

var duration = regexp.MustCompile(`^([0-9]{1,6}d)?([0-9]{1,8}h)?([0-9]{1,8}m)?([0-9]{1,8}s)?$`)

func (c durationCell) set(s string) error {
	m := duration.FindStringSubmatch(s)
	if m == nil || s == "" {
		return errors.New("want a duration such as 30m, 12h or 14d")
	}
	var sum int64
	for i, unit := range []int64{86_400_000, 3_600_000, 60_000, 1000} {
		if m[i+1] != "" {
			n, _ := strconv.ParseInt(m[i+1][:len(m[i+1])-1], 10, 64)
			sum += n * unit
		}
	}
	*c.p = sum
	return nil
}

func (c durationCell) get() string {
	if *c.p == 0 {
		return ""
	}
	var b strings.Builder
	rest := *c.p
	for i, unit := range []int64{86_400_000, 3_600_000, 60_000, 1000} {
		if n := rest / unit; n > 0 {
			b.WriteString(strconv.FormatInt(n, 10) + "dhms"[i:i+1])
			rest -= n * unit
		}
	}
	if rest != 0 { // finer than a column can say
		return strconv.FormatInt(*c.p, 10) + "ms"
	}
	return b.String()
}
