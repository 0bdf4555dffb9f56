package plan

// route is the order of one vehicle and what follows from it. The search never
// changes a route that it keeps: it makes another.
type route struct {
	version uint64 // another for each content
	car     int32
	seq     []int32 // stops
	arrive  []int32 // at each stop, and at the end
	begin   []int32 // of service
	latest  []int32 // arrival at each stop, and the end, that costs nothing more there or after
	safe    []int32 // arrival at each stop that spoils no load more, there or after
	drag    []int64 // what each second later at each stop costs at least, for those that are late already
	peak    []int64 // most aboard from leaving the start to before each stop, where loads are mixed
	drop    int64   // what is aboard at the start for its stops
	metres  int64
	price   price
}

// start is when service begins for an arrival, and what was the close of the
// window that it begins in.
func (v *visit) start(arrive int32) int32 {
	if v.more == nil {
		return max(arrive, v.open)
	}
	for _, w := range v.more {
		if arrive <= w.close {
			return max(arrive, w.open)
		}
	}
	return arrive
}

// upTo is the latest arrival that begins by s.
func (v *visit) upTo(s int32) int32 {
	if v.more == nil || s >= v.close {
		return s
	}
	last := s
	for _, w := range v.more {
		if s >= w.open {
			last = min(s, w.close)
		}
	}
	return last
}

// toll is what beginning at s costs, in the ranks of time and of way.
func (m *model) toll(v *visit, box, s int32) (soft, travel int64) {
	if s <= v.due[box] {
		return 0, 0
	}
	if s > v.close {
		soft = min(int64(s-v.close), maxLate) * int64(v.weight)
	}
	for _, l := range v.limits[box] {
		if s > l.by {
			soft += int64(l.weight) * (spoiled + perWarm*min(int64(s-l.by), maxWarm))
		}
		if s > l.thin {
			travel += int64(l.weight) * int64(min(s, l.by)-min(l.thin, l.by)) * m.rates.Thin
		}
	}
	return soft, travel
}

func overtime(c *car, arrive int32) int64 {
	if arrive <= c.back {
		return 0
	}
	return min(int64(arrive-c.back), maxLate)
}

// excess is by how much a limit is exceeded, in thousandths of it.
func excess(used, limit int64) int64 {
	if used <= limit {
		return 0
	}
	over := used - limit
	if limit < 1 || over > maxExcess/1000*limit {
		return maxExcess
	}
	return min((over*1000+limit-1)/limit, maxExcess)
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2+8)
	}
	return s[:n]
}

// measure works out all of a route from its car and sequence.
func (m *model) measure(r *route) {
	c, n := &m.cars[r.car], len(r.seq)
	r.arrive, r.begin, r.latest = grow(r.arrive, n+1), grow(r.begin, n+1), grow(r.latest, n+1)
	r.price, r.metres, r.drop = price{}, 0, 0
	if n == 0 {
		r.arrive[0], r.begin[0], r.latest[0] = c.leave, c.leave, c.back
		return
	}
	table, size := m.speeds[c.speed], m.nodes
	at, now := c.start, c.leave
	var soft, travel int64
	for i, s := range r.seq {
		v, k := &m.stops[s], int(at)*size+int(s)
		now = min(now+table[k].seconds, never)
		travel += int64(table[k].cost)
		r.metres += int64(m.metres[k])
		r.arrive[i] = now
		now = v.start(now)
		r.begin[i] = now
		if now > v.due[c.box] {
			late, thin := m.toll(v, c.box, now)
			soft, travel = soft+late, travel+thin
		}
		r.drop += v.drop
		now, at = min(now+v.service, never), s
	}
	k := int(at)*size + int(c.end)
	now = min(now+table[k].seconds, never)
	r.arrive[n], r.begin[n] = now, now
	r.metres += int64(m.metres[k])
	r.price.travel = travel + int64(table[k].cost) + m.rates.Vehicle
	r.price.soft = soft + overtime(c, now)
	r.price.hard = excess(r.metres, c.run) + m.aboard(r)
	m.slack(r)
	if !m.p.Strict {
		m.bounds(r)
	}
}

