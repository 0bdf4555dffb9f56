package correlate

import (
	"context"
	"fmt"
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
	Source      string        `json:"source,omitempty"` // sensor that vouches
	Profile     string        `json:"profile,omitempty"`
	// Outlook says for each limit when it will be reached; an estimate.
	Outlook []thermal.Outlook `json:"outlook,omitempty"`
}

// State tells how a package fares. Where several profiles judge it, the worst
// is told: out of range before unknown before in range.
func (e *Engine) State(ctx context.Context, id string) (State, error) {
	c, err := e.take(id)
	if err != nil {
		return State{}, err
	}
	if s, ok := idle(c); ok {
		return s, nil
	}
	s, judge, ok := e.riding(id, c.Now)
	if !ok {
		judged, err := c.Judge(ctx, e.readings())
		if err != nil {
			return State{}, err
		}
		for i := range judged {
			j := &judged[i]
			v := State{Package: id, State: Unknown, Reason: reasonOf(&j.History), Profile: j.Profile, Since: lastKnown(&j.Verdict)}
			if n := len(j.History.Stretches); j.Lead != "" && n > 0 && j.History.Stretches[n-1].To == j.History.To {
				all := j.History.Stretches[n-1].Samples
				v = stateOf(id, &c.Judges[i].Profile, &j.Verdict, j.Lead, all[len(all)-1].Value, j.LeadAt)
			}
			if i == 0 || worse(v.State, s.State) {
				s, judge = v, &c.Judges[i]
			}
		}
	}
	if s.Temperature != nil {
		s.Outlook, err = e.outlook(ctx, &s, &judge.Profile)
	}
	return s, err
}

// idle gives the state of a package that is not watched now.
func idle(c *join.Case) (State, bool) {
	s := State{Package: c.Package, State: Unknown}
	switch {
	case !c.Open():
		s.Since, s.Reason = c.Watch.To, "the watch has ended"
		if c.Watch.Closed != "" {
			s.Reason += ": " + c.Watch.Closed
		}
	case c.Watch.From > c.Now:
		s.Reason = "the watch begins later"
	case len(c.Judges) == 0:
		s.Since, s.Reason = c.Watch.From, "no profile"
		if len(c.Missing) > 0 {
			s.Reason += ": nobody has told of " + c.Missing[0].String()
		}
	default:
		return s, false
	}
	return s, true
}

// riding gives the state of a package by what the engine follows; false where
// it is to be judged anew first.
func (e *Engine) riding(id string, now int64) (s State, judge *join.Judge, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.packages[id]
	if m := e.dirty[id]; p == nil || !p.open || len(p.rides) == 0 || m != nil && m.notBefore <= now {
		return s, nil, false
	}
	for i, r := range p.rides {
		if r.ev == nil || r.lead == nil || now-r.last > r.judge.Profile.LongestGap || r.last > now || now >= r.until {
			return s, nil, false
		}
		v, err := r.ev.Verdict(r.last)
		if err != nil {
			return s, nil, false
		}
		if n := stateOf(id, &r.judge.Profile, &v, r.lead.id, r.value, r.last); i == 0 || worse(n.State, s.State) {
			s, judge = n, &r.judge
		}
	}
	return s, judge, true
}

func worse(a, b Condition) bool {
	order := []Condition{OutOfRange, Unknown, InRange}
	return slices.Index(order, a) < slices.Index(order, b)
}

// stateOf gives the state while readings are fresh.
func stateOf(id string, p *thermal.Profile, v *thermal.Verdict, source string, value thermal.Temp, at int64) State {
	s := State{Package: id, State: InRange, Since: v.From, Temperature: &value, At: at, Source: source, Profile: p.ID}
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

// reasonOf is why nobody vouches at the end of a history.
func reasonOf(h *thermal.History) string {
	if n := len(h.Unmonitored); n > 0 && h.Unmonitored[n-1].To == h.To {
		return h.Unmonitored[n-1].Reason
	}
	return "only one reading so far"
}

// lastKnown is when the unmonitored span at the end began.
func lastKnown(v *thermal.Verdict) int64 {
	for i := len(v.Gaps) - 1; i >= 0; i-- {
		if v.Gaps[i].To == v.To {
			return v.Gaps[i].From
		}
	}
	return v.From
}

// course is how far back an outlook looks, ms.
const course = 2 * 3_600_000

func (e *Engine) outlook(ctx context.Context, s *State, p *thermal.Profile) ([]thermal.Outlook, error) {
	var recent []thermal.Sample
	err := e.readings().Temperatures(ctx, s.Source, max(s.At-course, s.Since-course), s.At+1, func(at int64, v thermal.Temp, state join.State) error {
		if n := len(recent); state == join.Usable && (n == 0 || at > recent[n-1].At) {
			recent = append(recent, thermal.Sample{At: at, Value: v})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("outlook of package %s: %w", s.Package, err)
	}
	out, err := thermal.Outlooks(p, recent)
	if err != nil { // too few readings to say
		return nil, nil
	}
	return out, nil
}

// States gives the states of open packages, as the engine follows them: those
// in the given state, or all for "", with ids after after, at most limit. They
// come without an outlook.
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

// brief is the state of a package without reading history.
func (e *Engine) brief(id string, now int64) State {
	if s, _, ok := e.riding(id, now); ok {
		return s
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := State{Package: id, State: Unknown, Reason: "no profile"}
	if p := e.packages[id]; p != nil && len(p.rides) > 0 {
		s.Profile, s.Reason = p.rides[0].judge.Profile.ID, "nobody vouches"
		if r := p.rides[0]; r.lead != nil {
			s.Since = r.last
		}
	}
	if e.dirty[id] != nil {
		s.Reason = "being judged"
	}
	return s
}

// Settled waits until the verdicts of all events up to a position are made; it
// does not wait for anchors that move readings by less than Tolerance.
func (e *Engine) Settled(ctx context.Context, position int64) error {
	for {
		e.mu.Lock()
		done, round := e.followed >= position, e.round
		now := e.now().UnixMilli()
		for _, m := range e.dirty {
			done = done && (m.notBefore > now || m.position > position)
		}
		e.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for verdicts of events up to %d: %w", position, ctx.Err())
		case <-round:
		}
	}
}

// lap tells those who wait that the engine has worked. mu is not held.
func (e *Engine) lap() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.round)
	e.round = make(chan struct{})
}
