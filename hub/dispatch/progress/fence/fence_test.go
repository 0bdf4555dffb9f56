package fence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/dispatch/road"
)

var home = Fence{ID: "home", Centre: road.Point{Latitude: 423_000_000, Longitude: -710_000_000}, Radius: 75}

// at is a position so many seconds after the beginning and metres north of a
// fence's centre.
func at(f Fence, seconds int64, north float64) Fix {
	return Fix{At: 1_790_000_000_000 + seconds*1000, Where: road.Point{Latitude: f.Centre.Latitude + int64(north/unit), Longitude: f.Centre.Longitude}, Accuracy: 5000}
}

// stood is a visit by seconds after the beginning; left -1: it is there.
func stood(entered, within, left, leftWithin int64) Visit {
	v := Visit{Fence: "home", Entered: 1_790_000_000_000 + entered*1000, EnteredWithin: within, Left: 1_790_000_000_000 + left*1000, LeftWithin: leftWithin}
	if left < 0 {
		v.Left = 0
	}
	return v
}

func TestVisits(t *testing.T) {
	blurred := func(f Fix, mm int64) Fix { f.Accuracy = mm; return f }
	steps := func(pairs ...float64) (all []Fix) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, at(home, int64(pairs[i]), pairs[i+1]))
		}
		return all
	}
	for what, c := range map[string]struct {
		track []Fix
		want  []Visit
	}{
		"comes, stays and leaves":      {steps(0, 500, 10, 60, 30, 5, 60, 5, 90, 400, 130, 900), []Visit{stood(10, 10_000, 90, 30_000)}},
		"is there":                     {steps(0, 500, 10, 60, 60, 5), []Visit{stood(10, 10_000, -1, 0)}},
		"was there from the beginning": {steps(0, 5, 60, 5, 90, 400, 130, 900), []Visit{stood(0, -1, 90, 30_000)}},
		"passes by":                    {steps(0, 500, 10, 60, 20, -60, 30, -300, 70, -900), nil},
		"passes by and comes back":     {steps(0, 500, 10, 60, 20, 300, 60, 50, 120, 40), []Visit{stood(60, 40_000, -1, 0)}},
		"wanders at the edge":          {steps(0, 500, 10, 60, 30, 90, 50, 110, 70, 70, 90, 120, 110, 60), []Visit{stood(10, 10_000, -1, 0)}},
		"one position jumps out":       {steps(0, 500, 10, 60, 70, 5, 80, 900, 90, 5, 150, 8), []Visit{stood(10, 10_000, -1, 0)}},
		"jumps out while it settles":   {steps(0, 500, 10, 60, 20, 900, 30, 5, 60, 8), []Visit{stood(10, 10_000, -1, 0)}},
		"silent for an hour":           {steps(0, 500, 10, 60, 70, 5, 3670, 900, 3710, 2000), []Visit{stood(10, 10_000, 3670, 3600_000)}},
		"twice": {steps(0, 500, 10, 60, 70, 5, 100, 900, 140, 900, 500, 30, 560, 30),
			[]Visit{stood(10, 10_000, 100, 30_000), stood(500, 360_000, -1, 0)}},
		"too blurred to tell": {[]Fix{at(home, 0, 500), blurred(at(home, 10, 5), 80_000), blurred(at(home, 70, 5), 80_000)}, nil},
		"blurred meanwhile": {[]Fix{at(home, 0, 500), at(home, 10, 60), blurred(at(home, 20, 800), 900_000), blurred(at(home, 60, 800), 900_000), at(home, 70, 5)},
			[]Visit{stood(10, 10_000, -1, 0)}},
		"the last that could tell": {[]Fix{at(home, 0, 500), blurred(at(home, 50, 300), 900_000), at(home, 60, 60), at(home, 120, 5)}, []Visit{stood(60, 60_000, -1, 0)}},
	} {
		w := NewWatch(NewSet([]Fence{home}))
		for _, f := range c.track {
			if !w.Take(f) || w.Take(f) {
				t.Errorf("%s: a position was passed over, or taken twice", what)
			}
		}
		if got := w.Visits(); !reflect.DeepEqual(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: got %+v, want %+v", what, got, c.want)
		}
	}
}

// naive says which fences a point lies in by asking each.
func naive(fences []Fence, p road.Point) (all []int) {
	for i, f := range fences {
		if road.Straight(f.Centre, p) <= float64(f.Radius) {
			all = append(all, i)
		}
	}
	return all
}

