package catalog

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"frostline/hub/catalog/sheet"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Problem is one thing that is wrong with a record.
type Problem = sheet.Mistake

// Bounds on texts, in characters.
const (
	maxName = 200
	maxText = 500
)

// checker collects what is wrong with one record.
type checker struct{ problems []Problem }

func (c *checker) add(field string, value any, what, remedy string) {
	if what == "" {
		return
	}
	text := fmt.Sprint(value)
	if value == nil {
		text = ""
	}
	c.problems = append(c.problems, Problem{Field: field, Value: sheet.Clip(text), What: what, Remedy: remedy})
}

// text checks what people wrote.
func (c *checker) text(field, s string, most int, required bool) {
	switch {
	case s == "" && required:
		c.add(field, nil, "is empty", "give one")
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		c.add(field, s, "has characters that could not be read", "write it as UTF-8")
	case utf8.RuneCountInString(s) > most:
		c.add(field, s, fmt.Sprintf("has %d characters, and may have %d", utf8.RuneCountInString(s), most), "shorten it")
	case strings.TrimSpace(s) != s:
		c.add(field, s, "begins or ends with a space", "take it away")
	case strings.ContainsFunc(s, hidden):
		c.add(field, fmt.Sprintf("%+q", s), "has control characters or ones that hide or turn others", "write it in one line of visible characters")
	}
}

// hidden are characters that make a text look like another: controls, and the
// format characters that turn or hide what is around them. Joiners that
// scripts need are not among them.
func hidden(r rune) bool {
	switch {
	case r == '\u200c' || r == '\u200d':
		return false
	case r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Co, r):
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

func (c *checker) word(field, s string, words []string) {
	if !slices.Contains(words, s) {
		c.add(field, s, "is not one of the words known", "want one of "+strings.Join(words, ", "))
	}
}

// ref checks the shape of an id.
func (c *checker) ref(field string, r fact.Ref, required bool) {
	if r.ID == "" {
		if required {
			c.add(field, nil, "is empty", "give the id of a "+string(r.Kind))
		}
		return
	}
	if err := r.Check(); err != nil {
		remedy := "ids have 1 to 64 letters, digits and ._:+-, and begin with a letter or digit"
		if r.Kind == fact.Sensor {
			remedy = "write GATEWAY/SENSOR, each with 1 to 64 letters, digits and ._:+-"
		}
		c.add(field, r.ID, "is no id of a "+string(r.Kind), remedy)
	}
}

func (c *checker) gln(s string) {
	if s != "" {
		what, remedy := checkKey("GLN", s, 13)
		c.add("gln", s, what, remedy)
	}
}

// check lists what is wrong with a record by itself. Fields are named as in
// its JSON; those of a profile begin at the profile.
func check(record fact.Record) []Problem {
	var c checker
	if _, ok := record.(fact.ProfileRecord); !ok {
		c.ref("id", record.Ref(), true)
	}
	switch r := record.(type) {
	case fact.SiteRecord:
		c.text("name", r.Name, maxName, true)
		c.gln(r.GLN)
		c.text("address", r.Address, maxText, false)
		c.position(r.Position)
	case fact.ZoneRecord:
		c.ref("site", fact.Ref{Kind: fact.Site, ID: r.Site}, true)
		c.text("name", r.Name, maxName, true)
		c.ref("profile", fact.Ref{Kind: fact.Profile, ID: r.Profile}, false)
	case fact.VehicleRecord:
		c.text("name", r.Name, maxName, true)
		c.word("type", r.Type, fact.VehicleTypes)
	case fact.CompartmentRecord:
		c.ref("vehicle", fact.Ref{Kind: fact.Vehicle, ID: r.Vehicle}, true)
		c.text("name", r.Name, maxName, true)
		c.ref("profile", fact.Ref{Kind: fact.Profile, ID: r.Profile}, false)
	case fact.GatewayRecord:
		c.text("name", r.Name, maxName, false)
		c.ref("site", fact.Ref{Kind: fact.Site, ID: r.Site}, false)
		c.ref("vehicle", fact.Ref{Kind: fact.Vehicle, ID: r.Vehicle}, false)
		if r.Site != "" && r.Vehicle != "" {
			c.add("vehicle", r.Vehicle, "is given, and a site too", "a gateway is at a site or in a vehicle: give one")
		}
	case fact.SensorRecord:
		c.text("name", r.Name, maxName, false)
		c.text("model", r.Model, maxName, false)
		c.text("serial", r.Serial, maxName, false)
		c.accuracy(r.Accuracy, false)
	case fact.ToteRecord:
		c.text("name", r.Name, maxName, false)
		c.text("type", r.Type, maxName, false)
	case fact.LoggerRecord:
		c.text("name", r.Name, maxName, false)
		c.text("type", r.Type, maxName, false)
	case fact.CalibrationRecord:
		c.calibration(r)
	case fact.ProfileRecord:
		c.profile(r)
	case fact.ProductRecord:
		c.product(r)
	case fact.PartyRecord:
		c.text("name", r.Name, maxName, true)
		c.gln(r.GLN)
		if r.Role == "patient" {
			c.add("role", r.Role, "patients are not entered here", "a patient is an opaque token in orders and hand-overs")
		} else {
			c.word("role", r.Role, partyRoles)
		}
	}
	return c.problems
}

// partyRoles are those of fact.Roles that a party of the catalog can have.
var partyRoles = slices.DeleteFunc(slices.Clone(fact.Roles), func(s string) bool { return s == "patient" })

func (c *checker) position(p *fact.Position) {
	if p == nil {
		return
	}
	within := func(field string, v, most int64) {
		if v < -most || v > most {
			c.add("position."+field, v, "is not on the earth", fmt.Sprintf("want %d to %d, in 1e-7 degrees", -most, most))
		}
	}
	within("latitude", p.Latitude, 90e7)
	within("longitude", p.Longitude, 180e7)
	if p.Accuracy < 0 || p.Accuracy > 1e9 {
		c.add("position.accuracy", p.Accuracy, "cannot be", "want 0 to 1000000000 mm")
	}
	if p.Latitude == 0 && p.Longitude == 0 {
		c.add("position.latitude", "0, 0", "is in the Gulf of Guinea", "leave the position empty where it is not known")
	}
}

// accuracy of a sensor is better than 10 K, or it is no measurement.
func (c *checker) accuracy(a thermal.Temp, required bool) {
	switch {
	case a == 0 && required:
		c.add("accuracy", nil, "is not given", "give what the certificate states, in degrees")
	case a < 0 || a > 10_000:
		c.add("accuracy", a, "cannot be", "want more than 0 and at most 10 degrees")
	}
}

// normal gives a record in the form in which it is kept.
func normal(record fact.Record) fact.Record {
	switch r := record.(type) {
	case fact.ProductRecord:
		r.GTIN = gtin14(r.GTIN)
		if len(r.Budgets) == 0 {
			r.Budgets = nil
		}
		return r
	case fact.ProfileRecord:
		if r.Profile.Limits == nil {
			r.Profile.Limits = []thermal.Limit{}
		}
		if len(r.Profile.Budgets) == 0 {
			r.Profile.Budgets = nil
		}
		return r
	}
	return record
}

func gatewayOf(sensor string) string {
	gateway, _, _ := strings.Cut(sensor, "/")
	return gateway
}
