package world

import (
	"math"
	"testing"
	"time"

	"frostline/firmware-sim/fault"
)

var noon = time.Date(2025, 7, 15, 20, 0, 0, 0, time.UTC)

func build(t *testing.T, seed uint64, objects ...Object) *World {
	t.Helper()
	for _, o := range objects {
		o.Check(func(field string, value any, want string) { t.Errorf("%s.%s: %v, want %s", o.Name, field, value, want) })
	}
	w, err := New(Config{Seed: seed, Start: noon, Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func look(t *testing.T, w *World, quantity string) *Probe {
	t.Helper()
	p, err := w.Probe(quantity, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBoxWarmsAsAFirstOrderSystem(t *testing.T) {
	w := build(t, 1, Object{Name: "box", Box: &Box{
		WallsWPerK: 0.5, PayloadKJPerK: 9, InitialC: 4, Surroundings: Surroundings{BaseC: 30},
	}})
	payload := look(t, w, "box.payload")
	tau := 9000.0 / 0.5
	for _, s := range []float64{600, 3600, tau, 3 * tau} {
		w.AdvanceTo(time.Duration(s) * time.Second)
		want := 30 + (4-30)*math.Exp(-s/tau)
		if got := payload.Value(); math.Abs(got-want) > 0.001 {
			t.Errorf("after %.0f s: %.4f °C, want %.4f", s, got, want)
		}
	}
}

func TestPackHoldsItsPlateauUntilMolten(t *testing.T) {
	pack := Pack{MassKg: 2, MeltsAtC: 5, LatentKJPerKg: 190, CouplingWPerK: 20}
	w := build(t, 1, Object{Name: "box", Box: &Box{
		WallsWPerK: 1, PayloadKJPerK: 6, InitialC: 2, Pack: &pack, Surroundings: Surroundings{BaseC: 25},
	}})
	payload, temperature, melted := look(t, w, "box.payload"), look(t, w, "box.pack"), look(t, w, "box.melted")
	var began, ended time.Duration
	for h := time.Duration(0); h < 10*time.Hour; h += time.Minute {
		w.AdvanceTo(h)
		if m := melted.Value(); m > 0 && m < 1 {
			if began == 0 {
				began = h
			}
			ended = h
			if temperature.Value() != 5 {
				t.Fatalf("at %s, %.0f %% molten: pack at %.4f °C, want 5", h, 100*m, temperature.Value())
			}
			// Payload settles where walls and pack balance.
			want := (1*25 + 20*5) / 21.0
			if h > began+time.Hour && math.Abs(payload.Value()-want) > 0.001 {
				t.Fatalf("at %s: payload at %.4f °C, want %.4f", h, payload.Value(), want)
			}
		}
	}
	// 380 kJ through 1 W/K across 25 − 5.952 K.
	want := time.Duration(380_000 / (25 - 125.0/21) * float64(time.Second))
	if got := ended - began; got < want*95/100 || got > want*105/100 {
		t.Errorf("plateau lasted %s, want about %s", got, want)
	}
	if melted.Value() != 1 || temperature.Value() <= 5.5 {
		t.Errorf("at the end %.2f molten at %.2f °C, want all molten and warming", melted.Value(), temperature.Value())
	}
}

func TestPackHeatContentRoundTrips(t *testing.T) {
	p := Pack{MassKg: 3, MeltsAtC: -21, LatentKJPerKg: 230}.withDefaults()
	for _, c := range []float64{-40, -21.5, -21, -20.9, 0, 20} {
		if got := p.temperature(p.contents(c)); math.Abs(got-c) > 1e-9 {
			t.Errorf("temperature(contents(%g)) = %g", c, got)
		}
	}
}

func TestHeatIsConserved(t *testing.T) {
	pack := Pack{MassKg: 4, MeltsAtC: 5, LatentKJPerKg: 190, CouplingWPerK: 4}
	w := build(t, 3,
		Object{Name: "room", Room: demoLikeRoom()},
		Object{Name: "box", Box: &Box{
			WallsWPerK: 0.8, LidWPerK: 5, PayloadKJPerK: 12, InitialC: 2, Pack: &pack,
			Surroundings: Surroundings{BaseC: 20, AmbientShare: 0.5},
			Openings:     Openings{Every: 10 * time.Minute, Lasts: time.Minute},
		}})
	r, b := w.things["room"].(*room), w.things["box"].(*box)
	contents := func() float64 {
		return r.air*r.c.AirKJPerK*1000 + r.goods*r.c.GoodsKJPerK*1000
	}
	boxContents := func() float64 { return b.payload*b.c.PayloadKJPerK*1000 + float64(b.pack) }
	room0, box0 := contents(), boxContents()
	w.AdvanceTo(24 * time.Hour)
	if got, want := contents()-room0, r.gained; math.Abs(got-want) > 1e-6*math.Abs(want)+1 {
		t.Errorf("room holds %.1f J more, but %.1f J crossed its walls", got, want)
	}
	if got, want := boxContents()-box0, b.gained; math.Abs(got-want) > 1e-6*math.Abs(want)+1 {
		t.Errorf("box holds %.1f J more, but %.1f J crossed its walls", got, want)
	}
}

func demoLikeRoom() *Room {
	return &Room{
		SetpointC: 4.5, BandC: 1, CoolingW: 1500, WallsWPerK: 25, DoorWPerK: 250,
		AirKJPerK: 150, GoodsKJPerK: 3000, GoodsWPerK: 120,
		Surroundings: Surroundings{BaseC: 17, AmbientShare: 0.3},
		Openings:     Openings{Every: 12 * time.Minute, Night: time.Hour, Lasts: 30 * time.Second},
	}
}

func TestRoomCyclesWithinItsBandAndRestsItsCompressor(t *testing.T) {
	c := demoLikeRoom()
	c.Openings = Openings{}
	w := build(t, 1, Object{Name: "room", Room: c})
	air, compressor := look(t, w, "room.air"), look(t, w, "room.compressor")
	w.AdvanceTo(2 * time.Hour)
	starts, last, stopped := 0, compressor.Value(), time.Duration(0)
	for at := 2 * time.Hour; at < 26*time.Hour; at += time.Second {
		w.AdvanceTo(at)
		if air.Value() < 3.4 || air.Value() > 5.6 {
			t.Fatalf("at %s: %.2f °C, want within 4.5 ± 1", at, air.Value())
		}
		now := compressor.Value()
		if now == 1 && last == 0 {
			starts++
			if stopped > 0 && at-stopped < 3*time.Minute {
				t.Fatalf("restarted %s after stopping", at-stopped)
			}
		} else if now == 0 && last == 1 {
			stopped = at
		}
		last = now
	}
	if starts < 10 || starts > 200 {
		t.Errorf("%d compressor starts in a day, want some dozens", starts)
	}
}

func TestRoomFaultsWarmIt(t *testing.T) {
	for _, kind := range []fault.Kind{fault.CompressorOff, fault.DoorOpen} {
		t.Run(string(kind), func(t *testing.T) {
			w := build(t, 1, Object{Name: "room", Room: demoLikeRoom()})
			air, door, humidity := look(t, w, "room.air"), look(t, w, "room.door"), look(t, w, "room.humidity")
			w.AdvanceTo(time.Hour)
			if h := humidity.Value(); h < 40 || h > 95 {
				t.Errorf("humidity %.0f %% in a working cold room", h)
			}
			dry := humidity.Value()
			if err := w.SetFault("room", fault.Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			w.AdvanceTo(7 * time.Hour)
			if air.Value() < 8 {
				t.Errorf("after six hours %.2f °C, want above 8", air.Value())
			}
			if kind == fault.DoorOpen && (door.Value() != 1 || humidity.Value() <= dry) {
				t.Errorf("door %.0f, humidity %.0f %% after %.0f %%: want open and damper", door.Value(), humidity.Value(), dry)
			}
			if err := w.SetFault("room", fault.Clear); err != nil {
				t.Fatal(err)
			}
			w.AdvanceTo(24 * time.Hour)
			if air.Value() > 6.5 {
				t.Errorf("repaired, after 17 hours %.2f °C, want back in its band", air.Value())
			}
		})
	}
	w := build(t, 1, Object{Name: "room", Room: demoLikeRoom()})
	if err := w.SetFault("room", fault.Fault{Kind: fault.Unplugged}); err == nil {
		t.Error("a room took the fault unplugged")
	}
	if err := w.SetFault("attic", fault.Clear); err == nil {
		t.Error("an unknown object took a fault")
	}
}

func TestHeatPumpKeepsAStoreRoomFromBothSides(t *testing.T) {
	for _, around := range []float64{5, 35} {
		w := build(t, 1, Object{Name: "store", Room: &Room{
			SetpointC: 22.5, BandC: 0.8, CoolingW: 2500, HeatingW: 2500, WallsWPerK: 60, AirKJPerK: 400,
			Surroundings: Surroundings{BaseC: around},
		}})
		air := look(t, w, "store.air")
		for at := time.Hour; at < 12*time.Hour; at += time.Minute {
			w.AdvanceTo(at)
			if air.Value() < 20 || air.Value() > 25 {
				t.Fatalf("surroundings at %g °C, %s: %.2f °C, want 20 to 25", around, at, air.Value())
			}
		}
	}
}

func TestFreshPackOnceADay(t *testing.T) {
	five := 5 * time.Hour
	w := build(t, 1, Object{Name: "box", Box: &Box{
		WallsWPerK: 2, PayloadKJPerK: 10, InitialC: 3,
		Pack:         &Pack{MassKg: 2, MeltsAtC: 5, LatentKJPerKg: 190, CouplingWPerK: 5, RenewedAt: &five, RenewedC: 3},
		Surroundings: Surroundings{BaseC: 25},
	}})
	melted := look(t, w, "box.melted")
	renewals, last := 0, 0.0
	for at := time.Duration(0); at < 72*time.Hour; at += time.Minute {
		w.AdvanceTo(at)
		if m := melted.Value(); m < last-0.5 {
			renewals++
			// Noon UTC−8 was the start: 05:00 comes 17 hours later.
			if d := (at - 17*time.Hour) % (24 * time.Hour); d > time.Minute {
				t.Errorf("fresh pack at %s, want at 05:00 local standard time", w.UTC(at))
			}
		}
		last = melted.Value()
	}
	if renewals != 3 {
		t.Errorf("%d fresh packs in three days, want 3", renewals)
	}
	// A clock set back does not bring another pack.
	before := melted.Value()
	w.SetUTC(w.Now(), w.UTC(w.Now()).Add(-8*time.Hour))
	w.AdvanceTo(w.Now() + time.Minute)
	if melted.Value() < before {
		t.Error("setting the clock back renewed the pack")
	}
}
