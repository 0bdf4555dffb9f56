package thermal

// enter begins or goes on with a curve at e.at, which lies on it.
func (e *Evaluator) enter(seg *segment) {
	e.extremes(seg.at(e.at), e.at)
	for i := range e.limits {
		e.limits[i].enter(e, seg)
	}
	for i := range e.bands {
		e.bands[i].enter(seg, e.at)
	}
	if e.kinetic != nil {
		e.kinetic.enter(e, seg)
	}
	e.live = true
}

// pass judges a line from e.at to an instant after it.
func (e *Evaluator) pass(seg *segment, to int64) {
	if !e.live || e.at != seg.t0 { // else the state is that of the reading at t0
		e.enter(seg)
	}
	e.extremes(seg.at(to), to)
	for i := range e.limits {
		e.limits[i].pass(e, seg, to)
	}
	for i := range e.bands {
		e.bands[i].pass(seg, e.at, to)
	}
	if e.kinetic != nil {
		e.kinetic.pass(e, seg, to)
		e.tick = e.kinetic.tick
	}
	e.monitored += to - e.at
	e.area += seg.area(to) - seg.area(e.at)
	e.heat += e.warmth(seg, to)
	e.at = to
}

// areaTo is the area up to an instant of a line that is being judged.
func (e *Evaluator) areaTo(seg *segment, t int64) int64 {
	return e.area + seg.area(t) - seg.area(e.at)
}

// warmth is the integral of the rate from e.at to an instant. The rate is the
// straight line between the rates at the readings: the trapezoid rule.
func (e *Evaluator) warmth(seg *segment, to int64) float64 {
	if e.rates == nil || to == e.at {
		return 0
	}
	r0, r1 := e.rates.at(seg.v0), e.rates.at(seg.v1)
	d := float64(seg.t1 - seg.t0)
	if e.at != seg.t0 {
		r0 += float64((e.rates.at(seg.v1) - r0) * (float64(e.at-seg.t0) / d))
	}
	if to != seg.t1 {
		first := e.rates.at(seg.v0)
		r1 = first + float64((r1-first)*(float64(to-seg.t0)/d))
	}
	return float64(float64(r0+r1) * 0.5 * float64(to-e.at))
}

func (e *Evaluator) extremes(v Temp, t int64) {
	if !e.min.known || v < e.min.v {
		e.min = peak{true, v, t}
	}
	if !e.max.known || v > e.max.v {
		e.max = peak{true, v, t}
	}
	for i := range e.limits {
		e.limits[i].see(v, t)
	}
}

// lose declares what lies between e.at and an instant unmonitored.
func (e *Evaluator) lose(to int64, reason string) {
	if to <= e.at {
		return
	}
	e.settle(Lost)
	if e.kinetic != nil {
		e.kinetic.lose(e, to)
		e.tick = e.kinetic.tick
	}
	e.gaps.add(Unmonitored{From: e.at, To: to, Reason: reason})
	e.live, e.fast, e.at = false, false, to
}

// settle ends all that is under way at e.at.
func (e *Evaluator) settle(ended string) {
	for i := range e.limits {
		e.limits[i].close(e, e.at, e.area, ended)
	}
	for i := range e.bands {
		e.bands[i].settle(e.at)
	}
	if e.kinetic != nil {
		e.kinetic.end(sums{e.at, e.heat, e.monitored})
	}
}
