package correlate

import (
	"math"
	"slices"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// parcel is a package as the engine follows it. mu of the engine guards it.
type parcel struct {
	id    string
	open  bool
	rides []*ride
	told  map[join.Key]*told // verdicts that were appended
}

// ride is an open package under one of its judges.
type ride struct {
	parcel *parcel
	judge  join.Judge
	lead   *sensor // nil where nobody is fresh
	ev     *thermal.Evaluator
	last   int64 // UTC of the newest reading of the lead in ev
	value  thermal.Temp
	until  int64 // when another source may vouch, or this one may not any more

	// imperfect is the end of what the lead does not vouch for: another source
	// could still fill it.
	imperfect int64
	told      summary // what ev says in substance
	calm      cell
	checked   int64   // when told was made
	left      []int64 // of each budget, until another unit's is broken
	least     []int64 // of each budget, until that of the unit with least left is
	sensors   []*sensor
}

// cell is a range of temperatures in which nothing can change in substance.
type cell struct{ low, high thermal.Temp }

func (c cell) has(v thermal.Temp) bool { return c.low <= v && v <= c.high }

// calm gives the range in which no rule counts anything.
func calm(p *thermal.Profile) cell {
	c := cell{thermal.AbsoluteZero, math.MaxInt64}
	above := func(t thermal.Temp) { c.high = min(c.high, t-1) }
	below := func(t thermal.Temp) { c.low = max(c.low, t+1) }
	for _, l := range p.Limits {
		switch l.Op {
		case thermal.Above, thermal.AtOrAbove:
			above(l.At - l.Deadband)
		default:
			below(l.At + l.Deadband)
		}
	}
	if p.MKT != nil {
		above(p.MKT.Limit)
	}
	if p.High != nil {
		above(*p.High + 1)
	}
	if p.Low != nil {
		below(*p.Low - 1)
	}
	for _, b := range p.Budgets {
		switch {
		case b.Kind == thermal.Freeze && b.Below != nil, b.Above == nil && b.Below != nil:
			below(*b.Below)
		case b.Above != nil:
			above(*b.Above)
		}
	}
	return c
}

// look is how often what is not calm is looked at while its readings stay on
// one side of everything, in ms of their own time.
const look = 10_000

// advance takes the readings of the lead that follow. mu is held.
func (e *Engine) advance(r *ride, samples []thermal.Sample) {
	notable := false
	for _, v := range samples {
		if v.At <= r.last {
			continue
		}
		if r.ev == nil || v.At-r.last > r.judge.Profile.LongestGap || v.At >= r.until {
			e.touchOne(r.parcel.id, r.last, v.At, fact.Cause{Kind: "reading", Detail: "sensor " + r.lead.id + " vouches again"}, 0)
			return
		}
		if err := r.ev.Add(v); err != nil {
			e.touchOne(r.parcel.id, r.last, v.At, fact.Cause{Kind: "reading", Detail: "reading of sensor " + r.lead.id}, 0)
			return
		}
		is := r.calm.has(v.Value)
		notable = notable || is != r.calm.has(r.value) || !is && (v.At-r.checked >= look || crossed(&r.judge.Profile, r.value, v.Value))
		r.last, r.value = v.At, v.Value
	}
	if !notable {
		return
	}
	was := r.checked
	r.checked = r.last
	v, err := r.ev.Verdict(r.last)
	if err == nil && r.told.same(summarize(&v, true)) && !r.spent(&v) {
		return
	}
	e.touchOne(r.parcel.id, was, r.last, fact.Cause{Kind: "reading", Detail: "readings of sensor " + r.lead.id}, 0)
}

// crossed reports whether a limit lies between two temperatures.
func crossed(p *thermal.Profile, a, b thermal.Temp) bool {
	a, b = min(a, b), max(a, b)
	for i := range p.Limits {
		l := &p.Limits[i]
		if a <= l.At+l.Deadband && l.At-l.Deadband <= b && a != b {
			return true
		}
	}
	return false
}

// spent reports whether the budget of a unit may be broken by now.
func (r *ride) spent(v *thermal.Verdict) bool {
	for i := range min(len(r.left), len(v.Budgets)) {
		if v.Budgets[i].Spent > r.left[i] {
			return true
		}
	}
	return false
}

// board makes the rides of a package by what it was judged. mu is held.
func (e *Engine) board(p *parcel, c *join.Case, judged []join.Judgement) {
	e.alight(p)
	if p.open = c.Open(); !p.open {
		delete(e.open, p.id)
		e.linger(p, c)
		return
	}
	e.open[p.id] = p
	for i := range judged {
		j := &judged[i]
		r := &ride{parcel: p, judge: c.Judges[i], told: summarize(&j.Verdict, true), checked: j.Verdict.To, imperfect: math.MaxInt64}
		r.calm = calm(&r.judge.Profile)
		r.until = min(c.Next, j.Ahead, c.Plan.Changes(&r.judge.Profile, c.Now))
		if c.Watch.From > c.Now {
			r.until = min(r.until, c.Watch.From)
		}
		if j.Lead == "" && j.Verdict.From == j.Verdict.To { // as soon as it has begun, something is missing
			r.until = min(r.until, max(c.Now, c.Watch.From)+1)
		}
		r.least, r.left = budgetsOf(j)
		h := &j.History
		if n := len(h.Stretches); j.Lead != "" {
			r.lead = e.sensor(j.Lead)
			if !r.lead.seen {
				r.lead.seen, r.lead.last = true, j.LeadAt
			}
			r.lead.rides = append(r.lead.rides, r)
			r.sensors = append(r.sensors, r.lead)
			r.last = j.LeadAt
			if n > 0 && h.Stretches[n-1].To == h.To && h.To == j.LeadAt && led(h.Stretches[n-1].Source, j.Lead) {
				r.ev = j.Evaluator
				s := h.Stretches[n-1].Samples
				r.value = s[len(s)-1].Value
				if r.imperfect = h.Stretches[n-1].From; r.imperfect == h.From {
					r.imperfect = math.MinInt64
				}
			}
		}
		e.await(r, c)
		p.rides = append(p.rides, r)
	}
}

// linger lets a closed package hear of readings from before its end that have
// not come yet. mu is held.
func (e *Engine) linger(p *parcel, c *join.Case) {
	for i := range c.Judges {
		r := &ride{parcel: p, judge: c.Judges[i], imperfect: plus(c.Watch.To, c.Judges[i].Profile.LongestGap+1)}
		for _, l := range c.Plan.Legs {
			for _, s := range l.Sources {
				o := e.sensor(s.Sensor)
				if o.seen && o.last >= r.imperfect || slices.Contains(r.sensors, o) {
					continue
				}
				o.others = append(o.others, other{r, false})
				r.sensors = append(r.sensors, o)
			}
		}
		p.rides = append(p.rides, r)
	}
}

// led reports whether a stretch is of a sensor.
func led(source, sensor string) bool {
	rest, ok := cutPrefix(source, "sensor/"+sensor)
	return ok && (rest == "" || rest[0] == ' ')
}

// await makes the sensors known that may vouch though they do not lead.
func (e *Engine) await(r *ride, c *join.Case) {
	if len(c.Plan.Legs) == 0 {
		return
	}
	better := true
	seen := map[string]bool{}
	for i, l := range c.Plan.Legs {
		last := i == len(c.Plan.Legs)-1
		for _, s := range l.Sources {
			if r.lead != nil && s.Sensor == r.lead.id {
				better = better && !last
				continue
			}
			if seen[s.Sensor] && !last {
				continue
			}
			now := last && better && c.Plan.Takes(s.Sensor, &r.judge.Profile, c.Now)
			if seen[s.Sensor] && !now {
				continue
			}
			seen[s.Sensor] = true
			o := e.sensor(s.Sensor)
			o.others = append(o.others, other{r, now})
			r.sensors = append(r.sensors, o)
		}
	}
}

// budgetsOf gives how much of each budget the package may spend in all until
// that of the unit that has least left is broken, or, of units whose is not
// broken yet, the next; math.MaxInt64 where there is no such unit.
func budgetsOf(j *join.Judgement) (least, next []int64) {
	for i := range j.Verdict.Budgets {
		l, n := int64(math.MaxInt64), int64(math.MaxInt64)
		for _, u := range j.Units {
			if i >= len(u.Budgets) {
				continue
			}
			until := j.Verdict.Budgets[i].Spent + u.Budgets[i].Left
			if l = min(l, until); !u.Budgets[i].Broken {
				n = min(n, until)
			}
		}
		least, next = append(least, l), append(next, n)
	}
	return least, next
}

// alight takes a package off its sensors. mu is held.
func (e *Engine) alight(p *parcel) {
	for _, r := range p.rides {
		for _, s := range r.sensors {
			s.rides = slices.DeleteFunc(s.rides, func(o *ride) bool { return o == r })
			s.others = slices.DeleteFunc(s.others, func(o other) bool { return o.ride == r })
		}
	}
	p.rides = nil
}
