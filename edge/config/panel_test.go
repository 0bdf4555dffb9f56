package config

import (
	"strings"
	"testing"
)

func TestPanel(t *testing.T) {
	c, _, err := Parse([]byte("gateway: van-14\nsensors: []\npanel: {kind: vehicle, language: es, time-zone: America/New_York}\nnext-stop: {place: Dock 3, due: 2026-11-21T14:40:00-05:00}"), bench)
	if err != nil {
		t.Fatal(err)
	}
	if c.Panel.Kind != "vehicle" || c.Panel.Language != "es" || c.NextStop.Place != "Dock 3" {
		t.Errorf("got %+v %+v", c.Panel, c.NextStop)
	}
	for text, field := range map[string]string{
		"panel: {kind: ship}":                                                      "panel.kind",
		"panel: {language: fr}":                                                    "panel.language",
		"panel: {time-zone: Mars/Olympus}":                                         "panel.time-zone",
		"panel: {time-zone: Local}":                                                "panel.time-zone",
		"panel: {listen: here}":                                                    "panel.listen",
		"next-stop: {due: 2026-11-21T14:40:00Z}":                                   "next-stop.place",
		"next-stop: {place: Dock 3, due: 14:40}":                                   "next-stop.due",
		"next-stop: {place: \"" + strings.Repeat("é", maxLabel+1) + "\"}":          "next-stop.place",
		"watches: [{id: a, label: \"a\\u0007\", profile: fridge, sensors: [box]}]": "watches[0].label",
	} {
		_, _, err := Parse([]byte("gateway: van-14\nsensors: []\n"+text), bench)
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v, want it to name %s", text, err, field)
		}
	}
}

// TestHubGivesTheNextStop: dispatch tells a vehicle where it goes next, and
// takes it back by leaving it out.
func TestHubGivesTheNextStop(t *testing.T) {
	own, _, err := parseOwn([]byte("gateway: van-14\nsensors: []\npanel: {kind: vehicle}"), bench)
	if err != nil {
		t.Fatal(err)
	}
	m, err := own.Over([]byte("next-stop: {place: Elm Street clinic}"))
	if err != nil || m.NextStop.Place != "Elm Street clinic" {
		t.Errorf("got %+v, %v", m.NextStop, err)
	}
	if m, err = own.Over(nil); err != nil || m.NextStop != (NextStop{}) {
		t.Errorf("without one: got %+v, %v", m.NextStop, err)
	}
	if _, err = own.Over([]byte("panel: {kind: site}")); err == nil {
		t.Error("the hub changed what the gateway is in")
	}
}
