package config

import (
	"reflect"
	"strings"
	"testing"

	"frostline/proto/calibration"
)

func calibrated(text string) string {
	return "sensors:\n  - id: box\n    driver: sht4x\n    bus: /dev/i2c-1\n    address: 0x44\n    calibration: {" + text + "}\n"
}

const validity = "certificate: C-1, issuer: Lab 12, valid-from: 2026-01-15, valid-until: '2027-01-15T12:00:00+01:00'"

func TestCalibration(t *testing.T) {
	for text, want := range map[string][]calibration.Point{
		"offset: 0.12":   {{Measured: 0, Actual: 120}},
		"offset: -0.125": {{Measured: 0, Actual: -125}},
		"offset: 0":      {{Measured: 0, Actual: 0}},
		"points: [{measured: -0.2, actual: 0}, {measured: 49.7, actual: 50}]": {{Measured: -200, Actual: 0}, {Measured: 49_700, Actual: 50_000}},
	} {
		c, _, err := Parse([]byte(calibrated(validity+", "+text)), bench)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, ok := c.Sensors[0].Calibration.Read()
		if !ok || !reflect.DeepEqual(got, calibration.Certificate{ID: "C-1", Issuer: "Lab 12", ValidFrom: 1_768_435_200_000, ValidUntil: 1_800_010_800_000, Points: want}) {
			t.Errorf("%s: got %+v, %v", text, got, ok)
		}
	}
	c, _, err := Parse([]byte(twoSensors), bench)
	if _, ok := c.Sensors[0].Calibration.Read(); ok || err != nil {
		t.Errorf("a calibration out of nothing, %v", err)
	}
}

func TestCalibrationRefused(t *testing.T) {
	for text, want := range map[string]string{
		"offset: 0.12": "valid-from",
		"certificate: C-1, issuer: L, valid-from: 2026-01-15, offset: 1":                          "valid-until",
		"certificate: C-1, issuer: L, valid-from: 2026-01-15, valid-until: 2026-01-15, offset: 1": "end after",
		"issuer: L, valid-from: 2026-01-15, valid-until: 2027-01-15, offset: 1":                   "certificate",
		"certificate: C-1, issuer: L, valid-from: 15.1.2026, valid-until: 2027-01-15, offset: 1":  "want a day",
		validity: "either offset or two points",
		validity + ", offset: 1, points: [{}, {}]":                                  "either offset or two points",
		validity + ", offset: 0.1234":                                               "three decimals",
		validity + ", offset: warm":                                                 "three decimals",
		validity + ", offset: 0.-5":                                                 "three decimals",
		validity + ", offset: 21":                                                   "replace the sensor",
		validity + ", points: [{measured: 1, actual: 1}]":                           "either offset or two points",
		validity + ", points: [{measured: 1, actual: 1}, {measured: 5}]":            "both measured and actual",
		validity + ", points: [{measured: 5, actual: 5}, {measured: 1, actual: 1}]": "ascending",
	} {
		if _, _, err := Parse([]byte(calibrated(text)), bench); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %q", text, err, want)
		}
	}
	lid := strings.Replace(twoSensors, "bus: GPIO17}", "bus: GPIO17, calibration: {"+validity+", offset: 1}}", 1)
	if _, _, err := Parse([]byte(lid), bench); err == nil || !strings.Contains(err.Error(), "measures no temperature") {
		t.Errorf("a calibrated door: %v", err)
	}
}
