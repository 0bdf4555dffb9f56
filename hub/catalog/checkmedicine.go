package catalog

import (
	"fmt"
	"strings"
	"time"

	"frostline/hub/fact"
	"frostline/proto/gs1"
	"frostline/proto/thermal"
)

const (
	day = int64(24 * time.Hour / time.Millisecond)
	// longestCalibration is more than any accreditation gives.
	longestCalibration = 10 * 366 * day
)

func (c *checker) calibration(r fact.CalibrationRecord) {
	c.ref("sensor", fact.Ref{Kind: fact.Sensor, ID: r.Sensor}, true)
	c.text("lab", r.Lab, maxName, true)
	c.text("document", r.Document, maxText, false)
	c.accuracy(r.Accuracy, true)
	ok := true
	for _, t := range []struct {
		field string
		ms    int64
	}{{"from", r.From}, {"until", r.Until}} {
		if fact.CheckTime(t.field, t.ms) != nil {
			c.add(t.field, t.ms, "is not between the years 2000 and 2200", "give a day or time, in milliseconds of Unix time in JSON")
			ok = false
		}
	}
	switch {
	case !ok:
	case r.Until <= r.From:
		c.add("until", stamp(r.Until), "is not after from", "until is the first instant at which the certificate no longer holds")
	case r.Until-r.From > longestCalibration:
		c.add("until", stamp(r.Until), "is more than ten years after from", "read the certificate again")
	}
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func (c *checker) product(r fact.ProductRecord) {
	c.text("name", r.Name, maxName, true)
	c.ref("profile", fact.Ref{Kind: fact.Profile, ID: r.Profile}, true)
	if r.GTIN != "" {
		what, remedy := checkKey("GTIN", r.GTIN, 8, 12, 13, 14)
		c.add("gtin", r.GTIN, what, remedy)
	}
	if r.NDC != "" {
		what, remedy := checkNDC(r.NDC)
		c.add("ndc", r.NDC, what, remedy)
		digits := strings.ReplaceAll(r.NDC, "-", "")
		if inside, _, err := gs1.NDCOf(r.GTIN); err == nil && what == "" && len(digits) == 10 && digits != inside.Digits() {
			c.add("ndc", r.NDC, "is not the code within gtin "+r.GTIN+", which has the digits "+inside.Digits(), "read both again where they were printed")
		}
	}
	if r.Activation != 0 && (r.Activation < thermal.MinActivation || r.Activation > thermal.MaxActivation) {
		c.add("activation", r.Activation, "cannot be an activation energy", fmt.Sprintf("want %d to %d J/mol, or 0 for the profile's", thermal.MinActivation, thermal.MaxActivation))
	}
	c.sources(r.Budgets)
	c.errs(thermal.ValidateBudgets(r.Budgets))
}
