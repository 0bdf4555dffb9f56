package plan

import (
	"context"
	"slices"
)

// polish brings each route of the best solution to where no move of 2-opt or
// Or-opt between near stops makes it better, and gives its sequences.
func (s *search) polish(ctx context.Context) [][]int32 {
	seqs := s.bestCopy()
	for c, seq := range seqs {
		if len(seq)-int(s.m.cars[c].fixed) > exactly {
			s.settle(ctx, &route{car: int32(c), seq: seq})
		}
	}
	return seqs
}

// settle improves a route in place by the first better move, until there is
// none.
func (s *search) settle(ctx context.Context, r *route) {
	m, fixed := s.m, int(s.m.cars[r.car].fixed)
	m.measure(r)
	trial := &route{car: r.car}
	better := func(i, j, k int) bool {
		trial.seq = append(trial.seq[:0], r.seq...)
		move(trial.seq, i, j, k)
		if m.measure(trial); !trial.price.less(r.price) {
			return false
		}
		copy(r.seq, trial.seq)
		m.measure(r)
		return true
	}
	for again := true; again; {
		again = false
		for _, x := range slices.Clone(r.seq) {
			if ctx.Err() != nil {
				return
			}
			for _, y := range m.near[x][1:min(len(m.near[x]), 11)] {
				i, j := index(r.seq, x), index(r.seq, y)
				if j < 0 {
					continue
				}
				if i > j {
					i, j = j, i
				}
				for k := range moves {
					if i >= fixed && better(i, j, k) {
						again = true
						break
					}
				}
			}
		}
	}
}

const moves = 8

// move makes the stops at i and j > i neighbours, in one of several ways.
func move(seq []int32, i, j, k int) {
	switch k {
	case 0: // turn what is between, and the latter
		turn(seq[i+1 : j+1])
	case 1: // and the former
		turn(seq[i:j])
	case 2, 3, 4: // up to three stops from behind the former to behind the latter
		rotate(seq[i:j+1], min(i+k-1, j)-i)
	default: // from before the latter to before the former
		rotate(seq[i:j+1], max(j-(k-5), i+1)-i)
	}
}
