package correlate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

var (
	// ErrUnknown is wrapped where a package or unit was never told of.
	ErrUnknown = errors.New("not known")
	// ErrNotJudged is wrapped where a package is not judged by a profile.
	ErrNotJudged = errors.New("not judged")
)

// Judged is what is true of a package now.
type Judged struct {
	Package    string           `json:"package"`
	Closed     string           `json:"closed,omitempty"` // how the watch ended
	Now        int64            `json:"now"`              // hub's clock, UTC, Unix ms
	Judgements []join.Judgement `json:"judgements"`       // by profile, version and product
	Missing    []fact.Ref       `json:"missing"`          // why more of its units cannot be judged: nobody has told of these
	// Dissent names the sensors that stood beside those that vouched and saw a
	// limit broken that the judgements do not.
	Dissent []join.Dissent `json:"dissent"`
	// Unheard is how many more such sensors there were than are looked at.
	Unheard int `json:"unheard,omitempty"`
}

// Judgements judges a package by all that is known now, and says who dissents.
// It reads its whole history: a month of readings every 10 s takes some 15 ms,
// and as much for each sensor beside those that vouch.
func (e *Engine) Judgements(ctx context.Context, id string) (Judged, error) {
	c, err := e.take(id)
	if err != nil {
		return Judged{}, err
	}
	out := Judged{Package: id, Closed: c.Watch.Closed, Now: c.Now, Missing: append([]fact.Ref{}, c.Missing...)}
	if out.Judgements, err = c.Judge(ctx, e.readings()); err != nil {
		return Judged{}, err
	}
	out.Dissent, out.Unheard, err = c.Dissents(ctx, e.readings(), out.Judgements)
	return out, err
}

// Verdicts judges a package by all that is known now, and hears nobody else
// than those that vouch.
func (e *Engine) Verdicts(ctx context.Context, id string) ([]join.Judgement, error) {
	c, err := e.take(id)
	if err != nil {
		return nil, err
	}
	return c.Judge(ctx, e.readings())
}

func (e *Engine) take(id string) (*join.Case, error) {
	now := e.now().UnixMilli()
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.facts.Case(id, now)
	if !ok {
		return nil, fmt.Errorf("package %s: %w: it was never packed", id, ErrUnknown)
	}
	return c, nil
}

// History gives what is known of a package's temperature as a profile counts
// it; "" is the first profile it is judged by.
func (e *Engine) History(ctx context.Context, id, profile string) (thermal.History, error) {
	c, err := e.take(id)
	if err != nil {
		return thermal.History{}, err
	}
	j, err := judgeOf(c, profile)
	if err != nil {
		return thermal.History{}, err
	}
	return c.History(ctx, e.readings(), &j.Profile)
}

func judgeOf(c *join.Case, profile string) (*join.Judge, error) {
	for i := range c.Judges {
		if profile == "" || c.Judges[i].Profile.ID == profile {
			return &c.Judges[i], nil
		}
	}
	if profile == "" {
		return nil, fmt.Errorf("package %s: %w: it has no profile; give it one, or units of products that have", c.Package, ErrNotJudged)
	}
	return nil, fmt.Errorf("package %s: %w by profile %s", c.Package, ErrNotJudged, profile)
}

// Revision is a verdict as it was appended.
type Revision struct {
	Position int64               `json:"position"` // in the event log
	At       int64               `json:"at"`       // hub's clock, UTC, Unix ms
	Data     fact.VerdictRevised `json:"data"`
}

// Revisions gives all verdicts that were appended for a package, oldest first.
func (e *Engine) Revisions(ctx context.Context, id string) ([]Revision, error) {
	var out []Revision
	stream := fact.Ref{Kind: fact.Package, ID: id}.String()
	for after := int64(0); ; {
		events, err := e.events.Stream(ctx, stream, after, page)
		if err != nil {
			return nil, fmt.Errorf("read verdicts of package %s: %w", id, err)
		}
		for i := range events {
			ev := &events[i]
			after = ev.Version
			if ev.Type != fact.VerdictWasRevised {
				continue
			}
			r := Revision{Position: ev.Position, At: ev.At}
			if err := json.Unmarshal(ev.Data, &r.Data); err != nil {
				return nil, fmt.Errorf("read verdict %s of package %s: %w", ev.ID, id, err)
			}
			out = append(out, r)
		}
		if len(events) < page {
			return out, nil
		}
	}
}

// Budget gives what a unit has spent of its stability budgets until now, by
// the profile of the last package that it was in.
func (e *Engine) Budget(ctx context.Context, unit string) (fact.UnitBudget, error) {
	e.mu.Lock()
	known := e.facts.KnowsUnit(unit)
	legs := e.facts.UnitLegs(unit)
	e.mu.Unlock()
	switch {
	case !known && len(legs) == 0:
		return fact.UnitBudget{}, fmt.Errorf("unit %s: %w: it was never received", unit, ErrUnknown)
	case len(legs) == 0:
		return fact.UnitBudget{}, fmt.Errorf("unit %s: %w: it was never in a package", unit, ErrNotJudged)
	}
	c, err := e.take(legs[len(legs)-1].Package)
	if err != nil {
		return fact.UnitBudget{}, err
	}
	return c.Budget(ctx, e.readings(), unit)
}
