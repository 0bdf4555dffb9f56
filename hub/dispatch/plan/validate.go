package plan

import (
	"fmt"
	"math"
	"time"
)

// Validate says what is wrong with a problem, naming the field and its value.
func (p *Problem) Validate() error {
	switch {
	case p.Now.IsZero():
		return fmt.Errorf("now: not given; it is the instant from which the plan holds")
	case len(p.Stops) > MaxStops:
		return fmt.Errorf("stops: %d; plan at most %d at once", len(p.Stops), MaxStops)
	case len(p.Vehicles) == 0 || len(p.Vehicles) > MaxVehicles:
		return fmt.Errorf("vehicles: %d; give 1 to %d", len(p.Vehicles), MaxVehicles)
	case p.Given != nil && len(p.Given) != len(p.Vehicles):
		return fmt.Errorf("given: %d orders for %d vehicles; give one for each, empty where it has none", len(p.Given), len(p.Vehicles))
	}
	if err := p.Matrix.validate(); err != nil {
		return err
	}
	for _, r := range []struct {
		name  string
		value int64
	}{{"metre", p.Rates.Metre}, {"second", p.Rates.Second}, {"vehicle", p.Rates.Vehicle}, {"thin", p.Rates.Thin}} {
		if r.value < 0 || r.value > 1e6 {
			return fmt.Errorf("rates: %s: %d is not in [0, 1000000]", r.name, r.value)
		}
	}
	for i := range p.Vehicles {
		if err := p.vehicle(i); err != nil {
			return fmt.Errorf("vehicle %d %q: %w", i, p.Vehicles[i].ID, err)
		}
	}
	for i := range p.Stops {
		if err := p.stop(i); err != nil {
			return fmt.Errorf("stop %d %q: %w", i, p.Stops[i].ID, err)
		}
	}
	if err := p.pairs(); err != nil {
		return err
	}
	return p.given()
}

func (m *Matrix) validate() error {
	n := len(m.Seconds)
	if n == 0 || n > MaxPlaces || len(m.Metres) != n {
		return fmt.Errorf("matrix: %d rows of seconds and %d of metres; give as many of each, 1 to %d", n, len(m.Metres), MaxPlaces)
	}
	for i := range n {
		if len(m.Seconds[i]) != n || len(m.Metres[i]) != n {
			return fmt.Errorf("matrix: row %d has %d seconds and %d metres of %d", i, len(m.Seconds[i]), len(m.Metres[i]), n)
		}
		for j := range n {
			if s, d := m.Seconds[i][j], m.Metres[i][j]; s < 0 || s >= maxLeg || d < 0 || d >= maxLeg {
				return fmt.Errorf("matrix: from %d to %d: %d s, %d m: not in [0, 2^29)", i, j, s, d)
			}
		}
	}
	return nil
}

func (p *Problem) place(name string, at int) error {
	if at < 0 || at >= len(p.Matrix.Seconds) {
		return fmt.Errorf("%s: place %d is not in the matrix of %d", name, at, len(p.Matrix.Seconds))
	}
	return nil
}

func (p *Problem) instant(name string, t time.Time) error {
	if !t.IsZero() && t.Sub(p.Now).Abs() > MaxHorizon {
		return fmt.Errorf("%s: %s is more than %s from now", name, t.Format(time.RFC3339), MaxHorizon)
	}
	return nil
}

func (p *Problem) window(name string, w Window) error {
	if !w.From.IsZero() && !w.To.IsZero() && w.To.Before(w.From) {
		return fmt.Errorf("%s: ends at %s before it begins at %s", name, w.To.Format(time.RFC3339), w.From.Format(time.RFC3339))
	}
	if err := p.instant(name, w.From); err != nil {
		return err
	}
	return p.instant(name, w.To)
}

