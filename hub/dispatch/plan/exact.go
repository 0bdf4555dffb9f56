package plan

import (
	"context"
	"math"
	"slices"
)

const (
	exactly   = 12      // stops of a route to order that are ordered exactly
	maxLabels = 400_000 // of one route; past them the search's order stays
)

// label is one way to have served a set of stops, the last of them known.
type label struct {
	price  price
	metres int64
	load   int64 // most aboard so far
	leave  int32
	last   int32 // index in the route's free stops
	prev   int32 // label
	mask   uint32
}

// exact orders each short route of a solution as well as can be. It says
// whether the whole is then known to be the best there is.
func (m *model) exact(ctx context.Context, seqs [][]int32) ([][]int32, bool) {
	all := true
	for c := range seqs {
		fixed := int(m.cars[c].fixed)
		if n := len(seqs[c]) - fixed; n > exactly {
			all = false
		} else if n > 1 {
			seq, ok := m.held(ctx, int32(c), seqs[c], fixed)
			seqs[c], all = seq, all && ok
		}
	}
	served := 0
	for _, s := range seqs {
		served += len(s)
	}
	return seqs, all && len(seqs) == 1 && served == m.n
}

// held is the best order of a route's stops after the fixed ones.
func (m *model) held(ctx context.Context, c int32, seq []int32, fixed int) ([]int32, bool) {
	car, n := &m.cars[c], len(seq)-fixed
	table, size := m.speeds[car.speed], m.nodes
	known := &route{car: c, seq: seq}
	m.measure(known)
	bound := known.price
	free := seq[fixed:]
	start := label{last: -1, prev: -1, leave: car.leave}
	at := car.start
	for i, s := range seq[:fixed] {
		v, k := &m.stops[s], int(at)*size+int(s)
		soft, travel := m.toll(v, car.box, known.begin[i])
		start.price = start.price.plus(price{0, soft, travel + int64(table[k].cost)})
		start.metres += int64(m.metres[k])
		start.leave, at = known.begin[i]+v.service, s
	}
	need, load, into := m.needs(known, free, fixed)
	start.load = load[0]
	if m.mixed {
		start.load = known.peak[fixed]
	}
	tight := [2]bool{car.run < math.MaxInt64/8, car.capacity < math.MaxInt64/8 && m.mixed}
	labels := []label{start}
	full := uint32(1)<<n - 1
	fronts := make([][]int32, n<<n) // labels by set and last
	layer := [][]int32{{0}}         // labels of sets of each size
	for len(layer) < n+1 {
		var next []int32
		for _, k := range layer[len(layer)-1] {
			from := labels[k]
			if from.prev == -2 { // dominated since
				continue
			}
			if ctx.Err() != nil || len(labels) > maxLabels {
				return seq, false
			}
			a := at
			if from.last >= 0 {
				a = free[from.last]
			}
			for j := range n {
				if from.mask>>j&1 == 1 || need[j]&^from.mask != 0 {
					continue
				}
				s := free[j]
				v, leg := &m.stops[s], int(a)*size+int(s)
				begin := v.start(min(from.leave+table[leg].seconds, never))
				soft, travel := m.toll(v, car.box, begin)
				to := label{prev: k, last: int32(j), mask: from.mask | 1<<j, leave: min(begin+v.service, never), metres: from.metres + int64(m.metres[leg])}
				to.price = from.price.plus(price{0, soft, travel + int64(table[leg].cost)})
				to.load = max(from.load, load[to.mask])
				if to.mask == full {
					leg = int(s)*size + int(car.end)
					to.price.travel += int64(table[leg].cost) + m.rates.Vehicle
					to.metres += int64(m.metres[leg])
					to.price.soft += overtime(car, min(to.leave+table[leg].seconds, never))
					to.price.hard = excess(to.metres, car.run) + excess(to.load, car.capacity)
				}
				least := to.price
				for i := range n {
					if to.mask>>i&1 == 0 {
						least.travel += into[i]
					}
				}
				if bound.less(least) {
					continue
				}
				front := &fronts[int(to.mask)*n+j]
				if !fits(labels, front, &to, tight) {
					continue
				}
				labels = append(labels, to)
				*front = append(*front, int32(len(labels)-1))
				next = append(next, int32(len(labels)-1))
			}
		}
		layer = append(layer, next)
	}
	best := int32(-1)
	for _, k := range layer[n] {
		if labels[k].prev != -2 && (best < 0 || labels[k].price.less(labels[best].price)) {
			best = k
		}
	}
	if best < 0 {
		return seq, true
	}
	found := &route{car: c, seq: slices.Clone(seq)}
	for i, k := len(seq)-1, best; i >= fixed; i-- {
		found.seq[i] = free[labels[k].last]
		k = labels[k].prev
	}
	m.measure(found)
	if !found.price.less(known.price) {
		return seq, true
	}
	return found.seq, true
}

// fits says whether no label of a front is as good in all as l, and takes out
// those that l is as good as in all. A label taken out has no prev: it is
// extended no more, and none that comes from it can be the best. What is driven
// and aboard matters where it is limited, as tight says.
func fits(labels []label, front *[]int32, l *label, tight [2]bool) bool {
	as := func(a, b *label) bool {
		return a.leave <= b.leave && (!tight[0] || a.metres <= b.metres) && (!tight[1] || a.load <= b.load) && !b.price.less(a.price)
	}
	for _, k := range *front {
		if as(&labels[k], l) {
			return false
		}
	}
	*front = slices.DeleteFunc(*front, func(k int32) bool {
		if as(l, &labels[k]) {
			labels[k].prev = -2
			return true
		}
		return false
	})
	return true
}

// needs gives, for the free stops of a route, which others must come before
// each; what is aboard after each set of them; and the least that the way to
// each costs.
func (m *model) needs(r *route, free []int32, fixed int) (need []uint32, load []int64, into []int64) {
	n, car := len(free), &m.cars[r.car]
	table, size := m.speeds[car.speed], m.nodes
	need, load, into = make([]uint32, n), make([]int64, 1<<n), make([]int64, n)
	change := make([]int64, n)
	for j, s := range free {
		v := &m.stops[s]
		change[j] = v.pick - v.drop + m.fed(v, r.seq)
		into[j] = math.MaxInt64
		for i, x := range r.seq {
			if x != s {
				into[j] = min(into[j], int64(table[int(x)*size+int(s)].cost))
			}
			if i >= fixed && x == v.from {
				need[j] |= 1 << (i - fixed)
			}
		}
		into[j] = min(into[j], int64(table[int(car.start)*size+int(s)].cost))
	}
	load[0] = r.drop
	if m.mixed {
		for _, s := range r.seq[:fixed] {
			v := &m.stops[s]
			load[0] += v.pick - v.drop + m.fed(v, r.seq)
		}
	}
	for mask := 1; mask < 1<<n; mask++ {
		j := 0
		for mask>>j&1 == 0 {
			j++
		}
		load[mask] = load[mask&^(1<<j)] + change[j]
	}
	return need, load, into
}
