package gnss

// cycle finds out which sentence ends a second. A sentence with a time that
// comes just before the time changes is taken for the end from then on, and
// anything new that follows it is reported by itself.
type cycle struct {
	now, before int64 // ns of day of the last two times
	timed       bool  // the present sentence has a time of its own
	more        bool  // the present sentence is one of several that belong together
	extends     bool  // the present sentence belongs to the second though it comes late
	last        string
	enders      map[string]bool
	reliable    bool // an end is known
}

// at takes the time of day of a sentence.
func (c *cycle) at(text string) {
	h, m, s, n, ok := clock(text)
	if !ok {
		return
	}
	c.before, c.now = c.now, (int64(h)*3600+int64(m)*60+int64(s))*1e9+int64(n)
	c.timed = true
}

// judge says of a sentence, by what it has brought, whether a second begins or
// ends with it. tag is its kind, empty for one that is not used.
func (c *cycle) judge(tag string, m mask) mask {
	if c.enders == nil {
		c.enders = map[string]bool{}
	}
	last := c.last
	switch {
	case c.more:
	case c.timed:
		if d := c.now - c.before; d > 1e7 || d < -1e7 {
			m |= starts
			if last != "" && !c.enders[last] && !c.extends {
				c.enders[last], c.reliable = true, true
			}
		}
	default:
		if c.enders[last] && m != 0 {
			m |= reports
		}
		if c.extends {
			c.enders[last], c.enders[tag], c.reliable = false, true, true
		}
	}
	if (c.timed || c.extends) && c.enders[tag] && !c.more {
		m |= reports
	}
	if c.timed {
		c.last = tag
	}
	return m
}
