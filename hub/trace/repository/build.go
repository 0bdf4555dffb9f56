package repository

import (
	"strconv"
	"strings"
)

// builder makes the text of a query and its arguments.
type builder struct {
	strings.Builder
	args []any
}

// arg notes an argument and gives its place.
func (b *builder) arg(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

func (b *builder) say(parts ...string) {
	for _, p := range parts {
		b.WriteString(p)
	}
}

// rows is the query for events.
func (p *plan) rows(limit int) (string, []any) {
	b := &builder{}
	b.say("SELECT e.seq, e.id, e.time_ms, e.recorded_ms, e.document FROM (")
	p.build(b, limit)
	b.say(") AS found JOIN epcis_event e ON e.seq = found.seq ORDER BY ", p.order("found"))
	return b.String(), b.args
}

// keys is the query for what events there are.
func (p *plan) keys(limit int) (string, []any) {
	b := &builder{}
	p.build(b, limit)
	return b.String(), b.args
}

func (p *plan) order(of string) string {
	direction := ""
	if p.descending {
		direction = " DESC"
	}
	if p.byRecord {
		return of + ".seq" + direction
	}
	return of + ".time_ms" + direction + ", " + of + ".seq" + direction
}

// build says which times and seqs match, in order, up to a limit.
func (p *plan) build(b *builder, limit int) {
	tail := func(of string) { b.say(" ORDER BY ", p.order(of), " LIMIT ", b.arg(limit)) }
	if p.driver < 0 {
		b.say("SELECT e.time_ms, e.seq FROM epcis_event e WHERE ")
		p.bounds(b, "e")
		p.others(b, "e")
		tail("e")
		return
	}
	c := p.conditions[p.driver]
	branches := 0
	one := func(from string) {
		if branches++; branches > 1 {
			b.say(" UNION ALL ")
		}
		b.say("SELECT * FROM (SELECT DISTINCT ", from)
	}
	if len(c.values)+len(c.ranges) > 1 {
		b.say("SELECT DISTINCT time_ms, seq FROM (")
	}
	switch {
	case len(c.seqs) > 0:
		one("t.time_ms, t.seq FROM epcis_event t WHERE t.seq IN (")
		b.list(c.seqs)
		b.say(") AND ")
		p.branch(b, condition{}, tail)
	case len(c.values) > maxBranches: // few events, though
		one("t.time_ms, t.seq FROM epcis_term t WHERE t.value IN (")
		b.list(c.values)
		b.say(") AND ")
		p.branch(b, c, tail)
	default:
		for _, v := range c.values {
			one("t.time_ms, t.seq FROM epcis_term t WHERE t.value = ")
			b.say(b.arg(v), " AND ")
			p.branch(b, c, tail)
		}
	}
	for _, i := range c.ranges {
		one("t.time_ms, t.seq FROM epcis_number n JOIN epcis_event t ON t.seq = n.seq WHERE n.field = ")
		b.say(b.arg(c.field), " AND n.number >= ", b.arg(i.Low), " AND n.number <= ", b.arg(i.High), " AND ")
		p.branch(b, condition{}, tail)
	}
	if len(c.values)+len(c.ranges) > 1 {
		b.say(") AS any_of")
		tail("any_of")
	}
}

// branch ends one part of the driver.
func (p *plan) branch(b *builder, c condition, tail func(string)) {
	b.roles("t", c.roles)
	p.bounds(b, "t")
	p.others(b, "t")
	tail("t")
	b.say(") AS branch")
}

func (b *builder) list(all []int64) {
	for i, v := range all {
		if i > 0 {
			b.say(", ")
		}
		b.say(b.arg(v))
	}
}

func (b *builder) roles(of string, roles []Role) {
	if len(roles) == 0 {
		return
	}
	b.say(of, ".role IN (")
	for i, r := range roles {
		if i > 0 {
			b.say(", ")
		}
		b.say(strconv.FormatInt(int64(r), 10))
	}
	b.say(") AND ")
}

// bounds says between what times and seqs, and after what page.
func (p *plan) bounds(b *builder, of string) {
	b.say(of, ".time_ms >= ", b.arg(p.from), " AND ", of, ".time_ms < ", b.arg(p.to),
		" AND ", of, ".seq >= ", b.arg(p.low), " AND ", of, ".seq <= ", b.arg(p.high))
	if p.after == nil {
		return
	}
	than := " > "
	if p.descending {
		than = " < "
	}
	if p.byRecord {
		b.say(" AND ", of, ".seq", than, b.arg(p.after.Seq))
		return
	}
	b.say(" AND (", of, ".time_ms, ", of, ".seq)", than, "(", b.arg(p.after.Key), ", ", b.arg(p.after.Seq), ")")
}

// others says the conditions beside the driver, by looking each up.
func (p *plan) others(b *builder, of string) {
	for i, c := range p.conditions {
		if i == p.driver {
			continue
		}
		if len(c.seqs) > 0 {
			b.say(" AND ", of, ".seq IN (")
			b.list(c.seqs)
			b.say(")")
			continue
		}
		b.say(" AND EXISTS (SELECT 1 FROM ")
		if len(c.ranges) > 0 {
			b.say("epcis_number x WHERE x.field = ", b.arg(c.field), " AND x.seq = ", of, ".seq AND (")
			for j, r := range c.ranges {
				if j > 0 {
					b.say(" OR ")
				}
				b.say("x.number >= ", b.arg(r.Low), " AND x.number <= ", b.arg(r.High))
			}
			b.say("))")
			continue
		}
		b.say("epcis_term x WHERE ")
		b.roles("x", c.roles)
		b.say("x.value IN (")
		b.list(c.values)
		b.say(") AND x.time_ms = ", of, ".time_ms AND x.seq = ", of, ".seq)")
	}
}
