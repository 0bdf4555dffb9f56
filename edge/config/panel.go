package config

import (
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLabel bounds the names that people read, in characters.
const maxLabel = 60

// panel checks what the gateway's own pages show.
func (v *validator) panel(c Config) {
	p := c.Panel
	if p.Listen != "off" && !hostPort(p.Listen) {
		v.add("panel.listen", p.Listen, `want host:port, such as 127.0.0.1:8480, or "off"`)
	}
	if !slices.Contains([]string{"vehicle", "site", "plain"}, p.Kind) {
		v.add("panel.kind", p.Kind, "want vehicle, site or plain")
	}
	if !slices.Contains([]string{"", "en", "es"}, p.Language) {
		v.add("panel.language", p.Language, "want en or es, or leave it out for what the browser asks for")
	}
	if p.TimeZone == "Local" {
		v.add("panel.time-zone", p.TimeZone, "want a name such as America/New_York: the host's own zone may change unseen")
	} else if _, err := time.LoadLocation(p.TimeZone); err != nil {
		v.add("panel.time-zone", p.TimeZone, "no such time zone is known on this host: want a name such as America/New_York, and the package tzdata")
	}
	if s := c.NextStop; s != (NextStop{}) {
		if s.Place == "" {
			v.add("next-stop.place", "", "it is missing: want what the stop is called on the route, without a patient's name")
		} else {
			v.label("next-stop.place", s.Place)
		}
		if _, err := time.Parse(time.RFC3339, s.Due); s.Due != "" && err != nil {
			v.add("next-stop.due", s.Due, "want a time such as 2026-11-21T14:40:00-05:00, or leave it out")
		}
	}
}

// label checks a name that people read.
func (v *validator) label(field, s string) {
	if n := utf8.RuneCountInString(s); n > maxLabel || !utf8.ValidString(s) {
		v.add(field, clip(s), fmt.Sprintf("want at most %d characters", maxLabel))
		return
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			v.add(field, clip(s), "want printable characters")
			return
		}
	}
}
