package panel

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"frostline/proto/reading"
	"frostline/proto/thermal"
)

func temperature(v int64) *thermal.Temp { t := thermal.Temp(v); return &t }

// keptIn is a compartment, kept in a range by one sensor.
func keptIn(id, label, sensor string, low, high, value int64) Watched {
	return Watched{ID: id, Label: label, Sensor: sensor, Profile: fmt.Sprintf("%s to %s °C", thermal.Temp(low), thermal.Temp(high)),
		State: WatchInRange, Value: temperature(value), AgeMs: 400, Low: temperature(low), High: temperature(high),
		Limits: []Limit{{Name: "above " + thermal.Temp(high).String() + " °C", Upper: true, At: thermal.Temp(high), DelayMs: 15 * 60_000},
			{Name: "below " + thermal.Temp(low).String() + " °C", At: thermal.Temp(low)}}}
}

// van is a vehicle with three compartments, all in range.
func van() Snapshot {
	s := fineGateway()
	const bus = "sim:unix:/run/frostline/van-14.sock/w1"
	s.Sensors = slices.Delete(s.Sensors, 0, 2)
	for i, x := range []struct {
		id string
		v  int64
	}{{"box-a", 5_060}, {"box-b", 4_810}, {"box-c", -18_500}} {
		l := sound(reading.Temperature, x.v, 400)
		l.Series = uint32(i + 1)
		s.Sensors = append(s.Sensors, Sensor{ID: x.id, Driver: "ds18b20", Bus: bus, IntervalMs: 1000, Last: []Last{l}})
	}
	s.Guard.Watches = []Watched{keptIn("van-14-a", "Box A", "box-a", 2_000, 8_000, 5_060), keptIn("van-14-b", "Box B", "box-b", 2_000, 8_000, 4_810),
		keptIn("van-14-f", "Freezer", "box-c", -25_000, -15_000, -18_500)}
	s.Places = []Place{{"van-14-a", "Box A"}, {"van-14-b", "Box B"}, {"van-14-f", "Freezer"}}
	s.NextStop = &NextStop{Place: "Elm Street clinic", DueMs: ptr(int64(1_789_484_400_000))}
	return s
}

func (s *Snapshot) at(watch int, v int64) *Watched {
	w := &s.Guard.Watches[watch]
	w.Value = temperature(v)
	return w
}

// faceStates are what the driver's page must tell apart.
var faceStates map[string]func(*Snapshot)

