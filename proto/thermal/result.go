package thermal

import "fmt"

// Words of Constants: how to read the numbers.
const (
	wordsBoundary      = "each limit by its own comparison, exact; a rule is broken when the time beyond reaches its delay; the labelled range includes its ends; a budget is broken by more than it allows"
	wordsInterpolation = "temperature linear between readings; crossings to the nearest millisecond; rate of reaction linear between readings (trapezoid rule)"
	wordsRounding      = "temperatures to 0.001, areas to 0.000001 kelvin hours, halves up; mean kinetic temperature is compared after rounding"
	wordsMethod        = "K/(-ln(mean of exp(-K/T) over monitored time)), trapezoid rule, gaps neither bridged nor dropped"
)

// Verdict says what holds of the history up to an instant, which must not be
// before Covered. What lies between is unmonitored, and events under way end
// there as Ongoing. It changes nothing: the history goes on from where it was.
func (e *Evaluator) Verdict(to int64) (Verdict, error) {
	if err := instant(to); err != nil {
		return Verdict{}, fmt.Errorf("verdict up to %w", err)
	}
	if to < e.at {
		return Verdict{}, fmt.Errorf("verdict up to %d: the history is judged to %d already; go back to a clone, or begin anew", to, e.at)
	}
	return e.Clone().finish(to), nil
}

func (e *Evaluator) finish(to int64) Verdict {
	e.leave(to)
	e.lose(to, ReasonUntold)
	e.settle(Ongoing)
	gaps := e.gaps.sorted()
	p := &e.profile
	v := Verdict{
		Engine: EngineVersion, Profile: p.ID, Version: p.Version, ProfileDigest: e.digest, From: e.from, To: to, Outcome: InRange,
		Limits: make([]LimitState, len(e.limits)), Budgets: make([]BudgetState, len(p.Budgets)),
		Excursions: sortedEvents(e.events.list), ExcursionsOmitted: e.events.omitted,
		Monitored: e.monitored, Gaps: gaps, GapsOmitted: e.gaps.omitted, Unmonitored: e.gaps.total,
		InRange: e.bands[0].sum, OutOfRange: e.monitored - e.bands[0].sum,
		Constants: Constants{
			Activation: p.activation(), Gas: Gas, ActivationK: activationK(p.Activation), Kelvin: Kelvin, LongestGap: p.LongestGap,
			Boundary: wordsBoundary, Interpolation: wordsInterpolation, Rounding: wordsRounding,
		},
	}
	if e.min.known {
		low, high := e.min.v, e.max.v
		v.Min, v.MinAt, v.Max, v.MaxAt = &low, e.min.at, &high, e.max.at
	}
	if e.monitored > 0 {
		mean := Temp(divide(e.area, 2*e.monitored))
		v.Mean = &mean
	}
	unknown := e.gaps.total > 0 || e.monitored == 0
	if unknown {
		v.Outcome = Unknown
	}
	for i := range e.limits {
		w := &e.limits[i]
		s := LimitState{Limit: w.rule.Name, State: v.Outcome, Severity: w.rule.Severity, Beyond: w.total, Longest: w.longest, Events: w.events, Alarms: w.alarms, AlarmAt: w.first}
		if w.anyAlarm {
			s.State = Excursion
		}
		v.Limits[i] = s
	}
	for i := range e.limits {
		if w := &e.limits[i]; w.anyAlarm {
			v.breaks(w.rule.Severity)
		}
	}
	e.finishMKT(&v)
	for i := range p.Budgets {
		b, x := &p.Budgets[i], &e.bands[i+1]
		v.Budgets[i] = BudgetState{Name: b.Name, Kind: b.kind(), Allowed: b.Allowed, Before: x.before, Spent: x.sum,
			Left: b.Allowed - x.before - x.sum, Broken: x.broken, BrokenAt: x.brokenAt}
		if x.broken {
			v.breaks(Critical) // what is spent cannot be earned back
		}
	}
	return v
}

func (e *Evaluator) finishMKT(v *Verdict) {
	if e.rates == nil || e.monitored == 0 {
		return
	}
	value, ok := e.rates.temp(e.heat / float64(e.monitored))
	if !ok {
		return
	}
	v.MKT = &MKT{Value: value, From: v.From, To: v.To, Monitored: e.monitored, Method: wordsMethod}
	k := e.kinetic
	if k == nil {
		return
	}
	k.finish(sums{e.at, e.heat, e.monitored})
	limit := k.rule.Limit
	m := v.MKT
	m.Limit, m.Op, m.Window, m.Anchor, m.Severity = &limit, k.rule.Op, k.rule.Window, k.rule.Anchor, k.rule.severity()
	m.Windows, m.Broken, m.BrokenAt = k.windows, k.broken, k.brokenAt
	if k.windows > 0 {
		worst := k.worst
		m.Worst = &worst
	}
	v.Constants.MKTGrid = k.grid
	if k.broken {
		v.breaks(m.Severity)
	}
}

// breaks takes note of a broken rule.
func (v *Verdict) breaks(s Severity) {
	if s != Warning {
		v.Outcome = Excursion
	}
	if s.rank() > v.Severity.rank() {
		v.Severity = s
	}
}

func (s Severity) rank() int {
	switch s {
	case Warning:
		return 1
	case Alarm:
		return 2
	case Critical:
		return 3
	}
	return 0
}

func (r *MKTRule) severity() Severity {
	if r.Severity == "" {
		return Alarm
	}
	return r.Severity
}

func (p *Profile) activation() int64 {
	if p.Activation == 0 {
		return DefaultActivation
	}
	return p.Activation
}
