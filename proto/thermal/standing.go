package thermal

// Standing is how a rule stands at the end of what an Evaluator has taken in,
// for whoever has to act now. It is no verdict: that says what came of a whole
// history.
type Standing struct {
	Rule     string // name of the limit or budget, or RuleMKT
	Severity Severity
	// Beyond: the temperature is beyond the limit or has not come back by its
	// deadband; it spends the budget; it is beyond the limit of the MKT rule.
	Beyond bool
	// Broken: the rule does not allow it. A limit is broken from when its delay
	// has passed until the temperature has come back; an MKT rule and a budget
	// for good.
	Broken bool
	Breaks int64 // how often it was broken so far, this time included
	Left   int64 // of a limit that is passed and not yet broken: ms until it is, if the temperature stays; else 0
}

// RuleMKT names the MKT rule of a profile in a Standing.
const RuleMKT = "mean kinetic temperature"

// Standings gives how each rule stands, in the order of the profile: limits, the
// MKT rule if there is one, budgets. It changes nothing and costs no more than
// a look at each rule. An MKT rule is judged when an excursion ends.
func (e *Evaluator) Standings() []Standing {
	out := make([]Standing, 0, len(e.limits)+len(e.bands))
	for i := range e.limits {
		out = append(out, e.limits[i].standing(e.at))
	}
	if k := e.kinetic; k != nil {
		out = append(out, Standing{Rule: RuleMKT, Severity: k.rule.severity(), Beyond: k.in, Broken: k.broken, Breaks: once(k.broken)})
	}
	for i := range e.profile.Budgets {
		b := &e.bands[i+1]
		s := Standing{Rule: e.profile.Budgets[i].Name, Severity: Critical, Beyond: b.in, Broken: b.broken}
		if b.in && e.at-b.since > b.allowed-b.before-b.sum {
			s.Broken = true
		}
		s.Breaks = once(s.Broken)
		out = append(out, s)
	}
	return out
}

// standing is that of a limit at the instant up to which is judged.
func (w *watch) standing(at int64) Standing {
	s := Standing{Rule: w.rule.Name, Severity: w.rule.Severity, Beyond: w.in, Breaks: w.alarms}
	if !w.in {
		return s
	}
	spent := w.held
	if w.rule.Timer == Cumulative {
		spent = w.total
	}
	if w.run {
		spent += at - w.since
	}
	if s.Broken = w.alarmed || spent >= w.rule.Delay; !s.Broken && w.run {
		s.Left = w.rule.Delay - spent
	}
	s.Breaks += once(s.Broken)
	return s
}

func once(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