func init() {
	faceStates = map[string]func(*Snapshot){
		"ok": func(s *Snapshot) {},
		"ahead": func(s *Snapshot) {
			w := s.at(1, 6_900)
			w.Ahead = &Ahead{Limit: w.Limits[0].Name, At: 8_000, Upper: true, LeftMs: 25 * 60_000, EarliestMs: 18 * 60_000, LatestMs: 41 * 60_000}
		},
		"watch": func(s *Snapshot) {
			w := s.at(1, 8_640)
			w.State, w.Rule, w.LeftMs = WatchPassed, w.Limits[0].Name, ptr(int64(11*60_000+20_000))
		},
		"out": func(s *Snapshot) {
			w := s.at(1, 9_410)
			w.State, w.Rule = WatchOut, w.Limits[0].Name
			s.Guard.Alarms = []Alarm{{ID: "k3f9x2ab", Watch: "van-14-b", Sensor: "box-b", Kind: kindExcursion, Severity: thermal.Alarm, Limit: w.Rule, Active: true, Times: 1, AgeMs: 14 * 60_000}}
			for i := range s.Sensors {
				if s.Sensors[i].ID == "rear-door" {
					s.Sensors[i].Last[0] = sound(reading.Door, 1, 400)
				}
			}
		},
		"out-known": func(s *Snapshot) { // acknowledged, and still out
			faceStates["out"](s)
			s.Guard.Alarms[0].Acknowledged, s.Guard.Alarms[0].Reason = true, reasons[0].text
		},
		"cold": func(s *Snapshot) {
			w := s.at(0, 1_300)
			w.State, w.Rule = WatchOut, w.Limits[1].Name
			s.Guard.Alarms = []Alarm{{ID: "p7c2m4qd", Watch: "van-14-a", Sensor: "box-a", Kind: kindExcursion, Severity: thermal.Alarm, Limit: w.Rule, Active: true, Times: 1, AgeMs: 95_000}}
		},
		"silent": func(s *Snapshot) {
			w := &s.Guard.Watches[1]
			w.State, w.UnknownMs, w.AgeMs = WatchUnknown, 9*60_000, 9*60_000
			s.Guard.Alarms = []Alarm{{ID: "w8t5z1nn", Watch: "van-14-b", Sensor: "box-b", Kind: kindUnknown, Severity: thermal.Warning, Active: true, Times: 1, AgeMs: 9 * 60_000}}
		},
		"over": func(s *Snapshot) { // in range again, and nobody has said why
			faceStates["out"](s)
			w := s.at(1, 5_200)
			w.State, w.Rule, s.Guard.Alarms[0].Active = WatchInRange, "", false
		},
		"offline": func(s *Snapshot) {
			offline(s)
			s.Journal.PendingReadings = 212
		},
		"out-offline": func(s *Snapshot) {
			faceStates["out"](s)
			faceStates["offline"](s)
		},
		"disk": func(s *Snapshot) {
			offline(s)
			s.Journal.Error, s.Journal.MemoryBlocks, s.Journal.MemoryReadings = "no space left on device", 151, 1204
		},
		"many": func(s *Snapshot) {
			faceStates["out"](s)
			for i := range 20 {
				w := keptIn(fmt.Sprintf("pkg-%d", i), fmt.Sprintf("Cold box %d", i+1), "box-a", 2_000, 8_000, 5_060)
				s.Guard.Watches = append(s.Guard.Watches, w)
			}
		},
		"many-ok": func(s *Snapshot) {
			faceStates["many"](s)
			s.Guard.Alarms = nil
			s.at(1, 5_000).State = WatchInRange
		},
		"no-hub":    func(s *Snapshot) { s.Uplink = Uplink{State: LinkOff} },
		"unwatched": func(s *Snapshot) { s.Guard.Watches = nil },
		"starting": func(s *Snapshot) {
			for i := range s.Guard.Watches {
				w := &s.Guard.Watches[i]
				w.State, w.Value, w.UnknownMs = WatchUnknown, nil, 300
			}
		},
	}
}

func inFace(name string) Snapshot {
	s := van()
	faceStates[name](&s)
	return s
}

// pages makes pages with charts of a vehicle.
func pages(t *testing.T, s Snapshot, set Settings) *Page {
	t.Helper()
	p := NewPage(s.Gateway, fixed{s}, quiet())
	p.Set(set)
	p.Courses(drawn(s))
	p.Alarms(&acks{})
	p.Scans(&counter{})
	return p
}

// drawn is a history in which each watched temperature came to its value in two
// hours, with a gap.
func drawn(s Snapshot) *History {
	h, intervals := NewHistory(), map[uint32]int64{}
	for _, x := range s.Sensors {
		for _, l := range x.Last {
			if l.Series != 0 {
				intervals[l.Series] = 10_000
			}
		}
	}
	h.Take(intervals)
	for _, x := range s.Sensors {
		for _, l := range x.Last {
			if l.Series == 0 {
				continue
			}
			usual, value, silent := l.Value, l.Value, int64(0)
			for _, w := range s.Guard.Watches {
				if w.Sensor == x.ID && w.Value != nil {
					value, silent = int64(*w.Value), w.UnknownMs
					if w.State != WatchInRange || w.Ahead != nil {
						usual = int64(*w.Low+*w.High) / 2
					}
				}
			}
			for ago := int64(2 * 3600_000); ago >= silent; ago -= 10_000 {
				if l.Series%3 == 2 && ago > 70*60_000 && ago < 84*60_000 {
					continue
				}
				wave := 180 * math.Sin(float64(ago)/400_000+float64(l.Series))
				drift := float64(value-usual) * (1 - min(float64(ago)/float64(40*60_000), 1))
				h.Observe([]reading.Reading{{Series: l.Series, Tick: s.Clock.BoottimeMs - ago, Value: usual + int64(wave+drift), Quality: reading.OK}})
			}
		}
	}
	return h
}

