// Package noise gives random numbers that are a pure function of a seed, a
// name and a moment. A sensor's noise at one moment is therefore the same
// whether that sensor was read once or a thousand times before, which is what
// makes a simulated run repeatable under its seed.
package noise

import (
	"hash/fnv"
	"math"
)

// Source is one stream of noise. The zero value is a valid stream of its own.
// It holds no state and is safe for concurrent use.
type Source struct{ key uint64 }

// New gives the stream that belongs to name under seed.
func New(seed uint64, name string) Source {
	h := fnv.New64a()
	h.Write([]byte(name))
	return Source{key: mix(seed) ^ mix(h.Sum64()+0x9e3779b97f4a7c15)}
}

// Bits gives 64 uniform bits for moment n.
func (s Source) Bits(n int64) uint64 { return mix(s.key + uint64(n)*0x9e3779b97f4a7c15) }

// Uniform gives a number in [0, 1) for moment n.
func (s Source) Uniform(n int64) float64 { return float64(s.Bits(n)>>11) / (1 << 53) }

// Normal gives a normally distributed number with mean 0 and standard
// deviation 1 for moment n, cut off at ±4 so that noise never looks like a
// fault.
func (s Source) Normal(n int64) float64 {
	b := s.Bits(n)
	u := (float64(b>>32) + 1) / (1 << 32) // (0, 1]: its logarithm is finite
	v := float64(uint32(b)) / (1 << 32)
	z := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	return math.Max(-4, math.Min(4, z))
}

// Smooth gives a number in [-1, 1] that changes slowly: fresh values at each
// whole x, eased between them.
func (s Source) Smooth(x float64) float64 {
	n := math.Floor(x)
	f := x - n
	a, b := s.Uniform(int64(n)), s.Uniform(int64(n)+1)
	f = f * f * (3 - 2*f)
	return 2*(a+(b-a)*f) - 1
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
