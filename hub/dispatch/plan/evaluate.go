package plan

import (
	"time"
)

// Plan is an order of stops for each vehicle and what comes of it.
type Plan struct {
	Orders   [][]int       `json:"orders"` // stops by vehicle
	Cost     Cost          `json:"cost"`
	Vehicles int           `json:"vehicles"` // used
	Metres   int64         `json:"metres"`
	Driving  time.Duration `json:"driving"`
	Finish   time.Time     `json:"finish"` // when the last vehicle is done; Now where none is used
	Visits   []Visit       `json:"visits"` // by stop
	Breaks   []Break       `json:"breaks"` // all that it breaks
}

// Visit is when a stop is served, and what that leaves.
type Visit struct {
	Vehicle  int           `json:"vehicle"`  // -1: no vehicle serves it
	Position int           `json:"position"` // in the vehicle's order, from 0
	Arrive   time.Time     `json:"arrive,omitzero"`
	Begin    time.Time     `json:"begin,omitzero"` // of service: after Arrive where it waits for a window
	Leave    time.Time     `json:"leave,omitzero"`
	Late     time.Duration `json:"late"`   // after its last window
	Spare    time.Duration `json:"spare"`  // how much later it could be reached with no harm to it or to any after it
	Detour   int64         `json:"detour"` // metres that the route would be shorter without it
	Loads    []Margin      `json:"loads,omitempty"`
}

// Margin is what is left of a load's time at the end of its hand-over.
type Margin struct {
	Load  string        `json:"load"`
	Limit time.Time     `json:"limit"` // in the vehicle that brings it
	Left  time.Duration `json:"left"`  // negative: it got too warm before
}

// Kinds of what an order breaks.
const (
	BreakUnserved   = "unserved"   // stop
	BreakLimit      = "limit"      // load: over its thermal limit
	BreakWindow     = "window"     // stop: begun after its window
	BreakShift      = "shift"      // vehicle: back after its shift
	BreakCapacity   = "capacity"   // vehicle
	BreakRange      = "range"      // vehicle
	BreakPrecedence = "precedence" // stop: delivered before, or without, its pickup
	BreakBinding    = "binding"    // stop: on a vehicle that may not serve it
)

// Break is one constraint that an order does not keep.
type Break struct {
	Kind    string        `json:"kind"`
	Stop    int           `json:"stop"`    // -1: it is of a vehicle
	Vehicle int           `json:"vehicle"` // -1: none serves the stop
	Load    string        `json:"load,omitempty"`
	By      time.Duration `json:"by,omitempty"`   // limit, window, shift
	Over    int64         `json:"over,omitempty"` // capacity in its unit, range in metres
}

