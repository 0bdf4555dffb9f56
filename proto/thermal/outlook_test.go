package thermal

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// box is readings a minute of a box that follows Newton's law, with noise.
func box(minutes int, start, ambient, tauHours float64, noise func(i int) float64) []Sample {
	var s []Sample
	for i := range minutes {
		t := float64(i) / 60
		v := ambient + (start-ambient)*math.Exp(-t/tauHours) + noise(i)
		s = append(s, Sample{int64(i) * minute, Temp(math.Round(v * 1000))})
	}
	return s
}

func quiet(int) float64 { return 0 }

// jitter is ±0.05 K, the noise of a good sensor in moving air.
func jitter(i int) float64 { return 0.05 * math.Sin(float64(i*i)) }

func TestOutlookOfACompressorOff(t *testing.T) {
	p, _ := Named("refrigerated")
	for name, noise := range map[string]func(int) float64{"quiet": quiet, "noisy": jitter} {
		s := box(90, 4, 25, 10, noise)
		all, err := Outlooks(&p, s)
		if err != nil {
			t.Fatal(err)
		}
		now := 25 + (4-25)*math.Exp(-89.0/600)
		want := s[89].At + int64(10*math.Log((now-25)/(8-25))*float64(hour))
		up, down := all[0], all[1]
		if !up.OnCourse || !up.Estimate || up.Earliest > want || up.Latest != 0 && up.Latest < want {
			t.Errorf("%s: got %+v, want %d within the interval", name, up, want)
		}
		if name == "quiet" && math.Abs(float64(up.Reached-want)) > 2*float64(minute) {
			t.Errorf("reached at %d, want %d", up.Reached, want)
		}
		if up.Reached < up.Earliest || up.Latest != 0 && up.Reached > up.Latest {
			t.Errorf("%s: %+v is outside its own interval", name, up)
		}
		if down.OnCourse || down.Why == "" {
			t.Errorf("%s: below 2 °C is not where it goes: %+v", name, down)
		}
	}
}

func TestOutlookNotOnThisCourse(t *testing.T) {
	p, _ := Named("refrigerated")
	for name, s := range map[string][]Sample{
		"a melting pack":         box(90, 5, 5, 1, jitter),
		"tends to below 8":       box(240, 4, 7, 1, quiet),
		"back from an open door": box(60, 7.5, 4, 0.3, quiet),
	} {
		all, err := Outlooks(&p, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if o.OnCourse || o.Why == "" || o.Reached != 0 {
				t.Errorf("%s: got %+v", name, o)
			}
		}
	}
	all, err := Outlooks(&p, box(60, 9, 20, 3, quiet))
	if err != nil || all[0].OnCourse || all[0].Why != "the limit is passed already" {
		t.Errorf("passed: got %+v %v", all, err)
	}
}

// A freezer whose compressor runs again is cold within half an hour, and its
// thermostat then holds it: it is not on its way to -50 °C, and of a compressor
// that stops, the newest readings count.
func TestOutlookWhereTheNewestReadingsHaveLeftTheCourse(t *testing.T) {
	p, _ := Named("vaccine-freezer")
	for minutes := 50; minutes < 120; minutes += 5 {
		var s []Sample
		for i := range minutes {
			v := -11 - 9.5*min(float64(i)/30, 1)
			if i > 30 {
				v += math.Abs(math.Mod(float64(i-30)/10, 2)-1) - 0.5
			}
			s = append(s, Sample{int64(i) * minute, Temp(math.Round(v * 1000))})
		}
		all, err := Outlooks(&p, s)
		if err != nil {
			t.Fatal(err)
		}
		if minutes >= 65 && all[1].OnCourse {
			t.Errorf("%d min: got %+v, want it not to go to -50 °C", minutes, all[1])
		}
	}
}

