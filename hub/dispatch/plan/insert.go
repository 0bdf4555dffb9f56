package plan

import "math"

var dear = price{math.MaxInt64 / 2, 0, 0}

// spots is where in a route a stop may be put, by precedence and by what is
// fixed: before the stops at lo to hi. There is none where hi < lo.
func (m *model) spots(r *route, s int32, in []int32) (lo, hi int) {
	v := &m.stops[s]
	lo, hi = int(m.cars[r.car].fixed), len(r.seq)
	if v.only != nil && !v.only[r.car] {
		return 1, 0
	}
	if v.from >= 0 {
		if in[v.from] != r.car {
			return 1, 0
		}
		for i, x := range r.seq {
			if x == v.from {
				lo = max(lo, i+1)
			}
		}
	}
	for _, d := range v.feeds {
		if in[d] >= 0 && in[d] != r.car {
			return 1, 0
		}
	}
	if len(v.feeds) > 0 {
		for i, x := range r.seq {
			if m.stops[x].from == s {
				hi = min(hi, i)
			}
		}
	}
	return lo, hi
}

// cheapest is where a stop is put into a route at the least cost, and that
// cost. Positions are passed over as skip says.
func (m *model) cheapest(r *route, s int32, lo, hi int, skip *blink) (at int, best price) {
	c, v := &m.cars[r.car], &m.stops[s]
	table, size := m.speeds[c.speed], m.nodes
	best, at = dear, -1
	if len(r.seq) == 0 {
		lo, hi = 0, 0
	}
	full := int64(0) // by how much the load is exceeded wherever it is put
	if !m.mixed {
		full = excess(r.drop+v.drop, c.capacity) - excess(r.drop, c.capacity)
		if full > 0 && m.p.Strict {
			return at, best
		}
	}
	into := table[int(s):]
	for k := lo; k <= hi; k++ {
		p := k
		if !m.p.Strict {
			p = hi - (k - lo) // late positions harm few others: they give a bound early
		}
		if skip.passes() {
			continue
		}
		a, b, now := c.start, c.end, c.leave
		if p > 0 {
			a = r.seq[p-1]
			now = r.begin[p-1] + m.stops[a].service
		}
		if p < len(r.seq) {
			b = r.seq[p]
		}
		first, second := into[int(a)*size], table[int(s)*size+int(b)]
		d := price{full, 0, int64(first.cost) + int64(second.cost)}
		if len(r.seq) > 0 {
			d.travel -= int64(table[int(a)*size+int(b)].cost)
		} else {
			d.travel += m.rates.Vehicle
		}
		bound := best
		if len(v.feeds) > 0 {
			bound = dear // it may mend more than it costs
		}
		if !d.less(bound) {
			continue
		}
		begin := v.start(min(now+first.seconds, never))
		if m.p.Strict && now > v.close {
			break // and so for all positions after
		}
		if m.p.Strict && begin > v.due[c.box] && (begin > v.close || m.spoils(v, c.box, begin)) {
			continue
		}
		if begin > v.due[c.box] {
			soft, travel := m.toll(v, c.box, begin)
			d.soft += soft
			d.travel += travel
		}
		arrive := min(begin+v.service+second.seconds, never)
		if arrive > r.latest[p] {
			if m.p.Strict && !m.reserves {
				continue // somebody would be late
			}
			if !m.p.Strict {
				least := d
				least.soft += int64(arrive-r.arrive[p]) * r.drag[p]
				if arrive > r.safe[p] {
					least.soft += spoiled
				}
				if !least.less(bound) {
					continue
				}
			}
			d = m.push(r, p, arrive, d, bound)
			if !d.less(bound) || m.p.Strict && d.soft > 0 {
				continue
			}
		}
		if c.run < math.MaxInt64/8 {
			more := int64(m.metres[int(a)*size+int(s)]) + int64(m.metres[int(s)*size+int(b)])
			if len(r.seq) > 0 {
				more -= int64(m.metres[int(a)*size+int(b)])
			}
			d.hard += excess(r.metres+more, c.run) - excess(r.metres, c.run)
		}
		if m.mixed {
			d.hard += m.loads(r, s, p)
		}
		if m.p.Strict && d.hard > 0 {
			continue
		}
		if d.less(best) {
			at, best = p, d
		}
	}
	return at, best
}

func (m *model) spoils(v *visit, box, begin int32) bool {
	for _, l := range v.limits[box] {
		if begin > l.by {
			return true
		}
	}
	return false
}

// push adds to d what arriving later at the stop at p costs from there on. It
// stops as soon as d is no less than best, or nobody is later any more.
func (m *model) push(r *route, p int, arrive int32, d, best price) price {
	c := &m.cars[r.car]
	table, size := m.speeds[c.speed], m.nodes
	for ; p < len(r.seq); p++ {
		if arrive <= r.arrive[p] {
			return d
		}
		s := r.seq[p]
		v := &m.stops[s]
		begin := v.start(arrive)
		if begin == r.begin[p] {
			return d
		}
		if begin > v.due[c.box] {
			soft, travel := m.toll(v, c.box, begin)
			was, way := m.toll(v, c.box, r.begin[p])
			d.soft += soft - was
			d.travel += travel - way
			if !d.less(best) || m.p.Strict && d.soft > 0 {
				return d
			}
		}
		next := c.end
		if p+1 < len(r.seq) {
			next = r.seq[p+1]
		}
		arrive = min(begin+v.service+table[int(s)*size+int(next)].seconds, never)
		if arrive <= r.latest[p+1] {
			return d
		}
	}
	d.soft += overtime(c, arrive) - overtime(c, r.arrive[p])
	return d
}

// loads is by how much more the capacity and the precedence are broken with a
// stop put in at p, where loads are mixed.
func (m *model) loads(r *route, s int32, p int) int64 {
	c, v, n := &m.cars[r.car], &m.stops[s], len(r.seq)
	mended := int64(0)
	for _, d := range v.feeds {
		if before(r.seq, d) {
			mended += 1000
		}
	}
	all := int64(0)
	if n > 0 {
		all = r.peak[n]
	}
	if all+v.drop+v.pick+m.fed(v, r.seq) <= c.capacity {
		return -mended
	}
	m.trial = append(append(append(m.trial[:0], r.seq[:p]...), s), r.seq[p:]...)
	_, most, _ := m.haul(m.trial, nil)
	return excess(most, c.capacity) - excess(all, c.capacity) - mended
}
