package thermal

import (
	"math"
	"sync"
	"sync/atomic"
)

const (
	// Gas is the gas constant of USP <1160> in J/(mol·K), by which the default
	// activation gives K = ΔH/R = 10000 K exactly.
	Gas = 8.3144
	// Kelvin is 0 °C in kelvin.
	Kelvin = 273.15

	// reference keeps rates of reaction near 1; it cancels out.
	reference = 298_150 // thousandths of a kelvin

	tableLow  Temp = -40_000
	tableHigh Temp = 80_000
)

// rates gives exp(K/298.15 - K/T), the rate of a reaction relative to that at
// 25 °C, remembering what was worked out.
type rates struct {
	k    float64         // kelvin
	memo []atomic.Uint64 // bits of the rate by thousandths of a degree from tableLow; 0: not yet
}

// activationK is ΔH/R in kelvin, with R so that 83144 J/mol is 10000 exactly.
func activationK(joule int64) float64 {
	if joule == 0 {
		joule = DefaultActivation
	}
	return float64(joule*10_000) / DefaultActivation
}

// tables of rates are shared by all that reckon with the same K. A table is a
// megabyte, so there are few.
var tables struct {
	sync.Mutex
	by map[float64]*rates
}

const maxTables = 8

func ratesFor(k float64) *rates {
	tables.Lock()
	defer tables.Unlock()
	if r := tables.by[k]; r != nil {
		return r
	}
	r := &rates{k: k}
	if len(tables.by) < maxTables {
		if tables.by == nil {
			tables.by = map[float64]*rates{}
		}
		r.memo = make([]atomic.Uint64, tableHigh-tableLow+1)
		tables.by[k] = r
	}
	return r
}

func (r *rates) at(t Temp) float64 {
	i := uint64(t - tableLow)
	if i < uint64(len(r.memo)) {
		if b := r.memo[i].Load(); b != 0 {
			return math.Float64frombits(b)
		}
	}
	return r.workOut(t)
}

func (r *rates) workOut(t Temp) float64 {
	x := exp(float64(r.k*1000)/reference - float64(r.k*1000)/float64(t-AbsoluteZero))
	if i := uint64(t - tableLow); i < uint64(len(r.memo)) {
		r.memo[i].Store(math.Float64bits(x))
	}
	return x
}

// temp is the temperature of a mean rate, rounded, and false for a rate of 0,
// which no double can tell from others.
func (r *rates) temp(mean float64) (Temp, bool) {
	if mean <= 0 {
		return 0, false
	}
	k := float64(r.k*1000) / (float64(r.k*1000)/reference - log(mean))
	return Temp(math.Floor(k+0.5)) + AbsoluteZero, true
}
