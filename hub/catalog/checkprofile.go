package catalog

import (
	"fmt"
	"regexp"
	"strings"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// profile checks what package thermal does, and the texts as those of other
// records. The figures of a profile and of its budgets need a source.
func (c *checker) profile(r fact.ProfileRecord) {
	p := r.Profile
	c.ref("id", r.Ref(), true)
	c.text("name", p.Name, maxName, true)
	c.text("source", p.Source, thermal.MaxText, true)
	for i, l := range p.Limits {
		c.text(fmt.Sprintf("limits[%d].name", i), l.Name, maxName, true)
	}
	c.sources(p.Budgets)
	if p.Version < 0 {
		c.add("version", p.Version, "cannot be", "leave it out for the next one")
	}
	if r.From != 0 && fact.CheckTime("from", r.From) != nil {
		c.add("from", r.From, "is not between the years 2000 and 2200", "leave it out for now")
	}
	if p.Version == 0 {
		p.Version = 1 // is set when it is entered
	}
	c.errs(p.Validate())
}

// sources checks the texts of budgets.
func (c *checker) sources(all []thermal.Budget) {
	for i, b := range all {
		c.text(fmt.Sprintf("budgets[%d].name", i), b.Name, maxName, true)
		c.text(fmt.Sprintf("budgets[%d].source", i), b.Source, thermal.MaxText, true)
	}
}

var fieldFirst = regexp.MustCompile(`^([a-zA-Z]+(?:\[[0-9]+\])?):? (.*)$`)

// errs adds what package thermal found. Each of its errors begins with the
// field and says what is wanted; where a field has been told of already, that
// was about its text and is not repeated.
func (c *checker) errs(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.errs(e)
		}
		return
	}
	field, what := "", err.Error()
	if m := fieldFirst.FindStringSubmatch(what); m != nil {
		field, what = m[1], m[2]
	}
	for _, p := range c.problems {
		if p.Field == field {
			return
		}
	}
	what, remedy, found := strings.Cut(what, ": want ")
	if found {
		remedy = "want " + remedy
	}
	c.add(field, nil, what, remedy)
}
