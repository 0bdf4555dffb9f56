package web

import (
	"fmt"
	"net/url"
	"time"

	"frostline/hub/view"
)

// span is the stretch of time that a page shows.
type span struct {
	From, To int64
	Live     int64 // its length in ms when it ends now and moves on; 0 when fixed
	preset   string
}

var presets = []struct {
	name, word string
	length     time.Duration
}{
	{"15m", "last 15 min", 15 * time.Minute},
	{"1h", "1 h", time.Hour},
	{"8h", "8 h", 8 * time.Hour},
	{"24h", "24 h", 24 * time.Hour},
}

const (
	defaultPreset = "1h"
	longestSpan   = 31 * 24 * time.Hour
	shortestSpan  = 10 * time.Second
)

// spanOf reads range=, or from= and to=, of an address. On an error it gives
// the default span beside it, so that a page can say what was wrong and still
// show something.
func spanOf(q url.Values, now int64) (span, error) {
	if q.Has("from") || q.Has("to") {
		s, err := fixed(q.Get("from"), q.Get("to"))
		if err == nil {
			return s, nil
		}
		fallback, _ := spanOf(url.Values{}, now)
		return fallback, err
	}
	name := q.Get("range")
	if name == "" {
		name = defaultPreset
	}
	for _, p := range presets {
		if p.name == name {
			ms := p.length.Milliseconds()
			return span{From: now - ms, To: now, Live: ms, preset: name}, nil
		}
	}
	fallback, _ := spanOf(url.Values{}, now)
	return fallback, fmt.Errorf("range %q is not known: want 15m, 1h, 8h or 24h, or from and to", name)
}

func fixed(from, to string) (span, error) {
	var s span
	for name, f := range map[string]struct {
		text string
		into *int64
	}{"from": {from, &s.From}, "to": {to, &s.To}} {
		t, err := time.Parse(time.RFC3339, f.text)
		if err != nil {
			return span{}, fmt.Errorf("%s %q is not a time: want for example 2026-09-14T06:00:00Z", name, f.text)
		}
		*f.into = t.UnixMilli()
	}
	switch d := time.Duration(s.To-s.From) * time.Millisecond; {
	case s.From < 0 || s.To > 1<<45:
		return span{}, fmt.Errorf("from %s to %s is outside the years that times are kept for", from, to)
	case d < shortestSpan:
		return span{}, fmt.Errorf("from %s to %s: “to” must be at least %s later than “from”", from, to, shortestSpan)
	case d > longestSpan:
		return span{}, fmt.Errorf("from %s to %s: at most %d days can be shown at once", from, to, longestSpan/(24*time.Hour))
	}
	return s, nil
}

// query is the span as part of an address.
func (s span) query() string {
	if s.preset != "" {
		return "?range=" + s.preset
	}
	return fixedQuery(s.From, s.To)
}

func fixedQuery(from, to int64) string {
	stamp := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05Z07:00") }
	return "?" + url.Values{"from": {stamp(from)}, "to": {stamp(to)}}.Encode()
}

// moved is the address of the span shifted by part of its length, and scaled
// around its middle.
func (s span) moved(shift, scale float64) string {
	length := float64(s.To - s.From)
	middle := float64(s.From) + length*(0.5+shift)
	half := min(max(length*scale, float64(shortestSpan.Milliseconds())), float64(longestSpan.Milliseconds())) / 2
	from := max(int64(middle-half), 0)
	return fixedQuery(from/1000*1000, (int64(middle+half)+999)/1000*1000)
}

// word says the span to people.
func (s span) word() string {
	if s.Live != 0 {
		return view.Span(s.Live) + " up to now"
	}
	if view.Date(s.From) == view.Date(s.To) {
		return view.Date(s.From) + " " + view.TimeOfDay(s.From) + " to " + view.TimeOfDay(s.To) + " " + view.Zone
	}
	return view.Moment(s.From) + " to " + view.Moment(s.To) + " " + view.Zone
}

// rowWidth is a round length of time of which about thirty make the span.
func (s span) rowWidth() int64 {
	for _, d := range []time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		20 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if ms := d.Milliseconds(); (s.To-s.From)/ms <= 36 {
			return ms
		}
	}
	return (24 * time.Hour).Milliseconds()
}

// instantOf reads an instant of an address or form: RFC 3339, or without a zone
// as a browser's field of date and time gives it, which is UTC here.
func instantOf(name, text string) (int64, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(form, text); err == nil {
			if ms := t.UnixMilli(); ms > 0 && ms < 1<<45 {
				return ms, nil
			}
			return 0, fmt.Errorf("%s %q is outside the years that times are kept for", name, text)
		}
	}
	return 0, fmt.Errorf("%s %q is not a time: want for example 2026-09-14T06:00:00", name, text)
}

// addressTime is an instant as it stands in an address, and fieldTime in a field
// of date and time. Both are cut to seconds.
func addressTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
func fieldTime(ms int64) string   { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05") }

// fieldOf is an instant of an address as a field shows it; "" for none.
func fieldOf(text string) string {
	at, err := instantOf("", text)
	if err != nil {
		return ""
	}
	return fieldTime(at)
}