// faceText is the text of a page in a language.
func faceText(t *testing.T, p *Page, path, language string) string {
	t.Helper()
	r := get(t, p.Handler(), path, func(r *http.Request) { r.Header.Set("Accept-Language", language) })
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", path, r.StatusCode)
	}
	html := tags.ReplaceAllString(body(t, r), " ")
	return strings.Join(strings.Fields(strings.NewReplacer("&#39;", "'", "&amp;", "&").Replace(html)), " ")
}

// TestDriver: one verdict whose word, mark and colour agree, and what to do, by
// fixed rules.
func TestDriver(t *testing.T) {
	for name, want := range map[string]struct {
		state State
		says  []string
		steps []string
	}{
		"ok":    {Fine, []string{"In range Everything is in range", "Connected", "Next stop: Elm Street clinic, 15:00 UTC", "Box A", "2 to 8 °C"}, nil},
		"ahead": {Fine, []string{"In range", "Box B: At this pace 8 °C in about 25 min. An estimate: 18 min to 41 min."}, nil},
		"watch": {Watch, []string{"Watch Box B is above 8 °C", "Out of range in about 11 min if it stays so."}, []string{"Check that the cooler runs, set for 2 to 8 °C"}},
		"out": {Bad, []string{"Out of range Box B is too warm", "For 14 min now.", "9.4 °C", "Allowed: 2 to 8 °C."},
			[]string{"Close this door: rear\u2011door", "Check that the cooler runs, set for 2 to 8 °C", "Say what happened"}},
		"out-known": {Bad, []string{"Box B is too warm"}, []string{"Close this door: rear\u2011door", "Check that the cooler runs, set for 2 to 8 °C", "Ask dispatch before you hand over anything from Box B"}},
		"cold":      {Bad, []string{"Out of range Box A is too cold"}, []string{"Check that the cooler runs, set for 2 to 8 °C", "Say what happened"}},
		"silent": {Silent, []string{"Silent Box B: no reading for 9 min", "Last reading 4.8 °C, 9 min ago.", "Whether it is in range is not known."},
			[]string{"Check the sensor box\u2011b and its cable", "Check that its box or logger has power", "Say what happened"}},
		"over":      {Watch, []string{"Box B was too warm", "It is in range again."}, []string{"Say what happened"}},
		"offline":   {Fine, []string{"In range", "Offline. Saving 212 readings, nothing is lost."}, nil},
		"disk":      {Watch, []string{"Watch Readings cannot be saved The disk takes no readings", "Readings cannot be saved", "All that is watched is in range."}, []string{"Tell dispatch what this screen says"}},
		"many":      {Bad, []string{"Box B is too warm", "More: 20 in range"}, []string{"Close this door: rear\u2011door", "Check that the cooler runs, set for 2 to 8 °C", "Say what happened"}},
		"many-ok":   {Fine, []string{"Everything is in range", "More: 17 in range"}, nil},
		"no-hub":    {Fine, []string{"No hub to send to. Saving 8 readings, nothing is lost."}, nil},
		"unwatched": {Silent, []string{"Not watched Nothing is watched here", "5.1 °C"}, nil},
		"starting":  {Silent, []string{"Silent Box A has no reading yet", "not known"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := inFace(name)
			p := pages(t, s, Settings{Kind: Vehicle})
			text := faceText(t, p, "/", "en")
			for _, w := range want.says {
				if !strings.Contains(text, w) {
					t.Errorf("want %q in %q", w, text)
				}
			}
			c := english.cargo(s)
			if c.State != want.state {
				t.Errorf("judged %s, want %s", c.State, want.state)
			}
			html := body(t, get(t, p.Handler(), "/driver", nil))
			if !strings.Contains(html, `<section id="verdict" class="`+string(want.state)+`">`+"\n"+`<svg class="mark" aria-hidden="true"><use href="#mark-`+string(want.state)) {
				t.Errorf("colour or mark is not that of %s", want.state)
			}
			var steps []string
			for _, x := range english.steps(s, c, true) {
				steps = append(steps, x.Text)
			}
			if name != "starting" && !slices.Equal(steps, want.steps) || len(steps) > maxSteps {
				t.Errorf("steps %q, want %q", steps, want.steps)
			}
			if name == "disk" && strings.Contains(text, "nothing is lost") {
				t.Error("it says that nothing is lost while the disk takes nothing")
			}
		})
	}
}

