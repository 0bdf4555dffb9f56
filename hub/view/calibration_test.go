package view

import (
	"encoding/json"
	"strings"
	"testing"

	"frostline/proto/reading"
)

// Every reading that an expired certificate touches says so, in each form.
func TestExpiredCalibrationIsSaidOfEachReading(t *testing.T) {
	s := Series{Gateway: "van-1", Sensor: "box", Quantity: reading.Temperature}
	r := Reading{Epoch: 1, Boot: 2, Tick: 1000, Value: 5120, Dated: true, UTC: 1_789_365_600_000, Calibration: Calibration{Certificate: "C-1", State: "expired"}}
	var b strings.Builder
	c := NewCSV(&b)
	if err := c.Write(s, r); err != nil {
		t.Fatal(err)
	}
	r.Calibration = Calibration{Certificate: "=C-2", State: CalibrationValid}
	if err := c.Write(s, r); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{",boottime_ms,calibration,calibration_state\n", ",1000,C-1,expired\n", ",1000,'=C-2,valid\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the CSV lacks %q:\n%s", want, b.String())
		}
	}
	r.Calibration = Calibration{Certificate: "C-1", State: "expired"}
	j, err := json.Marshal(RecordOf(s, r))
	if err != nil || !strings.Contains(string(j), `"calibration":"C-1","calibration_state":"expired"`) {
		t.Errorf("JSON %s, %v", j, err)
	}
	for state, want := range map[string]string{"expired": "calibration expired", "not yet valid": "calibration not yet valid", CalibrationValid: "", CalibrationUndated: "calibration perhaps expired"} {
		if got := (Calibration{"C-1", state}).Remark(); got != want {
			t.Errorf("%s: got %q, want %q", state, got, want)
		}
	}
	if got := (Calibration{}).Remark(); got != "" {
		t.Errorf("none: got %q", got)
	}
}

func TestAlarmSays(t *testing.T) {
	a := Alarm{ID: "k3f9", Watch: "van-1-a", Sensor: "box", Severity: "alarm", Limit: "above 8 °C", Active: true}
	for want, change := range map[string]func(*Alarm){
		"van-1-a by box: above 8 °C, not acknowledged":                                         func(*Alarm) {},
		"van-1-a by box: above 8 °C (critical), acknowledged: door was open":                   func(a *Alarm) { a.Severity, a.Acknowledged, a.Reason = "critical", true, "door was open" },
		"van-1-a by box: above 8 °C, and is back, not acknowledged":                            func(a *Alarm) { a.Active = false },
		"van-1-a by box: unknown, the sensor gives nothing usable (warning), not acknowledged": func(a *Alarm) { a.Unknown, a.Limit, a.Severity = true, "", "warning" },
	} {
		x := a
		change(&x)
		if got := x.Says(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	g := Gateway{Alarms: []Alarm{a, {Active: false, Acknowledged: true}}}
	if n := len(g.OpenAlarms()); n != 1 {
		t.Errorf("%d open, want 1", n)
	}
}