// slack works out the latest arrivals of a route whose times are known.
func (m *model) slack(r *route) {
	c, n := &m.cars[r.car], len(r.seq)
	table, size := m.speeds[c.speed], m.nodes
	r.latest[n] = max(c.back, r.arrive[n])
	next := c.end
	for i := n - 1; i >= 0; i-- {
		s := r.seq[i]
		v := &m.stops[s]
		by := min(v.due[c.box], r.latest[i+1]-table[int(s)*size+int(next)].seconds-v.service)
		if by < r.begin[i] {
			r.latest[i] = r.arrive[i] // late already: later is worse
		} else {
			r.latest[i] = max(v.upTo(by), r.arrive[i])
		}
		next = s
	}
}

// bounds works out what being later at each stop costs at least, so that the
// exact cost need not be worked out where it cannot be small.
func (m *model) bounds(r *route) {
	c, n := &m.cars[r.car], len(r.seq)
	table, size := m.speeds[c.speed], m.nodes
	r.safe, r.drag = grow(r.safe, n+1), grow(r.drag, n+1)
	r.safe[n], r.drag[n] = never, 0
	if r.arrive[n] > c.back {
		r.drag[n] = 1
	}
	next := c.end
	for i := n - 1; i >= 0; i-- {
		s, begin := r.seq[i], r.begin[i]
		v := &m.stops[s]
		by, rate := r.safe[i+1]-table[int(s)*size+int(next)].seconds-v.service, int64(0)
		if begin > v.close {
			rate = int64(v.weight)
		}
		for _, l := range v.limits[c.box] {
			if begin <= l.by {
				by = min(by, l.by)
			} else {
				rate += perWarm * int64(l.weight)
			}
		}
		r.safe[i], r.drag[i] = r.arrive[i], 0
		if by >= begin {
			r.safe[i] = max(v.upTo(by), r.arrive[i])
		}
		if begin == r.arrive[i] { // else waiting takes up some of it
			r.drag[i] = rate + r.drag[i+1]
		}
		next = s
	}
}

// aboard works out the load on the way, and gives by how much it and the
// precedence of pickups are broken.
func (m *model) aboard(r *route) int64 {
	c, n := &m.cars[r.car], len(r.seq)
	if !m.mixed {
		return excess(r.drop, c.capacity) + m.bound(r)
	}
	r.peak = grow(r.peak, n+1)
	drop, most, broken := m.haul(r.seq, r.peak)
	r.drop = drop
	return broken + excess(most, c.capacity) + m.bound(r)
}

// haul is what is aboard at the start of a sequence, the most that is on its
// way, noted up to each stop where peak is given, and by how much precedence is
// broken. A delivery without a pickup before it is reckoned as loaded on the
// spot.
func (m *model) haul(seq []int32, peak []int64) (drop, most, broken int64) {
	for _, s := range seq {
		if v := &m.stops[s]; v.from < 0 {
			drop += v.drop
		}
	}
	load := drop
	most = load
	for i, s := range seq {
		if peak != nil {
			peak[i] = most
		}
		v := &m.stops[s]
		if v.from >= 0 && !before(seq[:i], v.from) {
			broken += 1000
			load += v.drop
			most = max(most, load)
		}
		load += v.pick - v.drop + m.fed(v, seq[i:])
		most = max(most, load)
	}
	if peak != nil {
		peak[len(seq)] = most
	}
	return drop, most, broken
}

// fed is what a pickup takes aboard for deliveries among those after it.
func (m *model) fed(v *visit, after []int32) (load int64) {
	for _, d := range v.feeds {
		if before(after, d) {
			load += m.stops[d].drop
		}
	}
	return load
}

func before(seq []int32, s int32) bool {
	for _, x := range seq {
		if x == s {
			return true
		}
	}
	return false
}

// bound counts stops on a vehicle that may not serve them.
func (m *model) bound(r *route) (broken int64) {
	if !m.binds {
		return 0
	}
	for _, s := range r.seq {
		if only := m.stops[s].only; only != nil && !only[r.car] {
			broken += 1000
		}
	}
	return broken
}
