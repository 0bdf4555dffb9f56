package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"frostline/edge/guard"
	"frostline/edge/scan"
	"frostline/proto/thermal"
)

func TestWatching(t *testing.T) {
	fridge, frozen := profile(t, "refrigerated"), profile(t, "frozen")
	watches := []guard.Watch{
		{Name: "a", Profile: fridge, Sensors: []string{"s1"}},
		{Name: "b", Profile: fridge, Sensors: []string{"s2", "s3"}, UnknownAfter: 5, WhenAboard: true},
	}
	packages := []Package{{"BOX-1", frozen}, {"BOX-2", fridge}, {"a", frozen}, {"BOX-3", fridge}, {"BOX-3", frozen}, {"BOX-4", frozen}, {"BOX-4", profile(t, "ultra-cold")}}
	for _, c := range []struct {
		aboard []string // VALUE in TARGET
		want   []string // NAME by SENSORS
	}{
		{nil, []string{"a by s1"}},
		{[]string{"BOX-9 compartment/a"}, []string{"a by s1"}},
		{[]string{"BOX-9 zone/b"}, []string{"a by s1", "b by s2 s3"}},
		{[]string{"BOX-1 compartment/b"}, []string{"a by s1", "BOX-1 by s2 s3"}},
		{[]string{"BOX-2 compartment/b"}, []string{"a by s1", "b by s2 s3"}},
		{[]string{"BOX-1 compartment/b", "BOX-9 compartment/b"}, []string{"a by s1", "b by s2 s3", "BOX-1 by s2 s3"}},
		{[]string{"BOX-1 tote/b", "BOX-1 compartment/c"}, []string{"a by s1"}},
		{[]string{"a compartment/a"}, []string{"a by s1", "package/a by s1"}}, // a label like a compartment
		// Two products in a package, whose profiles differ.
		{[]string{"BOX-3 compartment/b"}, []string{"a by s1", "b by s2 s3", "BOX-3 by s2 s3"}},
		{[]string{"BOX-4 compartment/b"}, []string{"a by s1", "BOX-4 by s2 s3", "package/BOX-4 by s2 s3"}},
	} {
		out, over := watching(watches, packages, aboard(c.aboard...))
		var got []string
		for _, w := range out {
			got = append(got, w.Name+" by "+strings.Join(w.Sensors, " "))
			if w.Name == "BOX-1" && (w.Profile.ID != "freezer" || w.UnknownAfter != 5) {
				t.Errorf("%v: %+v", c.aboard, w)
			}
		}
		if !slices.Equal(got, c.want) || over != 0 {
			t.Errorf("%v: watched are %v, %d too many; want %v", c.aboard, got, over, c.want)
		}
	}
}

func TestTooManyProfiles(t *testing.T) {
	fridge, frozen := profile(t, "refrigerated"), profile(t, "frozen")
	var packages []Package
	var all []string
	for i := range maxOwn + 7 {
		packages = append(packages, Package{fmt.Sprint("BOX-", i), frozen})
		all = append(all, fmt.Sprint("BOX-", i, " compartment/a"))
	}
	out, over := watching([]guard.Watch{{Name: "a", Profile: fridge, WhenAboard: true}}, packages, aboard(all...))
	if len(out) != maxOwn+1 || over != 7 || out[0].Name != "a" {
		t.Errorf("%d are watched, %d too many", len(out), over)
	}
}

func profile(t *testing.T, name string) thermal.Profile {
	t.Helper()
	p, err := thermal.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func aboard(all ...string) (out []scan.Aboard) {
	for _, s := range all {
		value, target, _ := strings.Cut(s, " ")
		out = append(out, scan.Aboard{Subject: scan.Subject{Kind: scan.Label, Value: value}, Target: target})
	}
	return out
}
