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