func TestFencesAreFoundWhereverTheyLie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := road.Point{Latitude: rapid.Int64Range(-85e7, 85e7).Draw(t, "latitude"), Longitude: rapid.SampledFrom([]int64{-180e7, 179_9999000, 0, -71e7, 180e7}).Draw(t, "longitude")}
		wrap := func(lon int64) int64 {
			switch {
			case lon > 180e7:
				return lon - 360e7
			case lon < -180e7:
				return lon + 360e7
			}
			return lon
		}
		near := func(name string) road.Point {
			return road.Point{Latitude: base.Latitude + rapid.Int64Range(-20_000, 20_000).Draw(t, name), Longitude: wrap(base.Longitude + rapid.Int64Range(-20_000, 20_000).Draw(t, name))}
		}
		var fences []Fence
		for i := range rapid.IntRange(1, 20).Draw(t, "fences") {
			fences = append(fences, Fence{fmt.Sprint(i), near("centre"), rapid.Int64Range(10, 900).Draw(t, "radius")})
		}
		p := near("point")
		for _, i := range naive(fences, p) {
			if d := road.Straight(fences[i].Centre, p); math.Abs(d-float64(fences[i].Radius)) < 0.01*d {
				t.Skip("on the edge, where the plane and the sphere may differ")
			}
		}
		var got []int
		NewSet(fences).At(p, func(i int, _ float64) { got = append(got, i) })
		slices.Sort(got)
		if want := naive(fences, p); !slices.Equal(got, want) && math.Abs(float64(base.Latitude)) < 80e7 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestDistanceOfWhatIsNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		a := road.Point{Latitude: r.Int64N(120e7) - 60e7, Longitude: r.Int64N(360e7) - 180e7}
		b := road.Point{Latitude: a.Latitude + r.Int64N(4_000_000) - 2_000_000, Longitude: a.Longitude + r.Int64N(4_000_000) - 2_000_000}
		if got, want := Distance(a, b), road.Straight(a, b); math.Abs(got-want) > 0.001*want {
			t.Fatalf("from %v to %v: %f m, want %f", a, b, got, want)
		}
	}
}

func TestProgressNeverGoesBackForNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	line := []road.Point{home.Centre}
	for i := range 40 { // a way that bends
		last := line[len(line)-1]
		line = append(line, road.Point{Latitude: last.Latitude + 20_000 + int64(5000*math.Sin(float64(i))), Longitude: last.Longitude + int64(20_000*math.Cos(float64(i)/3))})
	}
	l := NewLine(line)
	w := &Way{Line: l}
	before := 0.0
	for s, along := int64(0), 0.0; along < l.Length(); s, along = s+1, along+12 {
		i, _ := slices.BinarySearch(l.along, along)
		i = max(i, 1)
		part := (along - l.along[i-1]) / (l.along[i] - l.along[i-1])
		p := road.Point{
			Latitude:  line[i-1].Latitude + int64(part*float64(line[i].Latitude-line[i-1].Latitude)) + int64(r.NormFloat64()*8/unit),
			Longitude: line[i-1].Longitude + int64(part*float64(line[i].Longitude-line[i-1].Longitude)) + int64(r.NormFloat64()*8/unit),
		}
		w.Take(Fix{At: 1_790_000_000_000 + s*1000, Where: p, Accuracy: 8000})
		if w.Along < before {
			t.Fatalf("second %d: went back from %.0f m to %.0f m", s, before, w.Along)
		}
		if before = w.Along; math.Abs(w.Along-along) > 60 || w.Off > 60 {
			t.Fatalf("second %d: %.0f m along and %.0f m off, want %.0f m", s, w.Along, w.Off, along)
		}
	}
	// It turns round and drives back a kilometre.
	for i, back := range []float64{300, 700, 1000, 1000} {
		a := max(0, l.Length()-back)
		k, _ := slices.BinarySearch(l.along, a)
		w.Take(Fix{At: w.At + int64(60_000*(i+1)), Where: line[k], Accuracy: 8000})
	}
	if w.Along > l.Length()-800 {
		t.Errorf("turned round and came back 1000 m of %.0f: stands at %.0f", l.Length(), w.Along)
	}
}

func BenchmarkFences(b *testing.B) { b.Run("5000", past5000) }

func past5000(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	var fences []Fence
	for i := range 5000 {
		fences = append(fences, Fence{fmt.Sprint(i), road.Point{Latitude: 420_000_000 + r.Int64N(5_000_000), Longitude: -715_000_000 + r.Int64N(7_000_000)}, 75})
	}
	w := NewWatch(NewSet(fences))
	f := Fix{At: 1, Accuracy: 5000}
	for i := 0; b.Loop(); i++ {
		f.At += 1000
		if i%100 == 0 {
			f.Where = fences[r.IntN(5000)].Centre
		}
		f.Where.Latitude += 100
		w.Take(f)
	}
}
