package excursion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"frostline/hub/fact"
)

// Effects of a revision.
const (
	raised     = "raised"
	lowered    = "lowered"
	retracted  = "retracted"
	reinstated = "reinstated"
	reopened   = "reopened"
	withdrawn  = "withdrawn"
	unsigned   = "unsigned"
)

// retract gives the facts of a case that a verdict no longer holds.
func retract(was fact.ExcursionFacts, verdict string, revision int) fact.ExcursionFacts {
	was.Retracted, was.Verdict, was.Revision = true, verdict, revision
	return was
}

// revise gives what data change about a case, nil where they say nothing new
// of it: a verdict that says the same in another digest is nothing new.
func revise(c *Case, now fact.ExcursionFacts, place string, cause fact.Cause) (*fact.ExcursionRevised, error) {
	changed, err := changes(c.Facts, now)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	digest, err := fact.Digest(now)
	if err != nil {
		return nil, err
	}
	state, effects := moved(c, now)
	old := c.Facts
	if !slices.Contains(changed, "units") {
		old.Units = nil // as in New
	}
	return &fact.ExcursionRevised{
		ID: c.ID, Old: old, New: now, OldDigest: c.Digest, NewDigest: digest, Changed: changed,
		Place: place, Cause: cause, Effects: effects, OldState: string(c.State), State: string(state),
	}, nil
}

// moved gives the state that new facts put a case in, and what they do to it.
func moved(c *Case, now fact.ExcursionFacts) (State, []string) {
	state, effects := c.State, []string{}
	rises := rank(now.Severity) > rank(c.Facts.Severity)
	switch {
	case rises:
		effects = append(effects, raised)
	case rank(now.Severity) < rank(c.Facts.Severity):
		effects = append(effects, lowered)
	}
	switch {
	case now.Retracted && !c.Facts.Retracted:
		effects = append(effects, retracted)
		if len(c.Signatures) == 0 {
			return Retracted, effects
		}
		// A signed disposition is not undone by an acknowledgement alone.
		if state != Opened && state != Reopened {
			state = Reopened
		}
	case !now.Retracted && c.Facts.Retracted:
		effects = append(effects, reinstated)
		state = Reopened
	case c.State.decided():
		state = Reopened
	case c.State == Proposed && !rises:
		return Investigating, append(effects, withdrawn)
	case c.State == Proposed:
		state, effects = Reopened, append(effects, withdrawn)
	case rises && !c.State.awaits():
		state = Reopened
	}
	if state == Reopened && c.State != Reopened {
		effects = append(effects, reopened)
		if len(c.Signatures) > 0 && c.State.decided() {
			effects = append(effects, unsigned)
		}
	}
	return state, effects
}

// changes names the fields in which two facts differ, in order, other than the
// verdict that they were read from.
func changes(a, b fact.ExcursionFacts) ([]string, error) {
	fields := func(f fact.ExcursionFacts) (map[string]json.RawMessage, error) {
		if f.Units == nil {
			f.Units = []fact.Affected{}
		}
		text, err := json.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("compare facts: %w", err)
		}
		m := map[string]json.RawMessage{}
		return m, json.Unmarshal(text, &m)
	}
	x, err := fields(a)
	if err != nil {
		return nil, err
	}
	y, err := fields(b)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range x {
		if _, ok := y[name]; !ok {
			names = append(names, name)
		}
	}
	for name, v := range y {
		if !bytes.Equal(x[name], v) {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "verdict" || n == "revision" })
	slices.Sort(names)
	return names, nil
}
