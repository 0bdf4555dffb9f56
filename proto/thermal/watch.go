package thermal

// cut gives where a comparison changes: between the cut and what is above it.
func cut(op Op, at Temp) Temp {
	if op == AtOrAbove || op == Below {
		return at - 1
	}
	return at
}

// beyond reports whether the curve is beyond a limit at an instant.
func beyond(seg *segment, t int64, op Op, at Temp) bool {
	c := seg.cmp(t, at)
	if !op.upper() {
		c = -c
	}
	return c > 0 || c == 0 && op.inclusive()
}

// watch follows one limit.
type watch struct {
	rule  *Limit
	index int
	clear Temp // beyond it no longer, an event has ended

	in       bool // an event is under way
	run      bool // the temperature is beyond the limit
	source   string
	from     int64
	peak     peak
	since    int64 // of the run
	area0    int64 // at since
	held     int64 // ms beyond the limit of the event's earlier runs
	area     int64 // and twice their area
	alarmed  bool
	alarm    int64
	first    int64 // alarm
	anyAlarm bool

	total, longest, events, alarms int64
}

func newWatch(l *Limit, index int) watch {
	w := watch{rule: l, index: index, clear: l.At - l.Deadband}
	if !l.Op.upper() {
		w.clear = l.At + l.Deadband
	}
	return w
}

func (w *watch) cuts() []Temp { return []Temp{cut(w.rule.Op, w.rule.At), cut(w.rule.Op, w.clear)} }

// see takes note of a temperature during an event.
func (w *watch) see(v Temp, t int64) {
	if w.in && (w.rule.Op.upper() && v > w.peak.v || !w.rule.Op.upper() && v < w.peak.v) {
		w.peak = peak{true, v, t}
	}
}

// enter compares the state with a curve that begins or goes on at e.at.
func (w *watch) enter(e *Evaluator, seg *segment) {
	switch is := beyond(seg, e.at, w.rule.Op, w.rule.At); {
	case is && !w.run:
		w.start(e, seg.at(e.at), e.at, e.area)
	case !is:
		w.back(e, seg, e.at, e.at, e.at)
	}
}

// pass follows a line from e.at, where the state is that of the line, to an
// instant.
func (w *watch) pass(e *Evaluator, seg *segment, to int64) {
	if seg.v0 == seg.v1 {
		return
	}
	if (seg.v1 > seg.v0) == w.rule.Op.upper() { // away from what is allowed
		if !w.run && beyond(seg, to, w.rule.Op, w.rule.At) {
			c := seg.cross(w.rule.At)
			w.start(e, w.rule.At, c, e.areaTo(seg, c))
			w.see(seg.at(to), to)
		}
		return
	}
	if w.in && !beyond(seg, to, w.rule.Op, w.rule.At) {
		c := e.at
		if w.run {
			c = seg.cross(w.rule.At)
		}
		w.back(e, seg, to, c, seg.cross(w.clear))
	}
}

// start begins a run, and an event if none is under way.
func (w *watch) start(e *Evaluator, v Temp, t, area int64) {
	if !w.in {
		w.in, w.source, w.from, w.peak = true, e.source, t, peak{true, v, t}
		w.held, w.area, w.alarmed, w.alarm = 0, 0, false, 0
		e.active++
	}
	w.run, w.since, w.area0 = true, t, area
	w.see(v, t)
}

// back ends a run at an instant, and the event too if at t the curve has come
// back by the deadband.
func (w *watch) back(e *Evaluator, seg *segment, t, at, cleared int64) {
	if w.run {
		w.tally(at, e.areaTo(seg, at))
	}
	if w.in && !beyond(seg, t, w.rule.Op, w.clear) {
		w.close(e, cleared, 0, Returned)
	}
}

// tally ends a run.
func (w *watch) tally(t, area int64) {
	n, before := t-w.since, w.held
	if w.rule.Timer == Cumulative {
		before = w.total
	}
	if !w.alarmed && before+n >= w.rule.Delay {
		w.alarmed, w.alarm = true, w.since+max(0, w.rule.Delay-before)
	}
	d := (area - w.area0) - 2*int64(w.rule.At)*n
	if !w.rule.Op.upper() {
		d = -d
	}
	w.held, w.total, w.area, w.run = w.held+n, w.total+n, w.area+d, false
}

// close ends an event. Area is that at t, where a run is under way.
func (w *watch) close(e *Evaluator, t, area int64, ended string) {
	if !w.in {
		return
	}
	if w.run {
		w.tally(t, area)
	}
	w.in = false
	e.active--
	w.events++
	w.longest = max(w.longest, w.held)
	if w.alarmed {
		w.alarms++
		if !w.anyAlarm {
			w.anyAlarm, w.first = true, w.alarm
		}
	}
	l := w.rule
	e.events.put(listed{Event{Limit: l.Name, Op: l.Op, At: l.At, Severity: l.Severity, From: w.from, To: t, Ended: ended, Broken: w.alarmed, Alarm: w.alarm,
		Peak: w.peak.v, PeakAt: w.peak.at, Duration: w.held, Area: kelvinHours(w.area), Source: w.source}, w.index}, MaxEvents, lessEvent)
}

// kelvinHours turns twice an area in thousandths of a degree times milliseconds
// into kelvin hours, rounded to millionths. Crossings are whole milliseconds,
// so that a sliver of area may have the wrong sign; it counts as none.
func kelvinHours(area int64) float64 {
	return float64(divide(max(0, area), 2*3600)) / 1e6
}
