package gnss

import (
	"strconv"
	"strings"
	"time"
)

// calendar is the date and time a receiver's sentences have given last. Only
// some carry a date, and only the time of day is common.
type calendar struct {
	year, month, day     int // year 0: none yet
	hour, minute, second int
	nanos                int

	rollovers int // of the ten-bit week before now
	week      int // last week of a SiRF packet, counted from 1980
	recorded  bool
}

const (
	// rolloversSince2019 is how often the ten-bit week of GPS has begun anew
	// by the time this was written; the next time is in November 2038.
	rolloversSince2019 = 2
	gpsEpoch           = 315964800 // 1980-01-06, Unix s
	week               = 7 * 86400
	leapSeconds        = 18 // GPS ahead of UTC since 2017
)

// dated takes a comment of a recording: "# Date: 2010-10-16" says when it was
// made. Weeks are counted from then, and dates taken as the receiver gave them.
func (c *calendar) dated(text string) {
	text, ok := strings.CutPrefix(text, "# Date: ")
	if !ok {
		return
	}
	c.recorded = true
	if t, err := time.Parse("2006-01-02", strings.TrimSpace(text[:min(len(text), 10)])); err == nil && t.Year() >= 1980 {
		c.rollovers = max(0, int((t.Unix()-gpsEpoch)/(1024*week)))
	}
}

// forget drops date and time of day.
func (c *calendar) forget() {
	c.year, c.month, c.day, c.hour, c.minute, c.second = 0, 0, 0, 0, 0, 0
}

// setClock takes a time of day, hhmmss.ss, and says whether it is one.
func (c *calendar) setClock(text string) bool {
	h, m, s, n, ok := clock(text)
	if ok {
		c.hour, c.minute, c.second, c.nanos = h, m, s, n
	}
	return ok
}

// clock reads hhmmss.ss. Whether hours and minutes are in range is for time.
func clock(text string) (h, m, s, nanos int, ok bool) {
	if len(text) < 6 || !digits(text[:6]) {
		return 0, 0, 0, 0, false
	}
	if len(text) > 7 && text[6] == '.' && text[7] >= '0' && text[7] <= '9' {
		f := text[7:min(len(text), 16)]
		for len(f) > 0 && !digits(f) {
			f = f[:len(f)-1]
		}
		n, err := strconv.Atoi(f)
		if err == nil {
			for i := len(f); i < 9; i++ {
				n *= 10
			}
			nanos = n
		}
	}
	return pair(text), pair(text[2:]), pair(text[4:]), nanos, true
}

func pair(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// setDate takes ddmmyy; years below 69 are of this century.
func (c *calendar) setDate(text string) bool {
	if len(text) != 6 || !digits(text) {
		return false
	}
	d, m, y := pair(text), pair(text[2:]), 1900+pair(text[4:])
	if y < 1969 {
		y += 100
	}
	if m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	c.day, c.month, c.year = d, m, y
	return true
}

// time is the instant of date and time of day; none where they are impossible.
// Outside recordings, a date before 2017 is 1024 weeks old: the receiver's week
// counter has begun anew.
func (c *calendar) time() time.Time {
	if c.year == 0 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 23 || c.minute > 59 || c.second > 61 {
		return time.Time{}
	}
	t := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.nanos, time.UTC)
	if !c.recorded && t.Year() < 2017 {
		t = t.Add(1024 * week * time.Second)
		c.year, c.month, c.day = t.Year(), int(t.Month()), t.Day()
	}
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

// gps is the instant of a week and a time within it.
func (c *calendar) gps(w int, into time.Duration) time.Time {
	if w < c.week&0x3FF {
		c.rollovers++
	}
	if w < 1024 {
		w += c.rollovers * 1024
	}
	c.week = w
	return time.Unix(gpsEpoch+int64(w)*week-leapSeconds, 0).Add(into).UTC()
}
