package dossier

import (
	"strings"
	"testing"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// TestSummaryHidesNothing: a warning and a sensor that dissents are said in the
// same breath as a verdict that is in range.
func TestSummaryHidesNothing(t *testing.T) {
	low, high := thermal.Temp(4000), thermal.Temp(31_000)
	j := Judgement{Profile: thermal.Profile{ID: "crt", Name: "Room"}, Verdict: thermal.Verdict{Outcome: thermal.InRange, Monitored: 3_600_000, Min: &low, Max: &high}}
	if got := j.Summary(); !strings.Contains(got, "no rule of Room was broken.") {
		t.Errorf("in range: %s", got)
	}
	j.Verdict.Severity = thermal.Warning
	if got := j.Summary(); strings.Contains(got, "no rule of Room was broken.") || !strings.Contains(got, "one that warns") {
		t.Errorf("warned: %s", got)
	}
	j.Dissent = []join.Dissent{{Source: "sensor/g/b in zone/Z", Limits: []string{"above 40 °C"}, At: 1_790_000_000_000, Min: 5000, Max: 41_000, Compared: 60_000}}
	if got := j.Summary(); !strings.Contains(got, "sensor/g/b in zone/Z, which did not vouch, saw above 40 °C broken") || !strings.Contains(got, "41 °C") {
		t.Errorf("dissent: %s", got)
	}
	j.Unheard = 7
	if got := j.Summary(); !strings.HasSuffix(got, " 7 more sensors in the same place were not compared.") {
		t.Errorf("unheard: %s", got)
	}
}

func TestMKTRuleNamesTheWindowThatDecides(t *testing.T) {
	limit := thermal.Temp(8_000)
	m := &thermal.MKT{Value: 5_786, Limit: &limit, Op: thermal.Above, Window: 24 * 3_600_000,
		Worst: &thermal.MKTWindow{Value: 5_912, From: 1_790_000_000_000, To: 1_790_003_600_000}}
	want := "kept: the warmest window is 5.912 °C, from 21 Sep 2026 14:13:20 to 21 Sep 2026 15:13:20; broken where a window of 1 d is above 8 °C"
	if got := MKTRule(m); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Broken = true
	if got := MKTRule(m); !strings.HasPrefix(got, "broken: ") {
		t.Errorf("a broken rule: got %q", got)
	}
	if got := MKTRule(&thermal.MKT{Value: 5_786}); got != "" {
		t.Errorf("without a rule: got %q", got)
	}
}

// A limit far below what was measured must not leave the chart without room.
func TestAxisLeavesRoomToSee(t *testing.T) {
	low, high := thermal.Temp(-50_000), thermal.Temp(-15_000)
	j := Judgement{Profile: thermal.Profile{Low: &low, High: &high}, Chart: Chart{Columns: []Column{{Min: -21_000, Max: -20_000}, {Min: -12_000, Max: -11_000}}}}
	if from, to := j.Bounds(); from < -25_000 || to > -9_000 || from > -21_000 || to < -11_000 {
		t.Errorf("axis from %s to %s", from, to)
	}
	j.Chart.Columns = j.Chart.Columns[:1]
	if from, to := j.Bounds(); from < -25_000 || to < -15_000 {
		t.Errorf("axis from %s to %s: want the near limit on it", from, to)
	}
}

// What goes on is told as it stands now, and not as it stood when it was last
// recorded; where that is not looked up, no number is told that has aged.
func TestStoryOfWhatGoesOn(t *testing.T) {
	bound, peak := thermal.Temp(8_000), thermal.Temp(8_062)
	c := Case{Place: "zone/cold", Facts: fact.ExcursionFacts{Package: "P7", Profile: "p", Version: 1, Kind: fact.BrokenLimit, Limit: "above 8 °C", Op: thermal.Above, Bound: &bound,
		From: 1_790_000_000_000, To: 1_790_000_005_000, Ended: thermal.Ongoing, Alarm: 1_790_000_000_000, Peak: &peak, PeakAt: 1_790_000_005_000, Duration: 5_000}}
	if got := strings.Join(c.Story(), " "); strings.Contains(got, "8.062") || strings.Contains(got, "5 s") || !strings.Contains(got, "has been above 8 °C since 21 Sep 2026 14:13:20, when") {
		t.Errorf("as recorded: %s", got)
	}
	p := Package{Judgements: []Judgement{{Profile: thermal.Profile{ID: "p", Version: 1}, Verdict: thermal.Verdict{Excursions: []thermal.Event{
		{Limit: "above 8 °C", From: 1_789_990_000_000, To: 1_789_991_000_000, Ended: thermal.Returned, Peak: 12_000},
		{Limit: "above 8 °C", From: 1_790_000_000_000, To: 1_790_000_840_000, Ended: thermal.Ongoing, Duration: 840_000, Peak: 9_250, PeakAt: 1_790_000_600_000}}}}}}
	c.Live = p.live(&c.Facts)
	if got := strings.Join(c.Story(), " "); !strings.Contains(got, "for 14 min so far") || !strings.Contains(got, "worst so far is 9.25 °C") {
		t.Errorf("live: %s", got)
	}
	c.Facts.Ended = thermal.Returned
	if c.Live = p.live(&c.Facts); c.Live != nil || !strings.Contains(strings.Join(c.Story(), " "), "8.062 °C") {
		t.Errorf("over: got %+v %s", c.Live, c.Story())
	}
	c.Facts.Kind, c.Facts.Ended, c.Facts.Why, c.Place = fact.Unmonitored, thermal.Ongoing, join.NoAttachment, ""
	if got := c.Story()[0]; got != "Nothing has vouched for package P7 since 21 Sep 2026 14:13:20: nobody has said where it was." {
		t.Errorf("unknown: %s", got)
	}
}

// TestStoryAddsUp: where an excursion took longer than the time beyond the limit,
// the story says what the rest was.
func TestStoryAddsUp(t *testing.T) {
	const from, minute = 1_790_000_000_000, 60_000
	bound := thermal.Temp(8000)
	c := Case{Facts: fact.ExcursionFacts{Package: "P7", Kind: fact.BrokenLimit, Op: thermal.Above, Bound: &bound, From: from, To: from + 44*minute, Duration: 42 * minute, Ended: thermal.Returned}}
	if got := strings.Join(c.Story(), " "); !strings.Contains(got, "was above 8 °C for 42 min, from 21 Sep 2026 14:13:20 to 14:57:20. In that time it was back within the limit for 2 min, by too little to end it.") {
		t.Errorf("within the deadband: %s", got)
	}
	c.Facts.Duration = 44 * minute
	if got := strings.Join(c.Story(), " "); strings.Contains(got, "In that time") {
		t.Errorf("beyond all the time: %s", got)
	}
}

func TestSpendingsSayWhatNobodyKnows(t *testing.T) {
	u := Unit{Budgets: []thermal.BudgetState{{Name: "room", Allowed: 28 * 86_400_000, Before: 27 * 86_400_000, Spent: 3_600_000}}}
	if got := u.Spendings(); len(got) != 1 || got[0] != "room: 27 d 1 h of 28 d used" {
		t.Errorf("got %q", got)
	}
	u.Budgets[0].Spent, u.Budgets[0].Broken, u.Unmonitored = 86_400_000+26*60_000, true, 6*3_600_000
	if got := u.Spendings(); got[0] != "room: all 28 d used, and 26 min more, not counting 6 h that nobody knows of" {
		t.Errorf("got %q", got)
	}
}
