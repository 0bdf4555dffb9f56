package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// kindOf is what a random problem has.
type kindOf struct{ windows, loads, mixed, fleet, strict, bound bool }

// random makes a problem of n stops and v vehicles around a town of 20 km. The
// matrix is not symmetric.
func random(rng *rand.Rand, n, v int, k kindOf) *Problem {
	p := &Problem{Now: noon, Strict: k.strict}
	type point struct{ x, y float64 }
	at := make([]point, n+2)
	for i := range at {
		at[i] = point{rng.Float64() * 20000, rng.Float64() * 20000}
	}
	for _, a := range at {
		var s, d []int32
		for _, b := range at {
			m := 1.3 * math.Hypot(a.x-b.x, a.y-b.y)
			d = append(d, int32(m))
			s = append(s, int32(m/(8+4*rng.Float64())))
		}
		p.Matrix.Seconds, p.Matrix.Metres = append(p.Matrix.Seconds, s), append(p.Matrix.Metres, d)
	}
	day := time.Duration(n/v+2) * 15 * time.Minute
	moment := func() time.Time { return noon.Add(time.Duration(rng.Int64N(int64(day)))).Truncate(time.Second) }
	for i := range v {
		c := Vehicle{ID: fmt.Sprint("v", i), Start: n, End: n, Shift: Window{To: noon.Add(day + 4*time.Hour)}, Tau: time.Hour}
		if k.fleet {
			c.Speed = []float64{0, 0.5, 1.5}[rng.IntN(3)]
			c.Capacity = int64(10 + rng.IntN(30))
			c.Range = int64(rng.IntN(3)) * 60000
			c.Tau = []time.Duration{0, time.Hour, 3 * time.Hour}[rng.IntN(3)]
			c.End = []int{Open, n, n + 1}[rng.IntN(3)]
		}
		p.Vehicles = append(p.Vehicles, c)
	}
	for i := range n {
		s := Stop{ID: fmt.Sprint("s", i), Place: i, Service: time.Duration(rng.IntN(600)) * time.Second, Drop: int64(rng.IntN(4)), Weight: rng.IntN(4)}
		if k.windows && rng.IntN(4) > 0 {
			from := moment()
			s.Windows = []Window{{from, from.Add(time.Duration(20+rng.IntN(100)) * time.Minute)}}
			if rng.IntN(3) == 0 {
				again := s.Windows[0].To.Add(time.Duration(10+rng.IntN(60)) * time.Minute)
				s.Windows = append(s.Windows, Window{again, again.Add(time.Hour)})
			}
			if rng.IntN(5) == 0 {
				s.Windows[0].From = time.Time{}
			}
		}
		if k.loads {
			for l := range rng.IntN(3) {
				s.Loads = append(s.Loads, Load{ID: fmt.Sprintf("%d.%d", i, l), Limit: moment().Add(20 * time.Minute), Weight: rng.IntN(5),
					Reserve: time.Duration(rng.IntN(20)) * time.Minute, Tau: []time.Duration{0, time.Hour, 2 * time.Hour}[rng.IntN(3)]})
			}
		}
		if k.mixed && rng.IntN(4) == 0 {
			s.Pick = int64(rng.IntN(5))
		}
		if k.bound && rng.IntN(4) == 0 {
			s.Vehicles = []int{rng.IntN(v)}
		}
		p.Stops = append(p.Stops, s)
	}
	if k.mixed {
		for i := 0; i+2 < n; i += 5 {
			p.Pairs = append(p.Pairs, Pair{i, i + 1}, Pair{i, i + 2})
			p.Stops[i].Vehicles, p.Stops[i+1].Vehicles, p.Stops[i+2].Vehicles = nil, nil, nil
		}
	}
	return p
}

// deal gives a random order of all stops.
func deal(rng *rand.Rand, p *Problem) [][]int {
	orders := make([][]int, len(p.Vehicles))
	for _, s := range rng.Perm(len(p.Stops)) {
		v := rng.IntN(len(orders))
		orders[v] = append(orders[v], s)
	}
	return orders
}
