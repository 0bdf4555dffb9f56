package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const twoSensors = `
sensors:
  - {id: box, driver: sht4x, bus: /dev/i2c-1, address: 0x44}
  - {id: lid, driver: door, bus: GPIO17}
`

func TestWatches(t *testing.T) {
	c, _, err := Parse([]byte(twoSensors+`
watches:
  - id: van-1-a
    profile: fridge
    sensors: [box]
    unknown-after: 30s
indicators:
  - line: GPIO22
    kind: buzzer
    active: low
  - line: GPIO23
`), bench)
	if err != nil {
		t.Fatal(err)
	}
	w := c.Watches[0]
	if p, err := w.ReadProfile(); err != nil || p.ID != "refrigerated" || w.UnknownAfter != 30*time.Second || len(w.Sensors) != 1 {
		t.Errorf("%+v, profile %s, %v", w, p.ID, err)
	}
	if i := c.Indicators; i[0] != (Indicator{"GPIO22", "buzzer", "low"}) || i[1] != (Indicator{"GPIO23", "lamp", "high"}) {
		t.Errorf("indicators %+v", i)
	}
}

func TestProfiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.json")
	const mine = `{"id":"mine","limits":[{"op":">","at":6.5}],"longestGap":"10m"}`
	if err := os.WriteFile(path, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, profile := range []string{path, mine, "  " + mine} {
		if p, err := (Watch{ID: "a", Profile: profile}).ReadProfile(); err != nil || p.ID != "mine" || p.Limits[0].At != 6500 {
			t.Errorf("%s: %+v, %v", profile, p, err)
		}
	}
	for _, profile := range []string{path + ".missing", "{}", "lukewarm"} {
		if _, err := (Watch{ID: "a", Profile: profile}).ReadProfile(); err == nil || !strings.Contains(err.Error(), "watch a") {
			t.Errorf("%s: got %v", profile, err)
		}
	}
}

func TestWatchesRefused(t *testing.T) {
	for text, want := range map[string]string{
		"watches: [{id: a b, profile: fridge, sensors: [box]}]":                                      "watches[0].id",
		"watches: [{id: a, sensors: [box]}]":                                                         "watches[0].profile",
		"watches: [{id: a, profile: lukewarm, sensors: [box]}]":                                      "watches[0].profile",
		"watches: [{id: a, profile: fridge}]":                                                        "watches[0].sensors",
		"watches: [{id: a, profile: fridge, sensors: [attic]}]":                                      "want one of box",
		"watches: [{id: a, profile: fridge, sensors: [lid]}]":                                        "measures no temperature",
		"watches: [{id: a, profile: fridge, sensors: [box, box]}]":                                   "twice",
		"watches: [{id: a, profile: fridge, sensors: [box]}, {id: a, profile: crt, sensors: [box]}]": "has that id already",
		"watches: [{id: a, profile: fridge, sensors: [box], unknown-after: 25h}]":                    "unknown-after",
		"indicators: [{kind: lamp}]":                                                                 "indicators[0].line",
		"indicators: [{line: GPIO17}]":                                                               "sensors[1] is on that line",
		"indicators: [{line: GPIO22}, {line: GPIO22}]":                                               "indicators[0] is on that line",
		"indicators: [{line: GPIO22, kind: horn}]":                                                   "want lamp or buzzer",
		"indicators: [{line: GPIO22, active: up}]":                                                   "want high or low",
		"indicators: [{line: 'sim:unix:x'}]":                                                         "gpio-22",
	} {
		if _, _, err := Parse([]byte(twoSensors+text+"\n"), bench); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %q", text, err, want)
		}
	}
}
