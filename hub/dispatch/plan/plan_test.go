package plan

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestEvaluateAsNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		k := kindOf{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, i&16 > 0, i&32 > 0}
		p := random(rng, 1+rng.IntN(20), 1+rng.IntN(3), k)
		orders := deal(rng, p)
		orders[0] = orders[0][:rng.IntN(len(orders[0])+1)]
		plan, err := Evaluate(p, orders)
		if err != nil {
			t.Fatal(err)
		}
		if want := naive(p, orders); plan.Cost != want {
			t.Fatalf("case %d %+v: cost %+v, naively %+v", i, k, plan.Cost, want)
		}
	}
}

// TestTotalsStay: through thousands of moves kept and undone, the search's own
// books agree with an evaluation from nothing.
func TestTotalsStay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 64 {
		k := kindOf{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, i&16 > 0, i&32 > 0}
		p := random(rng, 5+rng.IntN(40), 1+rng.IntN(4), k)
		m := compile(p)
		s := newSearch(m, uint64(i))
		s.begin(narrow(deal(rng, p)))
		for n := range 300 {
			s.open()
			if n%4 == 0 {
				s.twist()
			} else {
				s.ruin()
				s.recreate()
			}
			if rng.IntN(2) == 0 {
				s.commit()
			} else {
				s.undo()
			}
			var orders [][]int
			for _, seq := range s.sequences() {
				var o []int
				for _, x := range seq {
					o = append(o, int(x))
				}
				orders = append(orders, o)
			}
			if got, want := s.total, naive(p, orders).price(); got != want {
				t.Fatalf("case %d %+v, move %d: total %+v, naively %+v", i, k, n, got, want)
			}
			for c, r := range s.routes {
				for _, x := range r.seq {
					if s.in[x] != int32(c) {
						t.Fatalf("case %d, move %d: stop %d is in route %d, noted in %d", i, n, x, c, s.in[x])
					}
				}
			}
		}
	}
}

// TestCheapestAsTried: the cost of an insertion told in constant time is what
// the route then costs more, where no detour is quicker than the way.
func TestCheapestAsTried(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 3000 {
		k := kindOf{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, false, false}
		p := random(rng, 2+rng.IntN(14), 1, k)
		for via := range p.Matrix.Seconds {
			for _, from := range p.Matrix.Seconds {
				for to := range from {
					from[to] = min(from[to], from[via]+p.Matrix.Seconds[via][to])
				}
			}
		}
		m := compile(p)
		x := int32(rng.IntN(m.n))
		r := &route{version: 1}
		in := make([]int32, m.n)
		for _, s := range rng.Perm(m.n) {
			if int32(s) != x {
				r.seq = append(r.seq, int32(s))
			}
		}
		in[x] = -1
		m.measure(r)
		lo, hi := m.spots(r, x, in)
		want, where := dear, -1
		for at := hi; at >= lo; at-- {
			with := &route{seq: slices.Insert(slices.Clone(r.seq), at, x)}
			m.measure(with)
			if d := with.price.minus(r.price); d.less(want) {
				want, where = d, at
			}
		}
		at, got := m.cheapest(r, x, lo, hi, nil)
		if hi >= lo && (got != want || at != where) {
			t.Fatalf("case %d %+v: %d at %d, when tried %+v at %d", i, k, at, got, want, where)
		}
	}
}

// permutations calls f with each order of a.
func permutations(a []int, f func([]int)) {
	var walk func(int)
	walk = func(i int) {
		if i == len(a) {
			f(a)
			return
		}
		for j := i; j < len(a); j++ {
			a[i], a[j] = a[j], a[i]
			walk(i + 1)
			a[i], a[j] = a[j], a[i]
		}
	}
	walk(0)
}

func TestExactAsBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 200 {
		k := kindOf{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, false, false}
		p := random(rng, 1+rng.IntN(7), 1, k)
		p.Given = deal(rng, p)
		if len(p.Given[0]) > 2 && i&64 > 0 {
			p.Vehicles[0].Fixed = 1
		}
		q, err := Search{}.Propose(context.Background(), p, Budget{Iterations: 50})
		if err != nil {
			t.Fatal(err)
		}
		fixed := p.Vehicles[0].Fixed
		var best Cost
		first := true
		permutations(slices.Clone(p.Given[0][fixed:]), func(order []int) {
			c := naive(p, [][]int{slices.Concat(p.Given[0][:fixed], order)})
			if first || c.Compare(best) < 0 {
				best, first = c, false
			}
		})
		if q.Plan.Cost.Compare(best) != 0 || q.Ended != Exact {
			t.Fatalf("case %d %+v: %s: %+v, best of all orders %+v", i, k, q.Ended, q.Plan.Cost, best)
		}
	}
}

func TestNeverWorseAndSaid(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range 128 {
		k := kindOf{i&1 > 0, i&2 > 0, i&4 > 0, i&8 > 0, i&16 > 0, i&32 > 0}
		p := random(rng, 2+rng.IntN(40), 1+rng.IntN(4), k)
		p.Given = deal(rng, p)
		if i%3 == 0 && len(p.Given[0]) > 2 {
			p.Vehicles[0].Fixed = 2
		}
		q, err := Search{}.Propose(context.Background(), p, Budget{Iterations: 300, Seed: uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		given, got := naive(p, p.Given), naive(p, q.Plan.Orders)
		if got != q.Plan.Cost || given != q.Given.Cost {
			t.Fatalf("case %d: said %+v and %+v, naively %+v and %+v", i, q.Given.Cost, q.Plan.Cost, given, got)
		}
		if got.Compare(given) > 0 {
			t.Fatalf("case %d: %+v is worse than the given %+v", i, got, given)
		}
		if n := p.Vehicles[0].Fixed; n > 0 && !slices.Equal(q.Plan.Orders[0][:n], p.Given[0][:n]) {
			t.Fatalf("case %d: first %d stops %v, not %v", i, n, q.Plan.Orders[0], p.Given[0])
		}
		said(t, q)
		again, err := Search{}.Propose(context.Background(), p, Budget{Iterations: 300, Seed: uint64(i)})
		if err != nil || !reflect.DeepEqual(q, again) {
			t.Fatalf("case %d: another answer for the same seed: %v", i, err)
		}
	}
}

// said: every window and limit that the given order keeps and the plan does not
// is in the report.
func said(t *testing.T, q *Proposal) {
	t.Helper()
	has := func(kind string, stop int, load string) bool {
		return slices.ContainsFunc(q.Breaks, func(b Break) bool { return b.Kind == kind && b.Stop == stop && b.Load == load })
	}
	for s, was := range q.Given.Visits {
		is := q.Plan.Visits[s]
		if was.Vehicle >= 0 && is.Vehicle < 0 && !has(BreakUnserved, s, "") {
			t.Errorf("stop %d: unserved, not said", s)
		}
		if was.Vehicle < 0 || is.Vehicle < 0 {
			continue
		}
		if is.Late > was.Late && !has(BreakWindow, s, "") {
			t.Errorf("stop %d: late by %s, was %s, not said", s, is.Late, was.Late)
		}
		for i, l := range is.Loads {
			if l.Left < 0 && l.Left < was.Loads[i].Left && !has(BreakLimit, s, l.Load) {
				t.Errorf("load %s: past its limit by %s, was %s, not said", l.Load, -l.Left, -was.Loads[i].Left)
			}
		}
		if (is.Vehicle != was.Vehicle || is.Position != was.Position || !is.Begin.Equal(was.Begin)) &&
			!slices.ContainsFunc(q.Changes, func(c Change) bool { return c.Stop == s }) {
			t.Errorf("stop %d: changed, not said", s)
		}
	}
}
