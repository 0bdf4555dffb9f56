package world

import (
	"math"
	"testing"
	"time"
)

func TestRoutesAreRealStreetsInSize(t *testing.T) {
	for _, name := range Routes() {
		points, err := Route(name)
		if err != nil {
			t.Fatal(err)
		}
		checkPoints(points, func(field string, value any, want string) { t.Errorf("%s: %s %v, want %s", name, field, value, want) })
		if len(points) < 60 {
			t.Errorf("%s has %d points, want at least 60", name, len(points))
		}
		total := 0.0
		for i := range len(points) - 1 {
			d := distance(points[i], points[i+1])
			total += d
			if d > 700 {
				t.Errorf("%s: %.0f m from %q to %q", name, d, points[i].Name, points[i+1].Name)
			}
		}
		if total < 12_000 || total > 25_000 {
			t.Errorf("%s is %.1f km long", name, total/1000)
		}
		if first, last := points[0], points[len(points)-1]; first.Stop == 0 || last.Stop == 0 {
			t.Errorf("%s does not stop at its ends", name)
		}
	}
}

func TestVehicleDrivesWithinItsLimits(t *testing.T) {
	for _, route := range Routes() {
		t.Run(route, func(t *testing.T) {
			w := build(t, 9, Object{Name: "van", Vehicle: &Vehicle{Route: route}})
			v := w.things["van"].(*vehicle)
			last, err := w.Position("van", 0)
			if err != nil {
				t.Fatal(err)
			}
			var driven, fastest float64
			ends, opened := map[int]int{}, 0
			wasOpen := false
			for at := Step; at < 4*time.Hour; at += Step {
				w.AdvanceTo(at)
				p := v.position(0)
				d := distance(Point{Lat: last.Lat, Lon: last.Lon}, Point{Lat: p.Lat, Lon: p.Lon})
				driven += d
				fastest = math.Max(fastest, p.Speed)
				if limit := v.limit(v.segment); p.Speed > limit*1.02+1.5 {
					t.Fatalf("%s: %.1f m/s where %.1f are allowed, near %q", at, p.Speed, limit, v.points[v.segment].Name)
				}
				if a := (p.Speed - last.Speed) / seconds; a > v.c.Acceleration+1e-6 || (a < -v.c.Braking*1.2-1e-6 && p.Speed > 0) {
					t.Fatalf("%s: %.2f m/s² near %q", at, a, v.points[v.segment].Name)
				}
				if p.Speed == 0 && last.Speed > 3 {
					t.Fatalf("%s: stopped dead from %.1f m/s at %q", at, last.Speed, v.points[v.segment].Name)
				}
				if d > (math.Max(p.Speed, last.Speed)+0.3)*seconds+0.01 {
					t.Fatalf("%s: jumped %.1f m", at, d)
				}
				if v.doorOpen() && p.Speed > 0 {
					t.Fatalf("%s: driving with an open door", at)
				}
				if v.doorOpen() && !wasOpen {
					opened++
				}
				wasOpen = v.doorOpen()
				if v.along == 0 && v.segment == 0 {
					ends[0]++
				} else if v.segment == len(v.lengths)-1 && v.along == v.lengths[v.segment] {
					ends[1]++
				}
				last = p
			}
			if ends[0] == 0 || ends[1] == 0 {
				t.Errorf("stood %d and %d steps at its ends: want both", ends[0], ends[1])
			}
			if mean := driven / (4 * 3600); mean < 3 || mean > 20 || fastest < 20 {
				t.Errorf("mean %.1f m/s, fastest %.1f m/s: not a van's day", mean, fastest)
			}
			if opened < 4 {
				t.Errorf("door opened %d times in four hours", opened)
			}
			t.Logf("%.1f km in 4 h, fastest %.1f m/s, door opened %d times", driven/1000, fastest, opened)
		})
	}
}

func TestPositionBetweenSteps(t *testing.T) {
	w := build(t, 9, Object{Name: "van", Vehicle: &Vehicle{Points: []Point{
		{Lat: 47.6, Lon: -122.3, KmH: 72}, {Lat: 47.7, Lon: -122.3, KmH: 72},
	}}})
	w.AdvanceTo(time.Minute)
	a, err := w.Position("van", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.Position("van", time.Minute+200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	d := distance(Point{Lat: a.Lat, Lon: a.Lon}, Point{Lat: b.Lat, Lon: b.Lon})
	if math.Abs(d-0.2*a.Speed) > 0.01 || a.Course != 0 {
		t.Errorf("%.3f m in 200 ms at %.1f m/s, course %.1f", d, a.Speed, a.Course)
	}
	if _, err := w.Position("bus", 0); err == nil {
		t.Error("an unknown vehicle has a position")
	}
}