// A room whose door has just been left open is beyond its limit before a course
// over the hours before would have it there.
func TestOutlookOfALimitThatTheNewestReadingHasPassed(t *testing.T) {
	p, _ := Named("refrigerated")
	s := box(105, 4.6, 4.6, 1, jitter)
	for i := range 15 {
		v := 9.2 - 4.6*math.Exp(-float64(i+1)/4)
		s = append(s, Sample{int64(105+i) * minute, Temp(math.Round(v * 1000))})
	}
	all, err := Outlooks(&p, s)
	if err != nil || all[0].OnCourse || all[0].Why != whyPassed || all[0].Reached != 0 {
		t.Errorf("at %s: got %+v %v, want the limit to be passed", s[len(s)-1].Value, all, err)
	}
}

// TestOutlookOfAStraightRise: the beginning of a warming is nearly straight, and
// no time constant can be told from it.
func TestOutlookOfAStraightRise(t *testing.T) {
	p, _ := Named("refrigerated")
	var s []Sample
	for i := range 60 {
		s = append(s, Sample{int64(i) * minute, Temp(4000 + 30*i)})
	}
	all, err := Outlooks(&p, s)
	want := s[59].At + (8000-s[59].Value.milli())*minute/30
	if err != nil || !all[0].OnCourse || all[0].Tau != 0 || math.Abs(float64(all[0].Reached-want)) > float64(minute) {
		t.Errorf("got %+v %v, want %d", all[0], err, want)
	}
}

func (t Temp) milli() int64 { return int64(t) }

func TestFitCourseRefuses(t *testing.T) {
	for name, s := range map[string][]Sample{
		"none": nil, "few": box(5, 4, 25, 10, quiet), "an instant": {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}},
		"disorder": {{0, 1}, {2000, 1}, {1000, 1}, {3000, 1}, {4000, 1}, {5000, 1}},
	} {
		if _, err := FitCourse(s); !errors.Is(err, ErrNoCourse) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFitCourse finds the course that made the readings, however uneven.
func TestFitCourse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, ambient := rapid.Float64Range(-20, 10).Draw(t, "start"), rapid.Float64Range(20, 40).Draw(t, "ambient")
		tau := rapid.Float64Range(1, 3).Draw(t, "tau")
		every := rapid.Int64Range(10, 120).Draw(t, "every") * second
		var s []Sample
		for at := int64(0); at < 2*hour; at += every + rapid.Int64Range(0, 5).Draw(t, "late")*second {
			v := ambient + (start-ambient)*math.Exp(-float64(at)/float64(hour)/tau)
			s = append(s, Sample{at, Temp(math.Round(v * 1000))})
		}
		c, err := FitCourse(s)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.Now-s[len(s)-1].Value.Celsius()) > 0.05 || math.Abs(c.Tau.Hours()/tau-1) > 0.02 || math.Abs(c.Ambient-ambient) > 0.3 {
			t.Fatalf("got %+v, want %v now, tau %v h, ambient %v", c, s[len(s)-1].Value, tau, ambient)
		}
	})
}

// TestOutlooksAreSane: whatever the readings, an interval holds its estimate and
// lies ahead.
func TestOutlooksAreSane(t *testing.T) {
	p, _ := Named("crt")
	rapid.Check(t, func(t *rapid.T) {
		var s []Sample
		at := int64(0)
		for range rapid.IntRange(6, 40).Draw(t, "n") {
			at += rapid.Int64Range(1, 600_000).Draw(t, "dt")
			s = append(s, Sample{at, Temp(rapid.Int64Range(-50_000, 60_000).Draw(t, "v"))})
		}
		all, err := Outlooks(&p, s)
		if err != nil {
			return
		}
		for _, o := range all {
			if o.OnCourse != (o.Why == "") || o.OnCourse && (o.Reached < at || o.Earliest < at || o.Earliest > o.Reached || o.Latest != 0 && o.Latest < o.Reached) {
				t.Fatalf("got %+v at %d", o, at)
			}
			if o.OnCourse && o.Reached-at > (7*24*time.Hour).Milliseconds() {
				t.Fatalf("far ahead: %+v", o)
			}
		}
	})
}
