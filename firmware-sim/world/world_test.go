package world

import (
	"math"
	"testing"
	"time"
)

func TestAmbientFollowsTheRecordedSeries(t *testing.T) {
	for _, c := range []struct {
		utc  string
		want float64
	}{
		{"2025-07-15T20:00:00Z", 20.9}, // 12:00 PST
		{"2025-07-15T20:30:00Z", 21.4}, // half-way to 21.9
		{"2025-01-01T08:00:00Z", 4.3},  // 00:00 PST, the filled-in hour
		{"2024-02-29T20:00:00Z", Ambient(time.Date(2024, 2, 28, 20, 0, 0, 0, time.UTC))},
		{"2024-12-31T20:00:00Z", Ambient(time.Date(2023, 12, 31, 20, 0, 0, 0, time.UTC))},
	} {
		at, err := time.Parse(time.RFC3339, c.utc)
		if err != nil {
			t.Fatal(err)
		}
		if got := Ambient(at); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("Ambient(%s) = %.3f °C, want %.3f", c.utc, got, c.want)
		}
	}
	for h := range 366 * 24 { // no jump anywhere, also not at the year's end
		a := Ambient(time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(h) * time.Hour))
		b := Ambient(time.Date(2024, 1, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(h) * time.Hour))
		if math.Abs(a-b) > 3 {
			t.Errorf("hour %d: from %.1f to %.1f °C", h, a, b)
		}
	}
}

func everything() []Object {
	return []Object{
		{Name: "room", Room: demoLikeRoom()},
		{Name: "box", Box: &Box{
			WallsWPerK: 0.5, LidWPerK: 3, PayloadKJPerK: 12, InitialC: 4, RidesIn: "van",
			Pack:         &Pack{MassKg: 6, MeltsAtC: 5, LatentKJPerKg: 190, CouplingWPerK: 4},
			Surroundings: Surroundings{BaseC: 18, AmbientShare: 0.6},
		}},
		{Name: "van", Vehicle: &Vehicle{Route: "sodo-bellevue-i90"}},
	}
}

// A world's course depends on seed and configuration, not on who looks when.
func TestWorldIsDeterministicHoweverOftenItIsRead(t *testing.T) {
	a, b, other := build(t, 5, everything()...), build(t, 5, everything()...), build(t, 6, everything()...)
	pa, pb := look(t, a, "room.air"), look(t, b, "room.air")
	a.AdvanceTo(6 * time.Hour)
	for at := time.Duration(0); at <= 6*time.Hour; at += 137 * time.Millisecond {
		b.AdvanceTo(at)
		b.States()
		if _, err := b.Position("van", at); err != nil {
			t.Fatal(err)
		}
		pb.Value()
	}
	b.AdvanceTo(6 * time.Hour)
	other.AdvanceTo(6 * time.Hour)
	if pa.Value() != pb.Value() {
		t.Errorf("air %.9f °C read once, %.9f read often", pa.Value(), pb.Value())
	}
	differs := false
	sa, sb, so := a.States(), b.States(), other.States()
	for i := range sa {
		for q, v := range sa[i].Values {
			if sb[i].Values[q] != v {
				t.Errorf("%s.%s: %v and %v", sa[i].Name, q, v, sb[i].Values[q])
			}
			differs = differs || so[i].Values[q] != v
		}
	}
	if !differs {
		t.Error("another seed gave the same world")
	}
}

func TestProbeLags(t *testing.T) {
	w := build(t, 1, Object{Name: "box", Box: &Box{WallsWPerK: 0.5, PayloadKJPerK: 1e4, InitialC: 4, Surroundings: Surroundings{BaseC: 4}}})
	p, err := w.Probe("box.payload", 20*time.Second, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	w.things["box"].(*box).payload = 14 // as if moved into another box
	w.AdvanceTo(20 * time.Second)
	if want := 14.25 - 10*math.Exp(-1); math.Abs(p.Value()-want) > 0.01 {
		t.Errorf("one time constant after a step of 10 K: %.3f °C, want %.3f", p.Value(), want)
	}
}

func TestProbeNamesWhatExists(t *testing.T) {
	w := build(t, 1, everything()...)
	for _, q := range []string{"cellar.air", "room.wind", "room", ""} {
		if _, err := w.Probe(q, 0, 0); err == nil {
			t.Errorf("Probe(%q) was accepted", q)
		}
	}
	for _, o := range everything() {
		for _, q := range QuantitiesOf(o.Kind()) {
			if _, err := w.Probe(o.Name+"."+q, 0, 0); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSetUTCLeavesThePhysicsAlone(t *testing.T) {
	w := build(t, 1, everything()...)
	w.AdvanceTo(time.Hour)
	before := w.States()
	w.SetUTC(w.Now(), noon.Add(-8*time.Hour))
	if got := w.UTC(time.Hour); !got.Equal(noon.Add(-8 * time.Hour)) {
		t.Errorf("UTC is %s", got)
	}
	for i, s := range w.States() {
		for q, v := range s.Values {
			if before[i].Values[q] != v {
				t.Errorf("%s.%s moved", s.Name, q)
			}
		}
	}
}

func TestChecksNameFieldAndValue(t *testing.T) {
	cold := demoLikeRoom()
	cold.AirKJPerK = 0.2
	for _, o := range []Object{
		{Name: "nothing"},
		{Name: "both", Room: demoLikeRoom(), Vehicle: &Vehicle{Route: "sodo-bellevue-i90"}},
		{Name: "unstable", Room: cold},
		{Name: "nowhere", Vehicle: &Vehicle{Route: "mars"}},
		{Name: "no-route", Vehicle: &Vehicle{}},
		{Name: "point", Vehicle: &Vehicle{Points: []Point{{Lat: 47, Lon: -122, KmH: 30}}}},
		{Name: "lost", Vehicle: &Vehicle{Route: "sodo-bellevue-i90", Begins: "Tacoma"}},
		{Name: "light", Box: &Box{WallsWPerK: 900, PayloadKJPerK: 0.01}},
	} {
		found := 0
		o.Check(func(field string, value any, want string) {
			found++
			if field == "" || want == "" {
				t.Errorf("%s: finding without field or remedy: %q %v %q", o.Name, field, value, want)
			}
		})
		if found == 0 {
			t.Errorf("%s passed its check", o.Name)
		}
	}
}