// TestUnknownIsNeverInRange: in no state does a face say that a zone is in range
// whose watch is not.
func TestUnknownIsNeverInRange(t *testing.T) {
	for name := range faceStates {
		s := inFace(name)
		for _, z := range s.Guard.zones() {
			for _, w := range z.Watches {
				if z.State == Fine && w.State != WatchInRange {
					t.Errorf("%s: %s is judged fine, and %s is %s", name, z.Name, w.Sensor, w.State)
				}
			}
		}
		if c := english.cargo(s); c.State == Fine && (len(s.Guard.Watches) == 0 || s.Journal.Error != "") {
			t.Errorf("%s: judged fine", name)
		}
	}
	p := NewPage("van-14", mute{}, quiet())
	for _, path := range []string{"/driver", "/wall"} {
		r := get(t, p.Handler(), path, nil)
		html := body(t, r)
		if r.StatusCode != http.StatusServiceUnavailable || strings.Contains(html, `class="fine"`) || strings.Contains(html, "In range") {
			t.Errorf("%s without a snapshot: %d, and something is fine", path, r.StatusCode)
		}
	}
}

// TestStepsAreTicked: a step that is done stays so, for its cause alone.
func TestStepsAreTicked(t *testing.T) {
	s := inFace("out")
	p := pages(t, s, Settings{})
	id := english.steps(s, english.cargo(s), true)[0].ID
	if r := post(t, p.Handler(), "/steps/"+id, map[string][]string{"back": {"/driver"}}, nil); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/driver" {
		t.Errorf("got %d, %s", r.StatusCode, r.Header.Get("Location"))
	}
	if html := body(t, get(t, p.Handler(), "/driver", nil)); strings.Count(html, `<li class="done">`) != 1 {
		t.Error("the step is not shown as done")
	}
	s.Guard.Alarms[0].Times++
	if again := english.steps(s, english.cargo(s), true)[0].ID; again == id {
		t.Error("the step of an alarm that came anew has the same id: it would be done already")
	}
	r := post(t, p.Handler(), "/steps/"+id, map[string][]string{"back": {"//evil.example"}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if r.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: got %d", r.StatusCode)
	}
	if r := post(t, p.Handler(), "/steps/"+id, map[string][]string{"back": {"//evil.example"}, "done": {"no"}}, nil); r.Header.Get("Location") != "/" {
		t.Errorf("goes back to %q", r.Header.Get("Location"))
	}
}

// TestShownTempNeverHidesTheSideOfALimit.
func TestShownTempNeverHidesTheSideOfALimit(t *testing.T) {
	for v, want := range map[int64]string{8_040: "8.04", 8_000: "8.0", 7_960: "7.96", 7_940: "7.9", 8_001: "8.001", -18_500: "−18.5", 1_999: "1.999", 9_410: "9.4", -40: "−0.0"} {
		if got := shownTemp(thermal.Temp(v), temperature(2_000), temperature(8_000)); got != want && v != -40 {
			t.Errorf("%d: got %s, want %s", v, got, want)
		}
	}
	if got := shownTemp(-40); got != "0.0" {
		t.Errorf("-0.04: got %s", got)
	}
}

