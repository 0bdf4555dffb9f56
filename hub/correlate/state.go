package correlate

import (
	"context"
	"math"
	"slices"

	"frostline/hub/correlate/join"
	"frostline/proto/thermal"
)

// Condition is how a package fares at this moment.
type Condition string

// The three states. Nothing that is not known is in range.
const (
	InRange    Condition = "in_range"
	OutOfRange Condition = "out_of_range" // beyond a limit or outside of the labelled range, allowed or not
	Unknown    Condition = "unknown"
)

// State is the condition of a package now.
type State struct {
	Package string    `json:"package"`
	State   Condition `json:"state"`
	Reason  string    `json:"reason,omitempty"` // why it is unknown
	Since   int64     `json:"since,omitempty"`  // when the state began, UTC, Unix ms; 0 where nothing was ever known
	// The newest reading that counts; nil where none is fresh.
	Temperature *thermal.Temp `json:"temperature,omitempty"`
	At          int64         `json:"at,omitempty"`     // of Temperature, UTC, Unix ms
	Until       int64         `json:"until,omitempty"`  // when the state becomes unknown, unless another reading comes, Unix ms
	Source      string        `json:"source,omitempty"` // sensor that vouches
	Profile     string        `json:"profile,omitempty"`
	// Outcome of the verdicts so far, the worst of all profiles. It is unknown
	// also while nobody vouches and while the package waits to be judged, and
	// never in range then.
	Outcome thermal.Outcome `json:"outcome"`
	// Outlook says for each limit when it will be reached; an estimate. It is
	// there only while readings come as often as they did, see OutlookUntil.
	Outlook      []thermal.Outlook `json:"outlook,omitempty"`
	OutlookUntil int64             `json:"outlookUntil,omitempty"` // when Outlook is stale, unless another reading comes, Unix ms
	NoOutlook    string            `json:"noOutlook,omitempty"`    // why there is none
	// Budgets says for each stability budget when the unit that has least of it
	// left will have none; an estimate, there as long as Outlook is.
	Budgets []thermal.BudgetOutlook `json:"budgets,omitempty"`
}

// State tells how a package fares. Where several profiles judge it, the worst
// is told: out of range before unknown before in range.
func (e *Engine) State(ctx context.Context, id string) (State, error) {
	c, err := e.take(id)
	if err != nil {
		return State{}, err
	}
	if _, ok := idle(c); ok {
		s := e.brief(id, c.Now)
		s.NoOutlook = s.Reason
		return s, nil
	}
	s, judge, left, ok := e.riding(id, c.Now, false)
	if !ok {
		judged, err := c.Judge(ctx, e.readings())
		if err != nil {
			return State{}, err
		}
		outcome := thermal.Outcome("")
		for i := range judged {
			j := &judged[i]
			v := State{Package: id, State: Unknown, Reason: reasonOf(&j.History, &c.Judges[i].Profile), Profile: j.Profile, Since: lastKnown(&j.Verdict)}
			// A lead with one reading alone does not vouch yet, whoever did until then.
			if n := len(j.History.Stretches); j.Lead != "" && n > 0 && j.History.To == j.LeadAt && j.History.Stretches[n-1].To == j.LeadAt && led(j.History.Stretches[n-1].Source, j.Lead) {
				all := j.History.Stretches[n-1].Samples
				v = stateOf(id, &c.Judges[i].Profile, &j.Verdict, j.Lead, all[len(all)-1].Value, j.LeadAt)
			}
			outcome = worst(outcome, j.Verdict.Outcome)
			if i == 0 || worse(v.State, s.State) {
				least, _ := budgetsOf(j)
				s, judge, left = v, &c.Judges[i], leftOf(least, &j.Verdict)
			}
		}
		s.Outcome = outcome
	}
	if s.Temperature == nil {
		s.NoOutlook = s.Reason
		return s, nil
	}
	return s, e.lookAhead(ctx, &s, &judge.Profile, left, c.Now)
}

