package plan

import (
	"math"
	"math/rand/v2"
	"slices"
)

// search is one run over a model. It is used by one goroutine.
type search struct {
	m       *model
	rng     *rand.PCG
	skip    blink
	routes  []*route // by car; those without stops are there too
	in      []int32  // by stop: its car, or -1
	missing []int32  // stops that none serves
	absent  []int64  // by stop: how often a move left it out
	total   price
	version uint64
	pool    []*route
	cache   []spot // by stop and car
	ranks   [][]int32
	likely  []int32 // ranks by how often they are used

	// of the move under way
	out       []int32
	touched   []*route // as they were
	wasTotal  price
	wasAbsent []int32
	mark      []bool // by car: touched
	kinds     []bool // of which an empty route was tried
	order     []int32

	best     price
	bestSeqs [][]int32
}

// spot is the cheapest place of a stop in one version of a route.
type spot struct {
	version uint64
	at      int32
	price   price
}

// blink passes over one position in a hundred (Christiaens and Vanden Berghe,
// section 4.2), by drawing how many it does not.
type blink struct {
	rng  *rand.PCG
	left int
}

const blinks = 0.01

func (b *blink) passes() bool {
	if b == nil {
		return false
	}
	if b.left--; b.left > 0 {
		return false
	}
	b.left = 1 + int(math.Log(1-unit(b.rng))/math.Log(1-blinks))
	return true
}

// unit draws from [0, 1).
func unit(r *rand.PCG) float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// below draws from [0, n).
func below(r *rand.PCG, n int) int { return int((r.Uint64() >> 32) * uint64(n) >> 32) }

func newSearch(m *model, seed uint64) *search {
	s := &search{m: m, rng: rand.NewPCG(seed, 0x9e3779b97f4a7c15)}
	s.skip = blink{rng: s.rng, left: 50}
	s.in, s.mark, s.kinds = make([]int32, m.n), make([]bool, len(m.cars)), make([]bool, m.kinds)
	s.cache = make([]spot, m.n*len(m.cars))
	s.bestSeqs = make([][]int32, len(m.cars))
	s.rank()
	return s
}

// begin takes up an order: sequences by car. Stops in none are missing.
func (s *search) begin(seqs [][]int32) {
	for i := range s.in {
		s.in[i] = -1
	}
	s.routes, s.missing, s.total = make([]*route, len(s.m.cars)), s.missing[:0], price{}
	for c := range s.m.cars {
		r := s.fresh(int32(c))
		if c < len(seqs) {
			r.seq = append(r.seq, seqs[c]...)
		}
		s.m.measure(r)
		for _, x := range r.seq {
			s.in[x] = int32(c)
		}
		s.routes[c], s.total = r, s.total.plus(r.price)
	}
	for i, c := range s.in {
		if c < 0 {
			s.missing = append(s.missing, int32(i))
		}
	}
	s.total.hard += int64(len(s.missing)) * unserved
}

func (s *search) keep() {
	s.best = s.total
	for c, r := range s.routes {
		s.bestSeqs[c] = append(s.bestSeqs[c][:0], r.seq...)
	}
}

// bestCopy is the best order so far.
func (s *search) bestCopy() [][]int32 {
	seqs := make([][]int32, len(s.bestSeqs))
	for c, seq := range s.bestSeqs {
		seqs[c] = slices.Clone(seq)
	}
	return seqs
}

// fresh is an empty route of a car, from the pool where there is one.
func (s *search) fresh(car int32) *route {
	var r *route
	if n := len(s.pool); n > 0 {
		r, s.pool = s.pool[n-1], s.pool[:n-1]
		r.seq = r.seq[:0]
	} else {
		r = &route{}
	}
	s.version++
	r.car, r.version = car, s.version
	return r
}

// change gives the route of a car to be changed in this move.
func (s *search) change(car int32) *route {
	r := s.routes[car]
	if s.mark[car] {
		s.version++
		r.version = s.version
		return r
	}
	s.mark[car] = true
	s.touched = append(s.touched, r)
	c := s.fresh(car)
	c.seq, c.price = append(c.seq, r.seq...), r.price
	s.routes[car] = c
	return c
}

// remeasure takes a changed route into the total.
func (s *search) remeasure(r *route, was price) {
	s.m.measure(r)
	s.total = s.total.plus(r.price.minus(was))
}

func (s *search) open() {
	s.wasTotal = s.total
	s.wasAbsent = append(s.wasAbsent[:0], s.missing...)
	s.touched, s.out = s.touched[:0], s.out[:0]
}

func (s *search) commit() {
	for _, r := range s.touched {
		s.mark[r.car] = false
		s.pool = append(s.pool, r)
	}
}

func (s *search) undo() {
	for _, r := range s.touched {
		s.mark[r.car] = false
		s.pool = append(s.pool, s.routes[r.car])
		s.routes[r.car] = r
	}
	for _, r := range s.touched { // a stop may have gone from one to another
		for _, x := range r.seq {
			s.in[x] = r.car
		}
	}
	for _, x := range s.wasAbsent {
		s.in[x] = -1
	}
	s.missing = append(s.missing[:0], s.wasAbsent...)
	s.total = s.wasTotal
}

// recreate puts back what is out, one after the other, each where it costs
// least.
func (s *search) recreate() {
	s.out = append(s.out, s.missing...)
	s.total.hard -= int64(len(s.missing)) * unserved
	s.missing = s.missing[:0]
	s.arrange()
	for _, x := range s.out {
		s.put(x)
	}
}

// put puts a stop where it costs least.
func (s *search) put(x int32) {
	m := s.m
	best, car, at := dear, int32(-1), -1
	clear(s.kinds)
	for c, r := range s.routes {
		var p int
		var d price
		if len(r.seq) == 0 {
			kind := m.cars[c].kind
			if s.kinds[kind] {
				continue
			}
			s.kinds[kind] = true
			lo, hi := m.spots(r, x, s.in)
			if hi < lo {
				continue
			}
			p, d = m.cheapest(r, x, 0, 0, nil)
		} else {
			p, d = s.lookup(r, x)
		}
		if p >= 0 && d.less(best) {
			best, car, at = d, int32(c), p
		}
	}
	if car < 0 {
		s.missing = append(s.missing, x)
		s.total.hard += unserved
		return
	}
	r := s.change(car)
	was := r.price
	r.seq = slices.Insert(r.seq, at, x)
	s.in[x] = car
	s.remeasure(r, was)
}

// lookup is the cheapest place in a route, from the cache where the route is
// the same; now and then the cheapest is passed over.
func (s *search) lookup(r *route, x int32) (int, price) {
	m := s.m
	k := &s.cache[int(x)*len(m.cars)+int(r.car)]
	lo, hi := -1, -1
	if k.version != r.version {
		lo, hi = m.spots(r, x, s.in)
		at, d := -1, dear
		if hi >= lo {
			at, d = m.cheapest(r, x, lo, hi, nil)
		}
		k.version, k.at, k.price = r.version, int32(at), d
		if len(m.stops[x].feeds) > 0 {
			k.version = 0 // where it may go depends on other routes too
		}
	}
	if k.at < 0 || !s.skip.passes() {
		return int(k.at), k.price
	}
	if lo < 0 {
		lo, hi = m.spots(r, x, s.in)
	}
	return m.cheapest(r, x, lo, hi, &s.skip)
}
