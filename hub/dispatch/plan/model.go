package plan

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const never = math.MaxInt32 / 2 // later than any instant, and may be added to

// arc is the way between two nodes for vehicles of one speed.
type arc struct{ seconds, cost int32 }

// model is a problem as the search reads it: seconds from Now, nodes instead of
// places, one table of arcs for each speed. One search uses it at a time.
type model struct {
	p        *Problem
	rates    Rates
	n        int // stops are nodes 0 to n-1, then come starts and ends
	nodes    int
	metres   []int32
	speeds   [][]arc
	stops    []visit
	cars     []car
	kinds    int // vehicles of a kind are the same in all that matters
	near     [][]int32
	mixed    bool    // some stop picks up
	binds    bool    // some stop is bound to vehicles
	reserves bool    // some load has a reserve: being later may cost no more than that
	typical  float64 // cost of the way from a stop to those nearest to it
	trial    []int32 // of loads
}

// visit is a stop; one for each compartment is kept where limits differ.
type visit struct {
	open, close int32 // of its last window; open is of its first where it has one only
	service     int32
	weight      int32
	drop, pick  int64
	more        []span    // all its windows, where it has several
	limits      [][]limit // by compartment
	due         []int32   // by compartment: beginning by then costs nothing
	from        int32     // its pickup, or -1
	feeds       []int32   // deliveries that it is the pickup of
	only        []bool    // by vehicle; nil: any
}

type span struct{ open, close int32 }

// limit of a load: service must begin by then.
type limit struct{ by, thin, weight int32 }

type car struct {
	start, end    int32
	leave, back   int32 // shift
	speed, box    int32 // class of speed and of compartment
	kind          int32
	fixed         int32
	capacity, run int64
}

func seconds(d time.Duration) int32 {
	return int32(min(max((d+time.Second-1)/time.Second, -never), never))
}

// at is t in whole seconds from Now, towards the past.
func (m *model) at(t time.Time) int32 {
	d := t.Sub(m.p.Now)
	return int32(min(max(math.Floor(d.Seconds()), -never), never))
}

func (m *model) span(w Window) span {
	s := span{0, never}
	if !w.From.IsZero() {
		s.open = max(0, seconds(w.From.Sub(m.p.Now)))
	}
	if !w.To.IsZero() {
		s.close = m.at(w.To)
	}
	return s
}

// compile makes the model of a valid problem.
func compile(p *Problem) *model {
	m := &model{p: p, rates: p.Rates, n: len(p.Stops)}
	if m.rates == (Rates{}) {
		m.rates = DefaultRates()
	}
	places := make([]int, 0, m.n+8)
	for i := range p.Stops {
		places = append(places, p.Stops[i].Place)
	}
	node := func(place int) int32 {
		for i := m.n; i < len(places); i++ {
			if places[i] == place {
				return int32(i)
			}
		}
		places = append(places, place)
		return int32(len(places) - 1)
	}
	var speeds []float64
	var boxes []time.Duration
	for i := range p.Vehicles {
		v := &p.Vehicles[i]
		s := m.span(v.Shift)
		c := car{start: node(v.Start), end: node(v.End), leave: s.open, back: s.close, fixed: int32(v.Fixed), capacity: v.Capacity, run: v.Range}
		if c.capacity == 0 {
			c.capacity = math.MaxInt64 / 4
		}
		if c.run == 0 {
			c.run = math.MaxInt64 / 4
		}
		speed := v.Speed
		if speed == 0 {
			speed = 1
		}
		c.speed, speeds = class(speeds, speed)
		c.box, boxes = class(boxes, v.Tau)
		m.cars = append(m.cars, c)
	}
	m.nodes = len(places)
	m.arcs(places, speeds)
	for i := range p.Stops {
		m.stops = append(m.stops, m.visit(&p.Stops[i], boxes))
	}
	for _, c := range p.Pairs {
		m.mixed = true
		m.stops[c.Delivery].from = int32(c.Pickup)
		m.stops[c.Pickup].feeds = append(m.stops[c.Pickup].feeds, int32(c.Delivery))
	}
	m.sorts()
	m.neighbours()
	return m
}

