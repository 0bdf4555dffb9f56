package dscsa

import (
	"errors"
	"fmt"
	"regexp"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa/deadline"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/proto/gs1"

	_ "time/tzdata" // business days are those of a place, also on a machine without it
)

// Config is who the hub's company is, and by which rules it works. The zero value
// receives documents and keeps them; what needs to know the company says so.
type Config struct {
	// GLN of the company, 13 digits.
	GLN string `yaml:"gln"`
	// Parties with their addresses, the company itself among them. What partners'
	// documents say of others is known without.
	Parties []Party `yaml:"parties"`
	// Prefixes are GS1 company prefixes, 6 to 12 digits, of the company and its
	// partners: by them EPC URNs are written.
	Prefixes []string `yaml:"company_prefixes"`
	// TraceRule is by which rule trace requests are to be answered unless they say
	// another. Default 48_hours.
	TraceRule fact.DeadlineRule `yaml:"trace_rule"`
	// TimeZone is where business days are counted. Default America/New_York.
	TimeZone string `yaml:"time_zone"`
	// Contact is who answers for the company on forms and in messages.
	Contact Contact `yaml:"contact"`
	// Resolvers are others' verification services.
	Resolvers []vrs.Resolver `yaml:"resolvers"`
}

// Contact is an office, or a person in their office.
type Contact struct {
	Name  string `yaml:"name"`
	Email string `yaml:"email"`
	Phone string `yaml:"phone"`
	// Category and Facility are items 21 and 22 of Form FDA 3911: what kind of
	// company it is, and its unique facility identifier.
	Category string `yaml:"category"`
	Facility string `yaml:"facility"`
}

// Party is a trading partner, or a location of one.
type Party struct {
	GLN     string `yaml:"gln"`
	Name    string `yaml:"name"`
	Street  string `yaml:"street"`
	Street2 string `yaml:"street2"`
	City    string `yaml:"city"`
	State   string `yaml:"state"`
	Postal  string `yaml:"postal"`
	Country string `yaml:"country"`
}

var prefixShape = regexp.MustCompile(`^[0-9]{6,12}$`)

// defaults fills in what is not set, and checks what is.
func (c *Config) defaults() error {
	if c.TraceRule == "" {
		c.TraceRule = deadline.Hours48
	}
	if c.TimeZone == "" {
		c.TimeZone = "America/New_York"
	}
	var all []error
	if c.GLN != "" && !gs1.ValidGLN(c.GLN) {
		all = append(all, fmt.Errorf("gln %q: want 13 digits with the right check digit", c.GLN))
	}
	known := false
	for _, r := range deadline.Rules {
		known = known || r == c.TraceRule
	}
	if !known {
		all = append(all, fmt.Errorf("trace_rule %q: want one of %v", c.TraceRule, deadline.Rules))
	}
	for i, p := range c.Parties {
		if !gs1.ValidGLN(p.GLN) {
			all = append(all, fmt.Errorf("parties.%d.gln %q: want 13 digits with the right check digit", i, p.GLN))
		}
	}
	for i, p := range c.Prefixes {
		if !prefixShape.MatchString(p) {
			all = append(all, fmt.Errorf("company_prefixes.%d %q: want 6 to 12 digits", i, p))
		}
	}
	names := map[string]bool{}
	for i, r := range c.Resolvers {
		if err := r.Check(); err != nil {
			all = append(all, fmt.Errorf("resolvers.%d.%w", i, err))
		}
		if names[r.Name] {
			all = append(all, fmt.Errorf("resolvers.%d.name %q: is taken", i, r.Name))
		}
		names[r.Name] = true
	}
	return errors.Join(all...)
}

// fact is the party as documents tell it.
func (p Party) fact() fact.TradeParty {
	return fact.TradeParty{GLN: p.GLN, Name: p.Name, Street: p.Street, Street2: p.Street2, City: p.City, State: p.State, Postal: p.Postal, Country: p.Country}
}
