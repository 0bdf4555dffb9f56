package carrier

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"frostline/hub/fact"
)

var pattern = strings.NewReplacer("YYYY", "2006", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05")

// checkClock makes the layout of their times.
func (m *Mapping) checkClock(f *faults) {
	c := &m.Incoming.Time
	c.Format = cmp.Or(c.Format, "rfc3339")
	switch c.Format {
	case "rfc3339", "unix", "unix-ms":
		f.add(c.Zone != "", "incoming.time.zone: %q: %s says the zone itself; leave it out", c.Zone, c.Format)
		return
	}
	for _, part := range []string{"YYYY", "MM", "DD", "hh", "mm"} {
		f.add(strings.Count(c.Format, part) != 1, "incoming.time.format: %q: want rfc3339, unix, unix-ms, or a pattern with YYYY MM DD hh mm, each once", c.Format)
	}
	m.layout = pattern.Replace(c.Format)
	var err error
	if m.zone, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		m.zone = time.UTC
		f.add(true, "incoming.time.zone: %q: want the name of a zone, such as UTC or Europe/Berlin", c.Zone)
	}
}

// instant reads a time of theirs, in Unix ms.
func (m *Mapping) instant(v any) (int64, error) {
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		return 0, errors.New("want a text or a number")
	}
	var ms int64
	switch format := m.Incoming.Time.Format; format {
	case "unix", "unix-ms":
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x > 0 && x < 1e15) {
			return 0, fmt.Errorf("%q: want a number of %s", short(text), format)
		}
		if format == "unix" {
			x *= 1000
		}
		ms = int64(x)
	case "rfc3339":
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, fmt.Errorf("%q: want a time as 2026-09-14T06:00:00+02:00", short(text))
		}
		ms = t.UnixMilli()
	default:
		t, err := time.ParseInLocation(m.layout, text, m.zone)
		if err != nil {
			return 0, fmt.Errorf("%q: want a time as %s", short(text), format)
		}
		if err := m.once(t, text); err != nil {
			return 0, err
		}
		ms = t.UnixMilli()
	}
	return ms, fact.CheckTime("time", ms)
}

// once fails for a time of day that a change of daylight saving time leaves out,
// or makes come twice: which of the two was meant nobody can tell.
func (m *Mapping) once(t time.Time, text string) error {
	if back := t.Format(m.layout); back != text {
		return fmt.Errorf("%q: there is no such time in %s, where clocks were put forward; have them send an offset", short(text), m.zone)
	}
	for _, shift := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		for _, other := range []time.Time{t.Add(shift), t.Add(-shift)} {
			if other.Format(m.layout) == text {
				return fmt.Errorf("%q: is there twice in %s, where clocks were put back; have them send an offset", short(text), m.zone)
			}
		}
	}
	return nil
}

// short bounds a text of theirs that is told.
func short(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