// Evaluate works out what comes of an order: one sequence of stops for each
// vehicle. Stops in none are unserved.
func Evaluate(p *Problem, orders [][]int) (*Plan, error) {
	q := *p
	q.Given = orders
	if q.Given == nil {
		q.Given = make([][]int, len(p.Vehicles))
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	return compile(p).evaluate(narrow(q.Given)), nil
}

func narrow(orders [][]int) [][]int32 {
	seqs := make([][]int32, len(orders))
	for i, o := range orders {
		for _, s := range o {
			seqs[i] = append(seqs[i], int32(s))
		}
	}
	return seqs
}

func (m *model) time(s int32) time.Time { return m.p.Now.Add(time.Duration(s) * time.Second) }

func (m *model) evaluate(seqs [][]int32) *Plan {
	plan := &Plan{Orders: make([][]int, len(m.cars)), Visits: make([]Visit, m.n), Breaks: []Break{}, Finish: m.p.Now}
	for i := range plan.Visits {
		plan.Visits[i] = Visit{Vehicle: -1, Position: -1}
	}
	for c := range m.cars {
		plan.Orders[c] = []int{}
		if c < len(seqs) && len(seqs[c]) > 0 {
			m.tell(plan, c, seqs[c])
		}
	}
	for i, v := range plan.Visits {
		if v.Vehicle < 0 {
			plan.Cost.Unserved++
			plan.Breaks = append(plan.Breaks, Break{Kind: BreakUnserved, Stop: i, Vehicle: -1})
		}
	}
	return plan
}

// tell adds one route to a plan.
func (m *model) tell(plan *Plan, c int, seq []int32) {
	r := &route{car: int32(c), seq: seq}
	m.measure(r)
	car, n := &m.cars[c], len(seq)
	table, size := m.speeds[car.speed], m.nodes
	at := car.start
	for i, s := range seq {
		v := &m.stops[s]
		next := car.end
		if i+1 < n {
			next = seq[i+1]
		}
		into, out, past := int(at)*size+int(s), int(s)*size+int(next), int(at)*size+int(next)
		visit := Visit{
			Vehicle: c, Position: i, Arrive: m.time(r.arrive[i]), Begin: m.time(r.begin[i]), Leave: m.time(r.begin[i] + v.service),
			Late:   time.Duration(max(0, r.begin[i]-v.close)) * time.Second,
			Spare:  time.Duration(min(r.latest[i], never)-r.arrive[i]) * time.Second,
			Detour: int64(m.metres[into]) + int64(m.metres[out]) - int64(m.metres[past]),
		}
		plan.Driving += time.Duration(table[into].seconds) * time.Second
		m.hand(plan, &visit, int(s), car)
		plan.Visits[s] = visit
		plan.Orders[c] = append(plan.Orders[c], int(s))
		at = s
	}
	plan.Driving += time.Duration(table[int(at)*size+int(car.end)].seconds) * time.Second
	plan.Vehicles++
	plan.Metres += r.metres
	plan.Cost.Travel += r.price.travel
	plan.Cost.Excess += r.price.hard
	if end := m.time(r.arrive[n]); end.After(plan.Finish) {
		plan.Finish = end
	}
	if over := overtime(car, r.arrive[n]); over > 0 {
		plan.Cost.Late += over
		plan.Breaks = append(plan.Breaks, Break{Kind: BreakShift, Stop: -1, Vehicle: c, By: time.Duration(over) * time.Second})
	}
	m.limits(plan, r)
}

// hand tells what a visit costs in time and to its loads.
func (m *model) hand(plan *Plan, visit *Visit, s int, car *car) {
	stop, v := &m.p.Stops[s], &m.stops[s]
	if visit.Late > 0 {
		plan.Cost.Late += min(int64(visit.Late/time.Second), maxLate) * int64(v.weight)
		plan.Breaks = append(plan.Breaks, Break{Kind: BreakWindow, Stop: s, Vehicle: visit.Vehicle, By: visit.Late})
	}
	for k, l := range stop.Loads {
		by := v.limits[car.box][k]
		left := m.time(by.by).Sub(visit.Begin)
		visit.Loads = append(visit.Loads, Margin{Load: l.ID, Limit: LimitIn(m.p.Now, l, m.p.Vehicles[visit.Vehicle].Tau), Left: left})
		if left < 0 {
			plan.Cost.Spoiled += int64(by.weight)
			plan.Cost.Warm += min(int64(-left/time.Second), maxWarm) * int64(by.weight)
			plan.Breaks = append(plan.Breaks, Break{Kind: BreakLimit, Stop: s, Vehicle: visit.Vehicle, Load: l.ID, By: -left})
		}
	}
}

// limits tells which limits of its vehicle a route breaks.
func (m *model) limits(plan *Plan, r *route) {
	c, id := &m.cars[r.car], int(r.car)
	most := r.drop
	if m.mixed {
		most = r.peak[len(r.seq)]
	}
	if most > c.capacity {
		plan.Breaks = append(plan.Breaks, Break{Kind: BreakCapacity, Stop: -1, Vehicle: id, Over: most - c.capacity})
	}
	if r.metres > c.run {
		plan.Breaks = append(plan.Breaks, Break{Kind: BreakRange, Stop: -1, Vehicle: id, Over: r.metres - c.run})
	}
	for i, s := range r.seq {
		v := &m.stops[s]
		if v.from >= 0 && !before(r.seq[:i], v.from) {
			plan.Breaks = append(plan.Breaks, Break{Kind: BreakPrecedence, Stop: int(s), Vehicle: id})
		}
		if v.only != nil && !v.only[r.car] {
			plan.Breaks = append(plan.Breaks, Break{Kind: BreakBinding, Stop: int(s), Vehicle: id})
		}
	}
}
