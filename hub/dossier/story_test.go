package dossier

import (
	"strings"
	"testing"

	"frostline/hub/correlate/join"
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