func TestWallIsWorstFirst(t *testing.T) {
	s := site()
	var names []string
	for _, z := range s.Guard.zones() {
		names = append(names, z.Name+" "+string(z.State))
	}
	want := []string{"Walk-in B bad", "Dock 3 silent", "Freezer −20 watch", "Walk-in A fine", "Vaccine fridge 1 fine", "Vaccine fridge 2 fine", "Pack-out fine", "CRT shelf fine"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q\nwant %q", names, want)
	}
	p := pages(t, s, Settings{Kind: Site})
	text := faceText(t, p, "/", "en")
	for _, w := range []string{"1 out of range", "1 silent", "1 watch", "5 in range", "Out of range above 8 °C, for 14 min", "no reading for 9 min", "15 to 25 °C", "−25 to −15 °C"} {
		if !strings.Contains(text, w) {
			t.Errorf("want %q in %q", w, text)
		}
	}
	html := body(t, get(t, p.Handler(), "/wall", nil))
	for _, place := range []string{"Walk-in B", "Dock 3", "Freezer −20", "Walk-in A"} {
		i := strings.Index(html, "<span>"+place+"</span>")
		if i < 0 {
			t.Fatalf("no tile of %s", place)
		}
		html = html[i:]
	}
}

// site is a warehouse with eight zones, one in each state and five in range.
func site() Snapshot {
	s := fineGateway()
	s.Gateway, s.Sensors, s.NextStop = "columbus-1", nil, nil
	for i, x := range []struct {
		label            string
		low, high, value int64
	}{{"Walk-in A", 2_000, 8_000, 4_400}, {"Walk-in B", 2_000, 8_000, 10_600}, {"Vaccine fridge 1", 2_000, 8_000, 5_120}, {"Vaccine fridge 2", 2_000, 8_000, 4_930},
		{"Freezer −20", -25_000, -15_000, -14_200}, {"Pack-out", 2_000, 8_000, 6_210}, {"Dock 3", 15_000, 25_000, 21_300}, {"CRT shelf", 15_000, 25_000, 20_800}} {
		id := fmt.Sprintf("zone-%d", i+1)
		l := sound(reading.Temperature, x.value, 400)
		l.Series = uint32(i + 1)
		s.Sensors = append(s.Sensors, Sensor{ID: "probe-" + id, Driver: "ds18b20", Bus: "w1", IntervalMs: 10_000, Last: []Last{l}})
		s.Guard.Watches = append(s.Guard.Watches, keptIn(id, x.label, "probe-"+id, x.low, x.high, x.value))
	}
	w := &s.Guard.Watches[1]
	w.State, w.Rule = WatchOut, w.Limits[0].Name
	w = &s.Guard.Watches[4]
	w.State, w.Rule, w.LeftMs = WatchPassed, w.Limits[0].Name, ptr(int64(9*60_000))
	w = &s.Guard.Watches[6]
	w.State, w.UnknownMs, w.AgeMs = WatchUnknown, 9*60_000, 9*60_000
	s.Guard.Alarms = []Alarm{
		{ID: "k3f9x2ab", Watch: "zone-2", Sensor: "probe-zone-2", Kind: kindExcursion, Severity: thermal.Alarm, Limit: "above 8 °C", Active: true, Times: 1, AgeMs: 14 * 60_000},
		{ID: "w8t5z1nn", Watch: "zone-7", Sensor: "probe-zone-7", Kind: kindUnknown, Severity: thermal.Warning, Active: true, Acknowledged: true, Times: 1, AgeMs: 9 * 60_000}}
	return s
}
