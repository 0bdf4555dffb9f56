package join

import (
	"fmt"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// cases are stories about package P, which is on a shelf in zone Z with sensor
// g/a from minute 0 to 60 unless bare.
var cases = []struct {
	name     string
	bare     bool
	tell     func(*story)
	readings measure
	now      int64
	want     []string
}{
	{name: "a shelf", tell: func(*story) {}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "attached again at the same instant: made later holds", tell: func(s *story) {
		s.put("b-in-y", "sensor/g/b", "zone/Y", -100, -100)
		s.put("p-in-y", "package/P", "zone/Y", 30, 40)
		s.put("p-in-x", "package/P", "zone/X", 30, 35)
	}, want: []string{"cold.1 in_range: 0-30 g/a in zone/Z 30-60 g/b in zone/Y"}},
	{name: "of statements made at one time the greater id holds", tell: func(s *story) {
		s.put("p-2", "package/P", "zone/Y", 30, 40)
		s.put("p-1", "package/P", "zone/X", 30, 40)
		s.put("b-in-y", "sensor/g/b", "zone/Y", -100, -100)
	}, want: []string{"cold.1 in_range: 0-30 g/a in zone/Z 30-60 g/b in zone/Y"}},
	{name: "a span without length is none", tell: func(s *story) {
		s.put("p-y", "package/P", "zone/Y", 30, 30)
		s.put("p-z", "package/P", "zone/Z", 30, 31)
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a correction of a correction", tell: func(s *story) {
		s.put("s1", "package/P", "zone/Y", 20, 20)
		s.put("s2", "package/P", "", 30, 50, corrects("s1"))
		s.put("s3", "package/P", "", 40, 60, corrects("s2"))
	}, want: []string{"cold.1 unknown: 0-40 g/a in zone/Z 40-60 (no attachment)"}},
	{name: "a correction of what nobody told waits", tell: func(s *story) {
		s.put("s2", "package/P", "", 30, 50, corrects("never"))
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "of two corrections the one made later holds, and may withdraw", tell: func(s *story) {
		s.put("s1", "package/P", "", 20, 20)
		s.put("s2", "package/P", "zone/Y", 25, 30, corrects("s1"))
		s.put("s3", "package/P", "", 20, 31, withdraws("s1"))
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "corrections in a circle hold nothing", tell: func(s *story) {
		s.put("s1", "package/P", "", 20, 20, corrects("s2"))
		s.put("s2", "package/P", "", 25, 30, corrects("s1"))
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a tote moves with the package in it", tell: func(s *story) {
		s.put("p-t", "package/P", "tote/T", 10, 10)
		s.put("t-z", "tote/T", "zone/Z", 0, 0)
		s.put("t-c", "tote/T", "compartment/C", 20, 20)
		s.put("b-c", "sensor/g/b", "compartment/C", -100, -100)
		s.put("t-?", "tote/T", "", 40, 40)
	}, want: []string{"cold.1 unknown: 0-20 g/a in zone/Z 20-40 g/b in compartment/C 40-60 (no sensor)"}},
	{name: "a sensor moves to another zone", tell: func(s *story) {
		s.put("a-y", "sensor/g/a", "zone/Y", 30, 30)
	}, want: []string{"cold.1 unknown: 0-30 g/a in zone/Z 30-60 (no sensor)"}},
	{name: "a sensor moves into the zone", tell: func(s *story) {
		s.put("a-y", "sensor/g/a", "zone/Y", 20, 20)
		s.put("b-y", "sensor/g/b", "zone/Y", -100, -100)
		s.put("b-z", "sensor/g/b", "zone/Z", 30, 30)
	}, want: []string{"cold.1 unknown: 0-20 g/a in zone/Z 20-30 (no sensor) 30-60 g/b in zone/Z"}},
	{name: "a logger is put in, in a hurry", tell: func(s *story) {
		s.put("own", "sensor/g/own", "logger/L", -100, -100)
		s.put("l-p", "logger/L", "package/P", 15, 15)
		s.put("l-off", "logger/L", "", 45, 45)
	}, want: []string{"cold.1 in_range: 0-15 g/a in zone/Z 15-45 g/own in logger/L in package/P 45-60 g/a in zone/Z"}},
	{name: "the last certificate ends, and the next in order takes over", bare: true, tell: func(s *story) {
		certified(s)
		s.put("b-in-z", "sensor/g/b", "zone/Z", -100, -100, rank(1))
		s.certificate("A", "g/a", -100, 30, 0)
		s.certificate("B", "g/b", -100, 50, 0)
	}, want: []string{"cold.1 unknown: 0-30 g/a in zone/Z 30-50 g/b in zone/Z 50-60 (no valid calibration)"}},
	{name: "two certificates that touch leave no hole", bare: true, tell: func(s *story) {
		certified(s)
		s.certificate("A", "g/a", -100, 30, 0)
		s.certificate("B", "g/a", 30, 100, 0)
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a sensor as accurate as wanted, then not", bare: true, tell: func(s *story) {
		certified(s, func(p *thermal.Profile) { p.Accuracy, p.Calibration = 500, false })
		s.certificate("A", "g/a", -100, 30, 500)
		s.certificate("B", "g/a", 30, 100, 501)
	}, want: []string{"cold.1 unknown: 0-30 g/a in zone/Z 30-60 (sensor not accurate)"}},
	{name: "what accuracy nobody has told is none", bare: true, tell: func(s *story) {
		certified(s, func(p *thermal.Profile) { p.Accuracy, p.Calibration = 500, false })
	}, want: []string{"cold.1 unknown: 0-60 (sensor not accurate)"}},
	{name: "accuracy is no margin: at the limit is at the limit", bare: true, tell: func(s *story) {
		certified(s, func(p *thermal.Profile) { p.Accuracy, p.Calibration = 500, false })
		s.certificate("A", "g/a", -100, 100, 500)
	}, readings: measure{"g/a": each(1, -10, 70, 8000)}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a profile of later does not judge what was packed before", tell: func(s *story) {
		s.profile("cold", 2, 30)
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "the version in force when it was packed does", tell: func(s *story) {
		s.profile("cold", 2, 0)
	}, want: []string{"cold.2 in_range: 0-60 g/a in zone/Z"}},
	{name: "packed again under a later version", tell: func(s *story) {
		s.profile("cold", 2, 30)
		s.packed(40, 70)
	}, want: []string{"cold.2 in_range: 40-60 g/a in zone/Z"}},
	{name: "two products, two profiles", tell: func(s *story) {
		s.profile("room", 1, -100, func(p *thermal.Profile) { p.LongestGap = 30_000 })
		s.tell(fact.ProductDefined, "product/x", -90, fact.ProductRecord{ID: "x", Name: "X", Profile: "cold"})
		s.tell(fact.ProductDefined, "product/y", -90, fact.ProductRecord{ID: "y", Name: "Y", Profile: "room"})
		s.unit("00312345678906.1", "x", "P", 0)
		s.unit("00312345678906.2", "y", "P", 0)
		s.unit("00312345678906.3", "z", "P", 0)
	}, want: []string{"missing product/z", "cold.1 in_range: 0-60 g/a in zone/Z", "room.1 unknown: 0-60 (sensor silent)"}},
	{name: "a unit that was packed twice has spent in both", tell: func(s *story) {
		eight := thermal.Temp(8000)
		s.tell(fact.ProductDefined, "product/x", -90, fact.ProductRecord{ID: "x", Name: "X", Profile: "cold", Budgets: []thermal.Budget{{Name: "room", Above: &eight, Allowed: 90 * minute, Source: "test"}}})
		s.tell(fact.PackageWasPacked, "package/O", -60, fact.PackagePacked{ID: "O", Profile: "cold", At: morning - 60*minute, Made: morning - 60*minute})
		s.tell(fact.PackageWasClosed, "package/O", -20, fact.PackageClosed{ID: "O", How: "repacked", At: morning - 20*minute, Made: morning - 20*minute})
		s.put("o-in-z", "package/O", "zone/Z", -60, -60)
		s.unit("00312345678906.1", "x", "O", -50)
		s.put("u-in-p", "unit/00312345678906.1", "package/P", 0, 0)
		s.put("u-out", "unit/00312345678906.1", "", 30, 30)
	}, readings: measure{"g/a": each(1, -70, 70, 9000)}, want: []string{"cold.1/x excursion: 0-60 g/a in zone/Z 00312345678906.1 room 60 min"}},
	{name: "packed in the future", tell: func(s *story) { s.packed(300, 70) }, want: []string{"cold.1 unknown:"}},
	{name: "to be packed soon", bare: true, now: -10, tell: func(s *story) {
		s.profile("cold", 1, -100)
		s.packed(0, -20)
	}, want: []string{"cold.1 unknown:"}},
	{name: "closed before it was packed", tell: func(s *story) { s.closed(-10, 80) }, want: []string{"cold.1 unknown:"}},
	{name: "what was retired keeps its meaning", tell: func(s *story) {
		for _, r := range []string{"zone/Z", "sensor/g/a", "profile/cold"} {
			s.tell(fact.RecordRetired, r, 20, fact.Retired{Subject: ref(r)})
		}
	}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a reading at the end counts up to it and not beyond", tell: func(*story) {},
		readings: measure{"g/a": append(each(1, 0, 60, 5000), dot{morning + 61*minute, 20_000, Usable})}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "nor does the line that leads there from before the beginning", tell: func(*story) {},
		readings: measure{"g/a": append([]dot{{morning - minute, 20_000, Usable}}, each(1, 0, 60, 5000)...)}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "a hole of the longest gap is monitored", tell: func(*story) {},
		readings: measure{"g/a": append(each(1, 0, 20, 5000), each(1, 25, 60, 5000)...)}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "and one a millisecond longer is not", tell: func(*story) {},
		readings: measure{"g/a": append(each(1, 0, 20, 5000), append([]dot{{morning + 25*minute + 1, 5000, Usable}}, each(1, 26, 60, 5000)...)...)},
		want:     []string{"cold.1 unknown: 0-20 g/a in zone/Z 20-25+1 (sensor silent) 25+1-60 g/a in zone/Z"}},
	{name: "readings further apart than the longest gap tell nothing between", tell: func(*story) {},
		readings: measure{"g/a": each(7, 0, 70, 5000)}, want: []string{"cold.1 unknown: 0-60 (sensor silent)"}},
	{name: "the logger reads too seldom for the profile", tell: func(s *story) {
		s.put("own", "sensor/g/own", "logger/L", -100, -100)
		s.put("l-p", "logger/L", "package/P", -10, -10)
	}, readings: measure{"g/a": each(1, 0, 70, 5000), "g/own": each(6, 0, 70, 5000)}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "the logger fails on its way", tell: func(s *story) {
		s.put("own", "sensor/g/own", "logger/L", -100, -100)
		s.put("l-p", "logger/L", "package/P", -10, -10)
	}, readings: measure{"g/a": each(1, 0, 70, 5000), "g/own": append(each(2, 0, 20, 5000), dot{morning + 22*minute, 85_000, Bad})},
		want: []string{"cold.1 in_range: 0-20 g/own in logger/L in package/P 20-60 g/a in zone/Z"}},
	{name: "bad readings and clocks in conflict are named", tell: func(*story) {},
		readings: measure{"g/a": append(append(each(1, 0, 20, 5000), dot{morning + 30*minute, 85_000, Bad}), append(each(1, 40, 45, 5000), dot{morning + 50*minute, 5000, Conflicting})...)},
		want:     []string{"cold.1 unknown: 0-20 g/a in zone/Z 20-40 (bad readings) 40-45 g/a in zone/Z 45-60 (clock sources in conflict)"}},
	{name: "two sensors of one rank: the lesser id vouches, the other is heard", tell: func(s *story) {
		s.put("b-z", "sensor/g/b", "zone/Z", -100, -100)
	}, readings: measure{"g/a": each(1, -5, 70, 5000), "g/b": append(each(1, -5, 20, 6000), append(each(1, 21, 30, 12_000), each(1, 31, 70, 6000)...)...)},
		want: []string{"cold.1 in_range: 0-60 g/a in zone/Z", "dissent of sensor/g/b in zone/Z: high at 20+20000, 6 to 12 in 60 min"}},
	{name: "rank goes before id", tell: func(s *story) {
		s.put("a-z", "sensor/g/a", "zone/Z", -50, -50, rank(1))
		s.put("b-z", "sensor/g/b", "zone/Z", -100, -100)
	}, readings: measure{"g/a": each(1, -5, 70, 1000), "g/b": each(1, -5, 70, 5000)},
		want: []string{"cold.1 in_range: 0-60 g/b in zone/Z", "dissent of sensor/g/a in zone/Z: low at 0, 1 to 1 in 60 min"}},
	{name: "a logger in the package dissents from another, the zone does not", tell: func(s *story) {
		s.put("own", "sensor/g/own", "logger/L", -100, -100)
		s.put("b", "sensor/g/b", "logger/M", -100, -100)
		s.put("l-p", "logger/L", "package/P", -10, -10)
		s.put("m-p", "logger/M", "package/P", -10, -10, rank(1))
	}, readings: measure{"g/a": each(1, -5, 70, 22_000), "g/own": each(1, -5, 70, 5000), "g/b": each(1, 10, 30, 9000)},
		want: []string{"cold.1 in_range: 0-60 g/own in logger/L in package/P", "dissent of sensor/g/b in logger/M in package/P: high at 10, 9 to 9 in 20 min"}},
	{name: "a crowd is not all heard, and that is said", tell: func(s *story) {
		for i := range MaxCompared + 2 {
			id := fmt.Sprintf("g/b%02d", i)
			s.put(id[2:]+"-z", "sensor/"+id, "zone/Z", -100, -100)
		}
	}, readings: measure{"g/a": each(1, -5, 70, 5000), "g/b07": each(1, -5, 70, 9000), "g/b33": each(1, -5, 70, 9000)},
		want: []string{"cold.1 in_range: 0-60 g/a in zone/Z", "2 unheard", "dissent of sensor/g/b07 in zone/Z: high at 0, 9 to 9 in 60 min"}},
	{name: "who is not taken does not dissent", bare: true, tell: func(s *story) {
		certified(s)
		s.put("b-z", "sensor/g/b", "zone/Z", -100, -100)
		s.certificate("A", "g/a", -100, 100, 0)
	}, readings: measure{"g/a": each(1, -5, 70, 5000), "g/b": each(1, -5, 70, 12_000)}, want: []string{"cold.1 in_range: 0-60 g/a in zone/Z"}},
	{name: "nor who says what the verdict says", tell: func(s *story) {
		s.put("b-z", "sensor/g/b", "zone/Z", -100, -100)
	}, readings: measure{"g/a": each(1, -5, 70, 9000), "g/b": each(1, -5, 70, 12_000)}, want: []string{"cold.1 excursion: 0-60 g/a in zone/Z"}},
	{name: "an open package is judged until its newest reading", bare: true, now: 50, tell: func(s *story) {
		s.profile("cold", 1, -100)
		s.packed(0, 0)
		s.put("a-in-z", "sensor/g/a", "zone/Z", -100, -100)
		s.put("p-in-z", "package/P", "zone/Z", 0, 0)
	}, readings: measure{"g/a": each(1, 0, 47, 5000)}, want: []string{"cold.1 in_range: 0-47 g/a in zone/Z"}},
	{name: "and when that is old, what followed is not known", bare: true, now: 53, tell: func(s *story) {
		s.profile("cold", 1, -100)
		s.packed(0, 0)
		s.put("a-in-z", "sensor/g/a", "zone/Z", -100, -100)
		s.put("p-in-z", "package/P", "zone/Z", 0, 0)
	}, readings: measure{"g/a": each(1, 0, 47, 5000)}, want: []string{"cold.1 unknown: 0-47 g/a in zone/Z 47-53 (sensor silent)"}},
}

// certified is the shelf under a profile that wants certificates.
func certified(s *story, change ...func(*thermal.Profile)) {
	s.profile("cold", 1, -100, append([]func(*thermal.Profile){func(p *thermal.Profile) { p.Calibration = true }}, change...)...)
	s.packed(0, 0)
	s.closed(60, 60)
	s.put("a-in-z", "sensor/g/a", "zone/Z", -100, -100)
	s.put("p-in-z", "package/P", "zone/Z", 0, 0)
}