func (p *Problem) vehicle(i int) error {
	v := &p.Vehicles[i]
	switch {
	case v.Speed != 0 && !(v.Speed >= 0.05 && v.Speed <= 20) || math.IsNaN(v.Speed):
		return fmt.Errorf("speed: %g is not in [0.05, 20]", v.Speed)
	case v.Range < 0:
		return fmt.Errorf("range: %d m is negative", v.Range)
	case v.Capacity < 0 || v.Capacity > maxQuantity:
		return fmt.Errorf("capacity: %d is not in [0, 2^40]", v.Capacity)
	case v.Tau < 0:
		return fmt.Errorf("tau: %s is negative", v.Tau)
	case v.Fixed < 0 || v.Fixed > 0 && (p.Given == nil || v.Fixed > len(p.Given[i])):
		return fmt.Errorf("fixed: %d is not a number of stops of its given order", v.Fixed)
	}
	if err := p.place("start", v.Start); err != nil {
		return err
	}
	if v.End != Open {
		if err := p.place("end", v.End); err != nil {
			return err
		}
	}
	return p.window("shift", v.Shift)
}

func (p *Problem) stop(i int) error {
	s := &p.Stops[i]
	switch {
	case len(s.Windows) > MaxWindows:
		return fmt.Errorf("windows: %d; give at most %d", len(s.Windows), MaxWindows)
	case len(s.Loads) > MaxLoads:
		return fmt.Errorf("loads: %d; give at most %d", len(s.Loads), MaxLoads)
	case s.Weight < 0 || s.Weight > MaxWeight:
		return fmt.Errorf("weight: %d is not in [0, %d]", s.Weight, MaxWeight)
	case s.Service < 0 || s.Service > maxService:
		return fmt.Errorf("service: %s is not in [0, %s]", s.Service, maxService)
	case s.Drop < 0 || s.Drop > maxQuantity || s.Pick < 0 || s.Pick > maxQuantity:
		return fmt.Errorf("drop %d, pick %d: not in [0, 2^40]", s.Drop, s.Pick)
	}
	for k, w := range s.Windows {
		if err := p.window(fmt.Sprintf("window %d", k), w); err != nil {
			return err
		}
		if k > 0 && (w.From.IsZero() || s.Windows[k-1].To.IsZero() || !w.From.After(s.Windows[k-1].To)) {
			return fmt.Errorf("window %d: does not begin after window %d; sort and join them", k, k-1)
		}
	}
	for _, l := range s.Loads {
		switch {
		case l.Limit.IsZero():
			return fmt.Errorf("load %q: limit: not given; leave out a load that has none", l.ID)
		case l.Weight < 0 || l.Weight > MaxWeight:
			return fmt.Errorf("load %q: weight: %d is not in [0, %d]", l.ID, l.Weight, MaxWeight)
		case l.Reserve < 0 || l.Reserve > MaxHorizon:
			return fmt.Errorf("load %q: reserve: %s is not in [0, %s]", l.ID, l.Reserve, MaxHorizon)
		case l.Tau < 0:
			return fmt.Errorf("load %q: tau: %s is negative", l.ID, l.Tau)
		}
		if err := p.instant("load "+l.ID+": limit", l.Limit); err != nil {
			return err
		}
	}
	for _, v := range s.Vehicles {
		if v < 0 || v >= len(p.Vehicles) {
			return fmt.Errorf("vehicles: %d is not one of %d", v, len(p.Vehicles))
		}
	}
	return p.place("place", s.Place)
}

func (p *Problem) pairs() error {
	as := make([]int, len(p.Stops)) // 1 a pickup, 2 a delivery
	for i, c := range p.Pairs {
		switch n := len(p.Stops); {
		case c.Pickup < 0 || c.Pickup >= n || c.Delivery < 0 || c.Delivery >= n || c.Pickup == c.Delivery:
			return fmt.Errorf("pair %d: pickup %d, delivery %d: not two of %d stops", i, c.Pickup, c.Delivery, n)
		case as[c.Pickup] == 2 || as[c.Delivery] != 0:
			return fmt.Errorf("pair %d: pickup %d, delivery %d: a delivery has one pickup, and is none itself", i, c.Pickup, c.Delivery)
		}
		as[c.Pickup], as[c.Delivery] = 1, 2
	}
	return nil
}

func (p *Problem) given() error {
	seen := make([]bool, len(p.Stops))
	for v, order := range p.Given {
		for _, s := range order {
			if s < 0 || s >= len(p.Stops) {
				return fmt.Errorf("given: vehicle %d: stop %d is not one of %d", v, s, len(p.Stops))
			}
			if seen[s] {
				return fmt.Errorf("given: vehicle %d: stop %d %q is served twice", v, s, p.Stops[s].ID)
			}
			seen[s] = true
		}
	}
	return nil
}
