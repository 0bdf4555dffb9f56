package plan

import "slices"

const deepen = 0.01 // how often one more stop of a split string is spared

// ruin takes out strings of stops that lie near a random one, from one route
// each (Christiaens and Vanden Berghe, section 4.1); from more than one place
// of a route where there are too few routes.
func (s *search) ruin() {
	m := s.m
	used, served := 0, 0
	for _, r := range s.routes {
		if len(r.seq) > 0 {
			used++
			served += len(r.seq)
		}
	}
	if served == 0 {
		return
	}
	length := min(setting.longest, float64(served)/float64(used))
	strings := 4*setting.removed/(1+length) - 1
	count := int(unit(s.rng)*strings + 1)
	again := count > used
	seed := below(s.rng, m.n)
	for _, x := range m.near[seed] {
		if count == 0 {
			break
		}
		c := s.in[x]
		if c < 0 || s.mark[c] && !again {
			continue
		}
		r := s.routes[c]
		fixed := int(m.cars[c].fixed)
		at := slices.Index(r.seq, x)
		free := len(r.seq) - fixed
		if at < fixed || free < 1 {
			continue
		}
		take := int(unit(s.rng)*min(float64(free), length) + 1)
		s.cut(c, fixed, at, min(take, free))
		count--
	}
}

// cut takes a string of stops that includes the one at a position out of a
// route, in half of the cases sparing some in its midst.
func (s *search) cut(car int32, fixed, at, take int) {
	spare := 0
	free := len(s.routes[car].seq) - fixed
	if take > 1 && take < free && s.rng.Uint64()&1 == 0 {
		spare = 1
		for take+spare < free && unit(s.rng) < deepen {
			spare++
		}
	}
	span := take + spare
	lo, hi := max(fixed, at-span+1), min(at, len(s.routes[car].seq)-span)
	first := lo + below(s.rng, hi-lo+1)
	r := s.change(car)
	was := r.price
	gap := first
	if spare > 0 {
		gap = first + below(s.rng, take+1)
	}
	kept := r.seq[:first]
	for i, x := range r.seq[first:] {
		if i += first; i < first+span && (spare == 0 || i < gap || i >= gap+spare) {
			s.out = append(s.out, x)
			s.in[x] = -1
		} else {
			kept = append(kept, x)
		}
	}
	r.seq = kept
	s.remeasure(r, was)
}
