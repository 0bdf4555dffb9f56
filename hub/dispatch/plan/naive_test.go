package plan

import (
	"math"
	"slices"
	"time"
)

// naive works out the cost of an order anew, from the words of the problem
// alone. It shares no code with the planner.
func naive(p *Problem, orders [][]int) Cost {
	var cost Cost
	rates := p.Rates
	if rates == (Rates{}) {
		rates = Rates{Metre: 1, Second: 8, Vehicle: 5000, Thin: 5}
	}
	served := map[int]bool{}
	whole := func(d time.Duration) int64 { return int64(d / time.Second) }
	for k, order := range orders {
		if len(order) == 0 {
			continue
		}
		v := p.Vehicles[k]
		now := p.Now
		if v.Shift.From.After(now) {
			now = v.Shift.From
		}
		var metres int64
		drive := func(a, b int) {
			speed := v.Speed
			if speed == 0 {
				speed = 1
			}
			s := int64(math.Ceil(float64(p.Matrix.Seconds[a][b])/speed - 1e-9))
			now = now.Add(time.Duration(s) * time.Second)
			d := int64(p.Matrix.Metres[a][b])
			metres += d
			cost.Travel += s*rates.Second + d*rates.Metre
		}
		aboard := int64(0)
		for _, s := range order {
			brought := false
			for _, pair := range p.Pairs {
				brought = brought || pair.Delivery == s
			}
			if !brought {
				aboard += p.Stops[s].Drop
			}
		}
		most := aboard
		at := v.Start
		for i, s := range order {
			stop := p.Stops[s]
			served[s] = true
			drive(at, stop.Place)
			at = stop.Place
			weight := int64(max(1, stop.Weight))
			late := time.Duration(0)
			for w, window := range stop.Windows {
				if !window.To.IsZero() && now.After(window.To) {
					if w == len(stop.Windows)-1 {
						late = now.Sub(window.To)
					}
					continue
				}
				if now.Before(window.From) {
					now = window.From
				}
				break
			}
			cost.Late += weight * min(whole(late), 864000)
			now = now.Add(stop.Service)
			for _, l := range stop.Loads {
				limit := l.Limit
				if l.Tau > 0 && v.Tau > 0 && limit.After(p.Now) {
					limit = p.Now.Add(time.Duration(float64(limit.Sub(p.Now)) * (float64(v.Tau) / float64(l.Tau))))
				}
				limit = p.Now.Add(limit.Sub(p.Now).Truncate(time.Second)) // a limit is met by whole seconds
				left := limit.Sub(now)
				w := int64(max(1, l.Weight))
				if left < 0 {
					cost.Spoiled += w
					cost.Warm += w * min(whole(-left), 86400)
					left = 0
				}
				if left < l.Reserve {
					cost.Travel += w * whole(l.Reserve-left) * rates.Thin
				}
			}
			if len(stop.Vehicles) > 0 && !slices.Contains(stop.Vehicles, k) {
				cost.Excess += 1000
			}
			for _, pair := range p.Pairs {
				if pair.Delivery == s && !slices.Contains(order[:i], pair.Pickup) {
					cost.Excess += 1000
					aboard += stop.Drop
					most = max(most, aboard)
				}
				if pair.Pickup == s && slices.Contains(order[i:], pair.Delivery) {
					aboard += p.Stops[pair.Delivery].Drop
				}
			}
			aboard += stop.Pick - stop.Drop
			most = max(most, aboard)
		}
		if v.End >= 0 {
			drive(at, v.End)
		}
		if !v.Shift.To.IsZero() && now.After(v.Shift.To) {
			cost.Late += min(whole(now.Sub(v.Shift.To)), 864000)
		}
		if v.Capacity > 0 && most > v.Capacity {
			cost.Excess += ((most-v.Capacity)*1000 + v.Capacity - 1) / v.Capacity
		}
		if v.Range > 0 && metres > v.Range {
			cost.Excess += ((metres-v.Range)*1000 + v.Range - 1) / v.Range
		}
		cost.Travel += rates.Vehicle
	}
	cost.Unserved = len(p.Stops) - len(served)
	return cost
}
