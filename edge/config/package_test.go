package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestPackages(t *testing.T) {
	c, _, err := Parse([]byte(twoSensors+`
watches: [{id: a, profile: fridge, sensors: [box], when: aboard}]
packages:
  - {id: "095060001343520017", profile: frozen}
  - {id: BOX-1, profile: /etc/frostline/mine.json}
  - {id: BOX-1, profile: fridge} # of a second product in it
`), bench)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := c.Packages[0].ReadProfile(); err != nil || p.ID != "freezer" || c.Watches[0].When != WatchAboard {
		t.Errorf("%+v, profile %s, %v", c, p.ID, err)
	}
	if _, err := c.Packages[1].ReadProfile(); err == nil || !strings.Contains(err.Error(), "package BOX-1") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestPackagesRefused(t *testing.T) {
	var many strings.Builder
	for i := range maxPackages + 1 {
		fmt.Fprintf(&many, "{id: P-%d, profile: fridge}, ", i)
	}
	for text, want := range map[string]string{
		"watches: [{id: a, profile: fridge, sensors: [box], when: never}]":          "watches[0].when",
		"packages: [{profile: fridge}]":                                             "packages[0].id",
		"packages: [{id: a b, profile: fridge}]":                                    "packages[0].id",
		"packages: [{id: a}]":                                                       "packages[0].profile",
		"packages: [{id: a, profile: lukewarm}]":                                    "packages[0].profile",
		"packages: [{id: a, profile: fridge}, {id: a, profile: fridge}]":            "has that id and profile already",
		"packages: [" + many.String() + "]":                                         "at most 1000",
		"packages: [{id: a, profile: '" + strings.Repeat("x", maxProfile+1) + "'}]": "put it into a file",
	} {
		if _, _, err := Parse([]byte(twoSensors+text), bench); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v; want %q", text, err, want)
		}
	}
}

func TestTheHubGivesPackages(t *testing.T) {
	own, _, err := Read("", bench)
	if err != nil {
		t.Skip(err) // a machine without a name
	}
	m, err := own.Over([]byte("sensors: []\npackages: [{id: BOX-1, profile: frozen}]\n"))
	if err != nil || len(m.Packages) != 1 || m.Packages[0].ID != "BOX-1" {
		t.Errorf("%+v, %v", m.Packages, err)
	}
}
