package thermal

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// line makes a history of readings a second apart.
func line(values ...float64) *History {
	s := Stretch{Source: "s"}
	for i, v := range values {
		s.Samples = append(s.Samples, Sample{int64(i) * second, Temp(math.Round(v * 1000))})
	}
	s.To = s.Samples[len(s.Samples)-1].At
	return &History{To: s.To, Stretches: []Stretch{s}}
}

func one(l Limit) *Profile {
	if l.Name == "" {
		l.Name = "limit"
	}
	if l.Timer == "" {
		l.Timer = Single
	}
	if l.Severity == "" {
		l.Severity = Alarm
	}
	return &Profile{ID: "p", Version: 1, Name: "p", LongestGap: 10 * second, Limits: []Limit{l}}
}

// events as "from-to duration ended alarm peak@at area", instants and durations in ms.
func events(v Verdict) string {
	var out []string
	for _, e := range v.Excursions {
		alarm := "-"
		if e.Broken {
			alarm = fmt.Sprint(e.Alarm)
		}
		out = append(out, fmt.Sprintf("%d-%d %d %s %s %s@%d", e.From, e.To, e.Duration, e.Ended, alarm, e.Peak, e.PeakAt))
	}
	return strings.Join(out, "; ")
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit Limit
		h     *History
		want  string
	}{
		{"crossings are linear", Limit{Op: Above, At: 8000}, line(7, 9, 7), "500-1500 1000 returned 500 9@1000"},
		{"crossings are rounded, halves up", Limit{Op: Above, At: 8000}, line(7.999, 9.999, 7.999), "1-2000 1999 returned 1 9.999@1000"},
		{"touching is not beyond", Limit{Op: Above, At: 8000}, line(7, 8, 7), ""},
		{"touching is beyond at or above", Limit{Op: AtOrAbove, At: 8000}, line(7, 8, 7), "1000-1000 0 returned 1000 8@1000"},
		{"touching takes no time", Limit{Op: AtOrAbove, At: 8000, Delay: 1}, line(7, 8, 7), "1000-1000 0 returned - 8@1000"},
		{"staying at the limit is not beyond", Limit{Op: Above, At: 8000}, line(8, 8, 8), ""},
		{"staying at the limit is beyond at or above", Limit{Op: AtOrAbove, At: 8000, Delay: 2000}, line(8, 8, 8), "0-2000 2000 end 2000 8@0"},
		{"touching from above parts two events", Limit{Op: Above, At: 8000}, line(9, 8, 9), "0-1000 1000 returned 0 9@0; 1000-2000 1000 end 1000 9@2000"},
		{"touching from above is one event at or above", Limit{Op: AtOrAbove, At: 8000}, line(9, 8, 9), "0-2000 2000 end 0 9@0"},
		{"below", Limit{Op: Below, At: 2000}, line(3, 1, 3), "500-1500 1000 returned 500 1@1000"},
		{"at or below", Limit{Op: AtOrBelow, At: 2000}, line(3, 2, 3), "1000-1000 0 returned 1000 2@1000"},
		{"the delay is reached", Limit{Op: Above, At: 8000, Delay: 1000}, line(7, 9, 7), "500-1500 1000 returned 1500 9@1000"},
		{"the delay is missed by a millisecond", Limit{Op: Above, At: 8000, Delay: 1001}, line(7, 9, 7), "500-1500 1000 returned - 9@1000"},
		{"a single timer starts anew", Limit{Op: Above, At: 8000, Delay: 1500}, line(7, 9, 7, 9, 7), "500-1500 1000 returned - 9@1000; 2500-3500 1000 returned - 9@3000"},
		{"a cumulative one does not", Limit{Op: Above, At: 8000, Delay: 1500, Timer: Cumulative}, line(7, 9, 7, 9, 7, 9, 7), "500-1500 1000 returned - 9@1000; 2500-3500 1000 returned 3000 9@3000; 4500-5500 1000 returned 4500 9@5000"},
		{"a deadband holds an event, not its clock", Limit{Op: Above, At: 8000, Delay: 1500, Deadband: 1500}, line(7, 9, 7, 9, 7, 5), "500-4250 2000 returned 3000 9@1000"},
		{"a deadband that is reached ends it", Limit{Op: Above, At: 8000, Delay: 1500, Deadband: 1000}, line(7, 9, 7, 9, 7), "500-2000 1000 returned - 9@1000; 2500-4000 1000 returned - 9@3000"},
		{"beyond from the beginning to the end", Limit{Op: Above, At: 8000, Delay: 1500}, line(9, 10, 9), "0-2000 2000 end 1500 10@1000"},
		{"one reading", Limit{Op: Above, At: 8000}, line(9), "0-0 0 end 0 9@0"},
	} {
		if got := events(judge(t, one(c.limit), c.h)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestUnknownIsAState: what nobody saw is neither in range nor out of it, and
// hides nothing that was seen.
func TestUnknownIsAState(t *testing.T) {
	gap := func(values ...float64) *History { // of 11 s after the second reading
		h := line(values...)
		for i := range h.Stretches[0].Samples[2:] {
			h.Stretches[0].Samples[2+i].At += 10_001
		}
		h.To += 10_001
		h.Stretches[0].To = h.To
		return h
	}
	above := one(Limit{Op: Above, At: 8000, Delay: 1500})
	for _, c := range []struct {
		name    string
		p       *Profile
		h       *History
		outcome Outcome
		events  string
		lost    int64
		reason  string
	}{
		{"no gap", above, line(5, 5, 5), InRange, "", 0, ""},
		{"a gap of the longest that is allowed", above, &History{To: 10_000, Stretches: []Stretch{{To: 10_000, Samples: []Sample{{0, 5000}, {10_000, 5000}}}}}, InRange, "", 0, ""},
		{"a gap a millisecond longer", above, &History{To: 12_001, Stretches: []Stretch{{To: 12_001, Samples: []Sample{{0, 5000}, {1000, 5000}, {2000, 5000}, {12_001, 5000}}}}}, Unknown, "", 10_001, ReasonLongGap},
		{"a gap in range", above, gap(5, 5, 5, 5), Unknown, "", 11_001, ReasonLongGap},
		{"time beyond is not counted across a gap", above, gap(9, 9, 9, 9), Unknown, "0-1000 1000 unmonitored - 9@0; 12001-13001 1000 end - 9@12001", 11_001, ReasonLongGap},
		{"a gap does not excuse what broke before it", one(Limit{Op: Above, At: 8000}), gap(9, 5, 5, 5), Excursion, "0-250 250 returned 0 9@0", 11_001, ReasonLongGap},
		{"a lone reading beyond is known", one(Limit{Op: Above, At: 8000}), gap(5, 5, 9), Excursion, "12001-12001 0 end 12001 9@12001", 11_001, ReasonLongGap},
		{"nothing at all", above, &History{To: 1000}, Unknown, "", 1000, ReasonUntold},
		{"no time at all", above, &History{}, Unknown, "", 0, ""},
		{"a lone reading in range", above, line(5), Unknown, "", 0, ""},
		{"nothing before the first reading", above, &History{To: 2000, Stretches: []Stretch{{To: 2000, Samples: []Sample{{1000, 5000}, {2000, 5000}}}}}, Unknown, "", 1000, ReasonNoReading},
		{"nothing after the last reading", above, &History{To: 2000, Stretches: []Stretch{{To: 2000, Samples: []Sample{{0, 5000}, {1000, 5000}}}}}, Unknown, "", 1000, ReasonNoReading},
		{"a reason that is told", above, &History{To: 2000, Unmonitored: []Unmonitored{{0, 2000, "sensor lost"}}}, Unknown, "", 2000, "sensor lost"},
	} {
		v := judge(t, c.p, c.h)
		reason := ""
		if len(v.Gaps) > 0 {
			reason = v.Gaps[0].Reason
		}
		if v.Outcome != c.outcome || events(v) != c.events || v.Unmonitored != c.lost || reason != c.reason {
			t.Errorf("%s:\n got %s, %q, %d ms, %q\nwant %s, %q, %d ms, %q", c.name, v.Outcome, events(v), v.Unmonitored, reason, c.outcome, c.events, c.lost, c.reason)
		}
		if v.Monitored+v.Unmonitored != v.To-v.From || v.InRange+v.OutOfRange != v.Monitored {
			t.Errorf("%s: %d monitored and %d not, of %d; %d in range and %d out of it", c.name, v.Monitored, v.Unmonitored, v.To-v.From, v.InRange, v.OutOfRange)
		}
	}
}

func TestWarningsDoNotMakeExcursions(t *testing.T) {
	v := judge(t, one(Limit{Op: Above, At: 8000, Severity: Warning}), line(7, 9, 7))
	if v.Outcome != InRange || v.Severity != Warning || v.Limits[0].State != Excursion {
		t.Errorf("got %s %s %+v", v.Outcome, v.Severity, v.Limits)
	}
}

func TestAreaIsExact(t *testing.T) {
	v := judge(t, one(Limit{Op: Above, At: 8000}), line(7, 9, 10, 10, 6)) // 0.25 + 1.5 + 2 + 0.5 kelvin seconds
	if got, want := v.Excursions[0].Area, 0.001181; got != want {
		t.Errorf("got %v K·h, want %v", got, want)
	}
}

// TestHandOver: the curve may jump where one source takes over from another;
// an event goes on if both are beyond.
func TestHandOver(t *testing.T) {
	h := &History{To: 4000, Stretches: []Stretch{
		{To: 2000, Source: "a", Samples: []Sample{{0, 9000}, {3000, 9000}}},
		{From: 2000, To: 4000, Source: "b", Samples: []Sample{{1000, 10_000}, {5000, 10_000}}}}}
	v := judge(t, one(Limit{Op: Above, At: 8000, Delay: 4000}), h)
	if got, want := events(v), "0-4000 4000 end 4000 10@2000"; got != want || v.Excursions[0].Source != "a" {
		t.Errorf("got %s of %+v, want %s", got, v.Excursions, want)
	}
	h.Stretches[1].Samples = []Sample{{1000, 5000}, {5000, 5000}}
	if got, want := events(judge(t, one(Limit{Op: Above, At: 8000}), h)), "0-2000 2000 returned 0 9@0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestListsAreBounded(t *testing.T) {
	var values []float64
	for i := range 2000 {
		values = append(values, 7, 8.5+float64(i)/1000)
	}
	p := one(Limit{Op: Above, At: 8000, Delay: 400})
	p.LongestGap = second
	h := line(values...)
	for i := range h.Stretches[0].Samples { // and many gaps
		h.Stretches[0].Samples[i].At += int64(i/10) * 5000
	}
	h.To = h.Stretches[0].Samples[len(values)-1].At
	h.Stretches[0].To = h.To
	v := judge(t, p, h)
	l := v.Limits[0]
	if len(v.Excursions) != MaxEvents || v.ExcursionsOmitted+MaxEvents != l.Events || l.Events < 1500 {
		t.Errorf("%d listed, %d omitted of %d", len(v.Excursions), v.ExcursionsOmitted, l.Events)
	}
	if len(v.Gaps) != MaxGaps || v.GapsOmitted+MaxGaps != 399 {
		t.Errorf("%d gaps listed, %d omitted", len(v.Gaps), v.GapsOmitted)
	}
	for _, e := range v.Excursions {
		if !e.Broken {
			t.Fatalf("an allowed event is listed where %d that broke the rule would fill the list", l.Alarms)
		}
	}
	shortest := v.Excursions[0].Duration
	for _, e := range v.Excursions {
		shortest = min(shortest, e.Duration)
	}
	if shortest*10 < l.Longest*9 {
		t.Errorf("an event of %d ms is listed where the longest has %d: want the longest kept", shortest, l.Longest)
	}
	if b, err := v.Canonical(); err != nil || len(b) > 100_000 {
		t.Errorf("canonical JSON of %d bytes, %v", len(b), err)
	}
}

// TestEvaluatorRefuses: an error names what is wrong, and changes nothing.
func TestEvaluatorRefuses(t *testing.T) {
	e, err := NewEvaluator(one(Limit{Op: Above, At: 8000}), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Add(Sample{0, 5000}); err == nil {
		t.Error("a reading outside a stretch was taken")
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(e.Begin(0, "s"))
	for i := range int64(5) {
		must(e.Add(Sample{i * 1000, 5000}))
	}
	before := asJSON(t, verdict(t, e, 4000))
	for name, err := range map[string]error{
		"same instant":    e.Add(Sample{4000, 5000}),
		"earlier":         e.Add(Sample{3000, 5000}),
		"absolute zero":   e.Add(Sample{5000, AbsoluteZero}),
		"too warm":        e.Add(Sample{5000, MaxTemp + 1}),
		"far future":      e.Add(Sample{maxInstant + 1, 5000}),
		"begin in past":   e.Begin(3999, "t"),
		"until in past":   e.Until(3999),
		"lost in past":    e.Unmonitored(3999, "r"),
		"lost for no why": e.Unmonitored(5000, ""),
		"verdict on past": func() error { _, err := e.Verdict(3999); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if after := asJSON(t, verdict(t, e, 4000)); string(after) != string(before) {
		t.Errorf("refusals changed the verdict:\n%s\n%s", before, after)
	}
}

func verdict(t interface{ Fatalf(string, ...any) }, e *Evaluator, to int64) Verdict {
	v, err := e.Verdict(to)
	if err != nil {
		t.Fatalf("verdict: %v", err)
	}
	return v
}

// TestFollowingWindowEndsWithItsExcursion: where an excursion ends at the very
// instant at which its window is full, the window ends there and not later.
func TestFollowingWindowEndsWithItsExcursion(t *testing.T) {
	p := one(Limit{Op: Above, At: 30_000})
	p.LongestGap = hour
	p.MKT = &MKTRule{Limit: 6000, Op: Above, Window: 720 * second, Anchor: AnchorFollowing}
	for name, after := range map[string][]Sample{
		"goes on":              {{1440 * second, 4000}},
		"knowledge ends there": nil,
	} {
		s := Stretch{To: 1440 * second, Samples: append([]Sample{{0, 8000}, {720 * second, 6000}}, after...)}
		v := judge(t, p, &History{To: s.To, Stretches: []Stretch{s}})
		if w := v.MKT.Worst; w == nil || w.From != 0 || w.To != 720*second || w.Monitored != 720*second || v.MKT.Windows != 1 {
			t.Errorf("%s: got %+v of %d windows, want one from 0 to 720 s", name, w, v.MKT.Windows)
		}
	}
}
