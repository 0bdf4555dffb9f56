package catalog

import (
	"fmt"
	"strings"
	"time"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const (
	day = int64(24 * time.Hour / time.Millisecond)
	// longestCalibration is more than any accreditation gives.
	longestCalibration = 10 * 366 * day
	longestBudget      = 20 * 366 * day
	mostBudgets        = 16
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
		if inside, ok := ndcInGTIN(gtin14(r.GTIN)); ok && what == "" && len(digits) == 10 && digits != inside {
			c.add("ndc", r.NDC, "is not the code within gtin "+r.GTIN+", which has the digits "+inside, "read both again where they were printed")
		}
	}
	c.activation(r.Activation)
	c.budgets("budgets", r.Budgets)
}

func (c *checker) activation(j int64) {
	if j != 0 && (j < 10_000 || j > 1_000_000) {
		c.add("activation", j, "cannot be an activation energy", "want 10000 to 1000000 J/mol, or 0 for the default")
	}
}

// budgets are known by their names, when verdicts tell what was spent.
func (c *checker) budgets(field string, all []thermal.Budget) {
	if len(all) > mostBudgets {
		c.add(field, len(all), "are too many", fmt.Sprintf("give at most %d", mostBudgets))
		return
	}
	seen := map[string]bool{}
	for i, b := range all {
		at := fmt.Sprintf("%s[%d].", field, i)
		c.text(at+"name", b.Name, maxName, true)
		if seen[b.Name] {
			c.add(at+"name", b.Name, "is the name of an earlier budget", "give each a name of its own")
		}
		seen[b.Name] = true
		c.text(at+"source", b.Source, maxText, true)
		c.degrees(at+"above", b.Above)
		c.degrees(at+"below", b.Below)
		switch {
		case b.Above == nil && b.Below == nil:
			c.add(at+"above", nil, "the band has no limit", "give above, below or both")
		case b.Above != nil && b.Below != nil && *b.Above >= *b.Below:
			c.add(at+"above", *b.Above, fmt.Sprintf("is not below %s: the band is empty", *b.Below), "the band lies between above and below")
		}
		if b.Allowed <= 0 || b.Allowed > longestBudget {
			c.add(at+"allowed", b.Allowed, "cannot be allowed", "want more than 0 and at most 20 years, in milliseconds in JSON")
		}
	}
}

func (c *checker) degrees(field string, t *thermal.Temp) {
	if t != nil && (*t < thermal.AbsoluteZero || *t > 1_000_000) {
		c.add(field, *t, "is no temperature of a package", "want degrees Celsius, from absolute zero to 1000")
	}
}
