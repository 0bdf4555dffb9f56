package plan

import (
	"cmp"
	"slices"
)

const shuffled = 4 // how often stops are put back in random order, against the rules of rank

// rank sorts all stops by each rule by which they are put back: by what they
// carry, by how far from the start they are, by their window, by their urgency.
func (s *search) rank() {
	m := s.m
	add := func(often int32, key func(i int32) int64) {
		list, rank := make([]int32, m.n), make([]int32, m.n)
		for i := range list {
			list[i] = int32(i)
		}
		slices.SortStableFunc(list, func(a, b int32) int {
			return cmp.Compare(key(a), key(b))
		})
		for i, x := range list {
			rank[x] = int32(i)
		}
		s.ranks, s.likely = append(s.ranks, rank), append(s.likely, often)
	}
	far := func(i int32) int64 { return int64(m.speeds[0][int(m.cars[0].start)*m.nodes+int(i)].cost) }
	opens := func(i int32) int64 {
		if v := &m.stops[i]; v.more != nil {
			return int64(v.more[0].open)
		}
		return int64(m.stops[i].open)
	}
	due := func(i int32) int64 { return int64(m.stops[i].due[0]) }
	add(4, func(i int32) int64 { return -m.stops[i].drop - m.stops[i].pick })
	add(2, func(i int32) int64 { return -far(i) })
	add(1, far)
	add(2, func(i int32) int64 { return due(i) - opens(i) })
	add(2, opens)
	add(2, func(i int32) int64 { return -due(i) })
	add(2, due)
}

// arrange puts what is out in the order in which it is to be put back, a pickup
// before what it feeds.
func (s *search) arrange() {
	sum := int32(shuffled)
	for _, often := range s.likely {
		sum += often
	}
	draw := int32(below(s.rng, int(sum))) - shuffled
	if draw < 0 {
		for i := len(s.out) - 1; i > 0; i-- {
			j := below(s.rng, i+1)
			s.out[i], s.out[j] = s.out[j], s.out[i]
		}
	} else {
		k := 0
		for draw >= s.likely[k] {
			draw -= s.likely[k]
			k++
		}
		rank := s.ranks[k]
		slices.SortFunc(s.out, func(a, b int32) int { return cmp.Compare(rank[a], rank[b]) })
	}
	if len(s.m.p.Pairs) == 0 {
		return
	}
	s.order = s.order[:0]
	for _, x := range s.out {
		v := &s.m.stops[x]
		if v.from >= 0 && s.in[v.from] < 0 {
			continue // after its pickup
		}
		s.order = append(s.order, x)
		for _, y := range s.out {
			if s.m.stops[y].from == x {
				s.order = append(s.order, y)
			}
		}
	}
	s.out = append(s.out[:0], s.order...)
}
