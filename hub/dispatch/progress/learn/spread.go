package learn

import (
	"math"
	"slices"
)

// Spread is what something takes: between Low and High in four cases of five,
// as often less than Mid as more.
type Spread struct {
	Low, Mid, High float64
	N              int // observations that it rests on
}

const (
	keep  = 200 // observations of a class
	prior = 12  // that the spread stands for which is taken before any
	tail  = 0.1 // of the cases, beyond each end
)

// spread of observations and the prior ones, which go from low to high evenly
// about the middle.
func spread(seen []float64, p Spread) Spread {
	all := make([]float64, 0, len(seen)+prior)
	all = append(all, seen...)
	for i := range prior {
		all = append(all, p.at((float64(i)+0.5)/prior))
	}
	slices.Sort(all)
	return Spread{quantile(all, tail), quantile(all, 0.5), quantile(all, 1-tail), len(seen)}
}

// at is the quantile q of a spread whose ends are the tails, straight between
// its three numbers and a little beyond.
func (p Spread) at(q float64) float64 {
	if q < 0.5 {
		return max(0, p.Mid-(p.Mid-p.Low)*(0.5-q)/(0.5-tail))
	}
	return p.Mid + (p.High-p.Mid)*(q-0.5)/(0.5-tail)
}

// quantile of sorted numbers, straight between neighbours (type 7 of Hyndman
// and Fan, "Sample quantiles in statistical packages", 1996).
func quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(math.Floor(x))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}