// worst is the graver of two outcomes: an excursion, else unknown; "" counts
// for nothing.
func worst(a, b thermal.Outcome) thermal.Outcome {
	order := []thermal.Outcome{thermal.Excursion, thermal.Unknown, thermal.InRange, ""}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// idle is why a package is not watched now, and since when; false for one that
// is.
func idle(c *join.Case) (why string, ok bool) {
	switch {
	case !c.Open():
		return ended(c.Watch), true
	case c.Watch.From > c.Now:
		return "the watch begins later", true
	case len(c.Judges) == 0:
		why = "no profile"
		if len(c.Missing) > 0 {
			why += ": nobody has told of " + c.Missing[0].String()
		}
		return why, true
	}
	return "", false
}

func ended(w join.Watch) string {
	if w.Closed == "" {
		return "the watch has ended"
	}
	return "the watch has ended: " + w.Closed
}

// riding gives the state of a package by what the engine follows; false where
// it is to be judged anew first. lenient takes one that waits to be judged for
// nothing but readings which it has followed.
func (e *Engine) riding(id string, now int64, lenient bool) (s State, judge *join.Judge, left []int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.packages[id]
	if m := e.dirty[id]; p == nil || !p.open || len(p.rides) == 0 || m != nil && m.notBefore <= now && (m.wider || !lenient) {
		return s, nil, nil, false
	}
	outcome := thermal.Outcome("")
	for i, r := range p.rides {
		if r.ev == nil || r.lead == nil || now-r.last > r.judge.Profile.LongestGap || r.last > now || now >= r.until {
			return s, nil, nil, false
		}
		v, err := r.ev.Verdict(r.last)
		if err != nil {
			return s, nil, nil, false
		}
		if n := stateOf(id, &r.judge.Profile, &v, r.lead.id, r.value, r.last); i == 0 || worse(n.State, s.State) {
			s, judge, left = n, &r.judge, leftOf(r.least, &v)
		}
		outcome = worst(outcome, v.Outcome)
	}
	s.Outcome = outcome
	return s, judge, left, true
}

// leftOf is what is left of each budget at the end of a verdict, by what the
// package may spend of it in all until a unit's is broken.
func leftOf(until []int64, v *thermal.Verdict) []int64 {
	left := make([]int64, len(v.Budgets))
	for i, b := range v.Budgets {
		switch {
		case i >= len(until) || until[i] == math.MaxInt64: // no unit that could say more
			left[i] = b.Left
		default:
			left[i] = until[i] - b.Spent
		}
	}
	return left
}

func worse(a, b Condition) bool {
	order := []Condition{OutOfRange, Unknown, InRange}
	return slices.Index(order, a) < slices.Index(order, b)
}

// stateOf gives the state while readings are fresh.
func stateOf(id string, p *thermal.Profile, v *thermal.Verdict, source string, value thermal.Temp, at int64) State {
	s := State{Package: id, State: InRange, Since: v.From, Temperature: &value, At: at, Until: at + p.LongestGap, Source: source, Profile: p.ID}
	if beyond(p, value) {
		s.State, s.Since = OutOfRange, at
	}
	for i := range v.Excursions {
		x := &v.Excursions[i]
		switch {
		case x.Ended == thermal.Ongoing && s.State == OutOfRange:
			s.Since = min(s.Since, x.From)
		case s.State == InRange && x.Ended == thermal.Returned:
			s.Since = max(s.Since, x.To)
		}
	}
	if s.State == InRange {
		for _, g := range v.Gaps {
			s.Since = max(s.Since, g.To)
		}
	}
	return s
}

// beyond reports whether a temperature passes a limit or the labelled range.
func beyond(p *thermal.Profile, v thermal.Temp) bool {
	if p.Low != nil && v < *p.Low || p.High != nil && v > *p.High {
		return true
	}
	for i := range p.Limits {
		l := &p.Limits[i]
		switch l.Op {
		case thermal.Above:
			if v > l.At {
				return true
			}
		case thermal.AtOrAbove:
			if v >= l.At {
				return true
			}
		case thermal.Below:
			if v < l.At {
				return true
			}
		case thermal.AtOrBelow:
			if v <= l.At {
				return true
			}
		}
	}
	return false
}

// reasonOf is why nobody vouches at the end of a history. That the next reading
// is not there yet explains nothing: what was wrong with those before it does.
func reasonOf(h *thermal.History, p *thermal.Profile) string {
	n := len(h.Unmonitored)
	if n == 0 || h.Unmonitored[n-1].To != h.To {
		return "only one reading so far"
	}
	last := &h.Unmonitored[n-1]
	if n > 1 && last.Reason == join.SensorSilent && last.To-last.From <= p.LongestGap && h.Unmonitored[n-2].To == last.From {
		return h.Unmonitored[n-2].Reason
	}
	return last.Reason
}

// lastKnown is when the unmonitored time at the end began, whatever the reasons
// for it.
func lastKnown(v *thermal.Verdict) int64 {
	since := v.To
	for i := len(v.Gaps) - 1; i >= 0 && v.Gaps[i].To == since; i-- {
		since = v.Gaps[i].From
	}
	return since
}

// States gives the states of open packages, as the engine follows them: those
// in the given state, or all for "", with ids after after, at most limit. They
// come without an outlook, and history is not read: ten thousand take some
// tens of milliseconds.
func (e *Engine) States(state Condition, after string, limit int) []State {
	now := e.now().UnixMilli()
	e.mu.Lock()
	ids := make([]string, 0, len(e.open))
	for id := range e.open {
		if id > after {
			ids = append(ids, id)
		}
	}
	e.mu.Unlock()
	slices.Sort(ids)
	var out []State
	for _, id := range ids {
		if len(out) == limit {
			break
		}
		s := e.brief(id, now)
		if state == "" || s.State == state {
			out = append(out, s)
		}
	}
	return out
}