// class is the index of v among those seen, which it joins where it is new.
func class[T comparable](seen []T, v T) (int32, []T) {
	if i := slices.Index(seen, v); i >= 0 {
		return int32(i), seen
	}
	return int32(len(seen)), append(seen, v)
}

func (m *model) arcs(places []int, speeds []float64) {
	n := m.nodes
	m.metres = make([]int32, n*n)
	for i, a := range places {
		for j, b := range places {
			if a >= 0 && b >= 0 {
				m.metres[i*n+j] = m.p.Matrix.Metres[a][b]
			}
		}
	}
	for _, speed := range speeds {
		table := make([]arc, n*n)
		for i, a := range places {
			for j, b := range places {
				if a < 0 || b < 0 {
					continue
				}
				s := int64(math.Ceil(float64(m.p.Matrix.Seconds[a][b])/speed - 1e-9))
				cost := s*m.rates.Second + int64(m.metres[i*n+j])*m.rates.Metre
				table[i*n+j] = arc{int32(min(s, never)), int32(min(cost, math.MaxInt32/4))}
			}
		}
		m.speeds = append(m.speeds, table)
	}
}

func (m *model) visit(s *Stop, boxes []time.Duration) visit {
	v := visit{open: 0, close: never, service: seconds(s.Service), weight: int32(max(1, s.Weight)), drop: s.Drop, pick: s.Pick, from: -1}
	for _, w := range s.Windows {
		v.more = append(v.more, m.span(w))
	}
	if len(v.more) > 0 {
		v.open, v.close = v.more[len(v.more)-1].open, v.more[len(v.more)-1].close
	}
	if len(v.more) == 1 {
		v.more = nil
	}
	m.mixed = m.mixed || v.pick > 0
	for _, tau := range boxes {
		due := v.close
		var limits []limit
		for _, l := range s.Loads {
			by := int32(min(max(int64(m.at(LimitIn(m.p.Now, l, tau)))-int64(v.service), -never), never))
			thin := int32(max(int64(by)-int64(l.Reserve/time.Second), -never))
			limits = append(limits, limit{by, thin, int32(max(1, l.Weight))})
			due = min(due, thin)
			m.reserves = m.reserves || thin < by
		}
		v.limits, v.due = append(v.limits, limits), append(v.due, due)
	}
	if len(s.Vehicles) > 0 {
		m.binds = true
		v.only = make([]bool, len(m.p.Vehicles))
		for _, k := range s.Vehicles {
			v.only[k] = true
		}
	}
	return v
}

// LimitIn is when a load reaches its limit in a compartment of another thermal
// time constant: by Newton's law of cooling the time to it grows in proportion.
func LimitIn(now time.Time, l Load, tau time.Duration) time.Time {
	left := l.Limit.Sub(now)
	if l.Tau <= 0 || tau <= 0 || l.Tau == tau || left <= 0 {
		return l.Limit
	}
	return now.Add(time.Duration(min(float64(left)*(float64(tau)/float64(l.Tau)), float64(MaxHorizon))))
}

// sorts gives equal vehicles one kind, so that of several empty ones one is
// tried.
func (m *model) sorts() {
	type same struct {
		c    car
		bind int
	}
	var seen []same
	for i := range m.cars {
		key := same{c: m.cars[i]}
		if m.binds {
			key.bind = i + 1 // none is like another
		}
		m.cars[i].kind, seen = class(seen, key)
	}
	m.kinds = len(seen)
}

// neighbours lists for each stop all others, itself first and then nearest first.
func (m *model) neighbours() {
	table, sum := m.speeds[0], 0.0
	m.near = make([][]int32, m.n)
	cost := make([]int64, m.n)
	for i := range m.n {
		list := make([]int32, m.n)
		for j := range m.n {
			list[j] = int32(j)
			cost[j] = min(int64(table[i*m.nodes+j].cost), int64(table[j*m.nodes+i].cost))
		}
		cost[i] = -1 // itself first
		slices.SortStableFunc(list, func(a, b int32) int { return cmp.Compare(cost[a], cost[b]) })
		m.near[i] = list
		k := min(4, m.n-1)
		for _, j := range list[1 : k+1] {
			sum += float64(cost[j]) / float64(k)
		}
	}
	m.typical = max(1, sum/float64(max(1, m.n)))
}
