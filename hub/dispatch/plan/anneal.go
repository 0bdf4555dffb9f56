package plan

import (
	"context"
	"math"
	"time"
)

// Budget bounds a search. With no Time, and a context that does not end, the
// same problem, seed and iterations give the same plan on every machine.
type Budget struct {
	Iterations int           // of ruin and recreate; 0: DefaultIterations
	Time       time.Duration // after which the best so far is taken; 0: no bound but the context's
	Seed       uint64
}

// DefaultIterations re-sequence two hundred stops in about a second of one
// core.
const DefaultIterations = 50_000

// Reasons for which a search ended.
const (
	Exact      = "exact"      // nothing better exists
	Iterations = "iterations" // the budget's
	Time       = "time"       // the budget's
	Context    = "context"    // ended or its deadline came
)

// setting of the search, chosen by trying on Solomon's and on Gehring and
// Homberger's instances at one second each; only tests change it.
var setting = struct {
	hot, cold float64 // temperatures at the start and at the end, as parts of model.typical
	twist     float64 // how often a route is twisted where routes are long
	removed   float64 // stops taken out by a ruin, on average
	longest   float64 // string
}{6, 0.05, 0.15, 10, 10}

const placing = 0.3 // part of the budget in which to look for a place for all stops

// energy is a price as annealing weighs it, where ranks may be traded for a
// while. What is best is told by rank alone.
func (s *search) energy(p price) float64 {
	u := s.m.typical
	soft := p.soft
	bad := soft / spoiled
	return float64(p.travel) + u*(1000*float64(p.hard)/unserved+10*float64(min(p.hard%unserved, 1e6))/1000+
		100*float64(bad)+float64(soft-bad*spoiled)/120)
}

// run searches from the order taken up with begin, and keeps the best.
func (s *search) run(ctx context.Context, b Budget) (done int, ended string) {
	s.keep()
	if s.m.n == 0 {
		return 0, Exact
	}
	begun := time.Now()
	share, cool := 0.0, math.Log(setting.cold/setting.hot)
	t := setting.hot * s.m.typical
	now := s.energy(s.total)
	twists, placed := s.twists(), false
	for done = 0; done < b.Iterations; done++ {
		if done&15 == 0 {
			if ctx.Err() != nil {
				return done, Context
			}
			share = float64(done) / float64(b.Iterations)
			if b.Time > 0 {
				past := time.Since(begun)
				if past >= b.Time {
					return done, Time
				}
				share = max(share, float64(past)/float64(b.Time))
			}
			t = setting.hot * s.m.typical * math.Exp(cool*share)
			if share >= placing && len(s.missing) > 0 && !placed {
				s.begin(s.bestCopy())
				now = s.energy(s.total)
			}
			placed = placed || share >= placing
		}
		s.open()
		if unit(s.rng) < twists {
			s.twist()
		} else {
			s.ruin()
			s.recreate()
		}
		e := s.energy(s.total)
		accept := e < now-t*math.Log(1-unit(s.rng))
		if share < placing && len(s.missing)+len(s.wasAbsent) > 0 {
			accept = s.easier(accept)
		}
		if accept {
			s.commit()
			now = e
			if s.total.less(s.best) {
				s.keep()
			}
		} else {
			s.undo()
		}
	}
	return done, Iterations
}

// easier says whether what is left out now has been left out less often than
// what was before the move: stops that are hard to place then come in at the
// price of easy ones, which find another place (Christiaens and Vanden Berghe,
// section 4.4, on fewer vehicles).
func (s *search) easier(otherwise bool) bool {
	if s.absent == nil {
		s.absent = make([]int64, s.m.n)
	}
	var now, was int64
	for _, x := range s.missing {
		now += s.absent[x]
	}
	for _, x := range s.wasAbsent {
		was += s.absent[x]
	}
	for _, x := range s.missing {
		s.absent[x]++
	}
	return len(s.missing) < len(s.wasAbsent) || now < was || otherwise && len(s.missing) == len(s.wasAbsent)
}

// twists is how often a route is twisted rather than ruined: where routes are
// long, strings of ten do not turn a whole side of one.
func (s *search) twists() float64 {
	used, served := 0, len(s.missing)
	for _, r := range s.routes {
		if len(r.seq) > 0 {
			used++
			served += len(r.seq)
		}
	}
	if float64(served) < 20*float64(max(1, used)) {
		return 0
	}
	return setting.twist
}

// twist reverses a segment of a route, or moves it elsewhere in it: a random
// move of 2-opt or Or-opt, kept or not as annealing decides.
func (s *search) twist() {
	m := s.m
	x := int32(below(s.rng, m.n))
	c := s.in[x]
	if c < 0 {
		return
	}
	fixed, old := int(m.cars[c].fixed), s.routes[c].seq
	if len(old)-fixed < 3 {
		return
	}
	y := m.near[x][1+below(s.rng, min(len(m.near[x])-1, 12))]
	if s.in[y] != c {
		return
	}
	i, j := index(old, x), index(old, y)
	if i > j {
		i, j = j, i
	}
	if i < fixed {
		return
	}
	r := s.change(c)
	was := r.price
	switch k := below(s.rng, 4); k {
	case 0, 1:
		move(r.seq, i, j, k)
	case 2:
		move(r.seq, i, j, 2+below(s.rng, 3))
	default:
		move(r.seq, i, j, 5+below(s.rng, 3))
	}
	s.remeasure(r, was)
}

func index(seq []int32, x int32) int {
	for i, y := range seq {
		if x == y {
			return i
		}
	}
	return -1
}

func turn(a []int32) {
	for i, j := 0, len(a)-1; i < j; i, j = i+1, j-1 {
		a[i], a[j] = a[j], a[i]
	}
}

// rotate puts the first k of a last.
func rotate(a []int32, k int) {
	turn(a[:k])
	turn(a[k:])
	turn(a)
}
