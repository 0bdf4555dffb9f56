package catalog

import (
	"fmt"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const (
	mostLimits = 32
	longest    = 366 * day // of a delay, window or gap
)

var (
	ops        = []string{string(thermal.Above), string(thermal.AtOrAbove), string(thermal.Below), string(thermal.AtOrBelow)}
	timers     = []string{string(thermal.Single), string(thermal.Cumulative)}
	severities = []string{string(thermal.Warning), string(thermal.Alarm), string(thermal.Critical)}
)

func (c *checker) profile(r fact.ProfileRecord) {
	p := r.Profile
	c.ref("id", r.Ref(), true)
	c.text("name", p.Name, maxName, true)
	c.text("source", p.Source, maxText, true)
	if p.Version < 0 || p.Version > 1_000_000 {
		c.add("version", p.Version, "cannot be", "leave it out for the next one")
	}
	if r.From != 0 && fact.CheckTime("from", r.From) != nil {
		c.add("from", r.From, "is not between the years 2000 and 2200", "leave it out for now")
	}
	c.degrees("low", p.Low)
	c.degrees("high", p.High)
	if p.Low != nil && p.High != nil && *p.Low >= *p.High {
		c.add("low", *p.Low, "is not below high", "low and high bound the labelled range")
	}
	c.limits(p.Limits)
	if m := p.MKT; m != nil {
		c.degrees("mkt.limit", &m.Limit)
		if m.Op != "" {
			c.word("mkt.op", string(m.Op), ops[:2])
		}
		c.span("mkt.window", m.Window, 60_000)
		c.word("mkt.anchor", m.Anchor, []string{"last", "following"})
		if p.Frozen {
			c.add("mkt", nil, "a frozen product has no mean kinetic temperature", "leave mkt out")
		}
	}
	c.activation(p.Activation)
	c.budgets("budgets", p.Budgets)
	c.span("longestGap", p.LongestGap, 1000)
	c.accuracy(p.Accuracy, false)
}

func (c *checker) limits(all []thermal.Limit) {
	switch {
	case len(all) == 0:
		c.add("limits", nil, "there are none, so nothing could ever be out of range", "give at least one")
	case len(all) > mostLimits:
		c.add("limits", len(all), "are too many", fmt.Sprintf("give at most %d", mostLimits))
		return
	}
	seen := map[string]bool{}
	for i, l := range all {
		at := fmt.Sprintf("limits[%d].", i)
		c.text(at+"name", l.Name, maxName, true)
		if seen[l.Name] {
			c.add(at+"name", l.Name, "is the name of an earlier limit", "give each a name of its own")
		}
		seen[l.Name] = true
		c.word(at+"op", string(l.Op), ops)
		c.degrees(at+"at", &l.At)
		c.word(at+"timer", string(l.Timer), timers)
		c.word(at+"severity", string(l.Severity), severities)
		if l.Delay < 0 || l.Delay > longest {
			c.add(at+"delay", l.Delay, "cannot be", "want 0 to a year, in milliseconds")
		}
		if l.Deadband < 0 || l.Deadband > 100_000 {
			c.add(at+"deadband", l.Deadband, "cannot be", "want 0 to 100 degrees")
		}
	}
}

func (c *checker) span(field string, ms, least int64) {
	if ms < least || ms > longest {
		c.add(field, ms, "cannot be", fmt.Sprintf("want %d to %d milliseconds", least, longest))
	}
}
