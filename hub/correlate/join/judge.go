package join

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Judgement is what a profile says of a package.
type Judgement struct {
	Profile string            `json:"profile"`
	Version int               `json:"version"`
	Product string            `json:"product,omitempty"` // see Judge
	Digest  string            `json:"digest"`            // of Verdict
	Verdict thermal.Verdict   `json:"verdict"`
	Units   []fact.UnitBudget `json:"units"` // that have budgets
	// History is what the verdict rests on.
	History thermal.History `json:"-"`
	// Lead is the sensor to whose newest reading an open package is judged, and
	// LeadAt when that was; "" where no reading is fresh.
	Lead   string `json:"-"`
	LeadAt int64  `json:"-"`
	// Ahead is the time of the earliest usable reading that is dated later than
	// now, by a clock that is ahead; it does not count yet. Open without any.
	Ahead int64 `json:"-"`
	// Evaluator stands at the end of History.
	Evaluator *thermal.Evaluator `json:"-"`
}

// Key names who judged.
func (j *Judgement) Key() Key { return Key{j.Profile, j.Version, j.Product} }

// Case is a package with all facts that bear on it, taken out of Facts: it can
// be judged while these change.
type Case struct {
	Package string
	Watch   Watch
	Now     int64
	Judges  []Judge
	Missing []fact.Ref // that units refer to and nobody has told of
	Plan    *Plan      // of the watch until now
	Next    int64      // when another source may vouch, as far as is known now; Open where never
	lives   map[string]*life
}

// life is the whole life of a unit.
type life struct {
	spent []fact.Spent
	legs  []UnitLeg
	plans []*Plan // of the legs
}

// Case gives what is to be judged of a package by what is known at an instant;
// false for one that was never packed.
func (f *Facts) Case(id string, now int64) (*Case, bool) {
	w, ok := f.Watch(id)
	if !ok {
		return nil, false
	}
	c := &Case{Package: id, Watch: w, Now: now, lives: map[string]*life{}}
	c.Judges, c.Missing = f.Judges(id)
	c.Plan, c.Next = f.Plan(id, w.From, c.until()), Open
	if c.Open() {
		if ahead := f.Plan(id, c.until(), w.To); len(ahead.Legs) > 0 {
			c.Next = ahead.Legs[0].To
		}
	}
	for _, j := range c.Judges {
		if len(j.Profile.Budgets) == 0 {
			continue
		}
		for _, u := range j.Units {
			c.lives[u] = f.life(u, c.until())
		}
	}
	return c, true
}

// Open reports whether the watch goes on. One that is said to end later than
// now does.
func (c *Case) Open() bool { return c.Watch.To > c.Now }

// until is the end of the watch as far as it has come.
func (c *Case) until() int64 {
	if !c.Open() {
		return c.Watch.To
	}
	return max(c.Watch.From, c.Now)
}

// life gives the legs of a unit that begin before an instant, cut to it.
func (f *Facts) life(unit string, until int64) *life {
	l := &life{spent: f.units[unit].record.Spent}
	for _, leg := range f.UnitLegs(unit) {
		if leg.To = min(leg.To, until); leg.From < leg.To {
			l.legs = append(l.legs, leg)
			l.plans = append(l.plans, f.Plan(leg.Package, leg.From, leg.To))
		}
	}
	return l
}

// Verdict judges a package by all its profiles, as far as is known at now: an
// open package is judged until the newest reading of the first source in order
// that has one no older than the profile's longest gap, and until now where
// there is none.
func Verdict(ctx context.Context, f *Facts, r Readings, id string, now int64) ([]Judgement, error) {
	c, ok := f.Case(id, now)
	if !ok {
		return nil, nil
	}
	return c.Judge(ctx, r)
}

// Judge judges by all profiles, in order of their keys.
func (c *Case) Judge(ctx context.Context, r Readings) ([]Judgement, error) {
	out := make([]Judgement, 0, len(c.Judges))
	r = shelfOf(r)
	for i := range c.Judges {
		j, err := c.by(ctx, r, &c.Judges[i])
		if err != nil {
			return nil, fmt.Errorf("judge package %s by profile %s version %d: %w", c.Package, c.Judges[i].Profile.ID, c.Judges[i].Profile.Version, err)
		}
		out = append(out, j)
	}
	return out, nil
}

// History builds the history by one of the judges' profiles.
func (c *Case) History(ctx context.Context, r Readings, p *thermal.Profile) (thermal.History, error) {
	h, _, err := c.history(ctx, r, p)
	return h, err
}

func (c *Case) history(ctx context.Context, r Readings, p *thermal.Profile) (h thermal.History, l lead, err error) {
	b := c.Plan.builder(ctx, r, p)
	if c.Open() {
		b.ahead = true
		if l, err = b.fresh(c.Now); err != nil {
			return h, l, err
		}
		b.cut(l.end)
	}
	h, err = b.build()
	l.ahead = b.after(c.Now)
	return h, l, err
}

// Follow feeds a history to an evaluator. A stretch that lasts to the end of
// the history is left open, so that the next reading goes on from there.
func Follow(p *thermal.Profile, h *thermal.History) (*thermal.Evaluator, error) {
	e, err := thermal.NewEvaluator(p, h.From)
	if err != nil {
		return nil, err
	}
	return e, feed(e, h)
}

// feed is Follow for an evaluator that has come to the beginning of the history.
func feed(e *thermal.Evaluator, h *thermal.History) error {
	gaps := h.Unmonitored
	lost := func(before int64) error {
		for ; len(gaps) > 0 && gaps[0].From < before; gaps = gaps[1:] {
			if err := e.Unmonitored(gaps[0].To, gaps[0].Reason); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range h.Stretches {
		s := &h.Stretches[i]
		if err := lost(s.From); err != nil {
			return err
		}
		if err := e.Begin(s.From, s.Source); err != nil {
			return err
		}
		if s.To < h.To || s.Samples[len(s.Samples)-1].At > s.To {
			if err := e.Until(s.To); err != nil {
				return err
			}
		}
		for _, v := range s.Samples {
			if err := e.Add(v); err != nil {
				return err
			}
		}
	}
	return lost(Open)
}

func (c *Case) by(ctx context.Context, r Readings, j *Judge) (Judgement, error) {
	k := j.Key()
	out := Judgement{Profile: k.Profile, Version: k.Version, Product: k.Product, Units: []fact.UnitBudget{}}
	var err error
	var l lead
	if out.History, l, err = c.history(ctx, r, &j.Profile); err != nil {
		return out, err
	}
	out.Lead, out.LeadAt, out.Ahead = l.sensor, l.at, l.ahead
	if out.Evaluator, err = Follow(&j.Profile, &out.History); err != nil {
		return out, err
	}
	if out.Verdict, err = out.Evaluator.Verdict(out.History.To); err != nil {
		return out, err
	}
	if out.Digest, err = out.Verdict.Digest(); err != nil {
		return out, err
	}
	if len(j.Profile.Budgets) == 0 {
		return out, nil
	}
	made := map[string]fact.UnitBudget{} // units that lived alike
	for _, u := range j.Units {
		l := c.lives[u]
		alike := fmt.Sprint(l.spent, l.legs)
		b, ok := made[alike]
		if !ok {
			if b, err = l.budgets(ctx, r, &j.Profile, &out); err != nil {
				return out, fmt.Errorf("budgets of unit %s: %w", u, err)
			}
			made[alike] = b
		}
		b.Unit = u
		out.Units = append(out.Units, b)
	}
	return out, nil
}

// budgets works out what a unit has spent, also in earlier packages.
func (l *life) budgets(ctx context.Context, r Readings, p *thermal.Profile, j *Judgement) (fact.UnitBudget, error) {
	to := j.Verdict.To
	var out fact.UnitBudget
	var spent []thermal.Spent
	for _, s := range l.spent {
		if slices.ContainsFunc(p.Budgets, func(b thermal.Budget) bool { return b.Name == s.Budget }) {
			spent = append(spent, thermal.Spent{Budget: s.Budget, Duration: s.Duration})
		} else {
			out.Ignored = append(out.Ignored, s.Budget)
		}
	}
	if len(l.legs) == 1 && len(spent) == 0 && l.legs[0].From == j.Verdict.From && l.legs[0].To >= to {
		out.From, out.To, out.Unmonitored, out.Budgets = j.Verdict.From, to, j.Verdict.Unmonitored, j.Verdict.Budgets
		return out, nil
	}
	whole, err := l.history(ctx, r, p, to)
	if err != nil {
		return out, err
	}
	bare := *p
	bare.MKT = nil
	v, err := thermal.Evaluate(&bare, &whole, spent...)
	out.From, out.To, out.Unmonitored, out.Budgets = v.From, v.To, v.Unmonitored, v.Budgets
	return out, err
}

// NotInPackage is why nobody vouches for a unit between its packages.
const NotInPackage = "not in a package"

// history puts the legs of a life together.
func (l *life) history(ctx context.Context, r Readings, p *thermal.Profile, to int64) (thermal.History, error) {
	whole := thermal.History{From: to, To: to}
	for i, leg := range l.legs {
		if leg.From >= to {
			break
		}
		b := l.plans[i].builder(ctx, r, p)
		b.cut(min(leg.To, to))
		h, err := b.build()
		if err != nil {
			return whole, err
		}
		switch {
		case i == 0:
			whole.From = leg.From
		case whole.To < leg.From:
			whole.Unmonitored = append(whole.Unmonitored, thermal.Unmonitored{From: whole.To, To: leg.From, Reason: NotInPackage})
		}
		whole.Stretches = append(whole.Stretches, h.Stretches...)
		whole.Unmonitored = append(whole.Unmonitored, h.Unmonitored...)
		whole.To = h.To
	}
	if whole.To < to && len(l.legs) > 0 {
		whole.Unmonitored = append(whole.Unmonitored, thermal.Unmonitored{From: whole.To, To: to, Reason: NotInPackage})
	}
	whole.To = to
	return whole, nil
}

// Budget works out what one unit of the package has spent; a unit without
// budgets has none in the answer.
func (c *Case) Budget(ctx context.Context, r Readings, unit string) (fact.UnitBudget, error) {
	for i := range c.Judges {
		if !slices.Contains(c.Judges[i].Units, unit) {
			continue
		}
		j, err := c.by(ctx, r, &Judge{Profile: c.Judges[i].Profile, Product: c.Judges[i].Product, Units: []string{unit}})
		if err != nil {
			return fact.UnitBudget{}, fmt.Errorf("budgets of unit %s: %w", unit, err)
		}
		if len(j.Units) == 1 {
			return j.Units[0], nil
		}
		return fact.UnitBudget{Unit: unit, From: j.Verdict.From, To: j.Verdict.To, Unmonitored: j.Verdict.Unmonitored, Budgets: []thermal.BudgetState{}}, nil
	}
	return fact.UnitBudget{Unit: unit, From: c.Watch.From, To: c.Watch.From, Budgets: []thermal.BudgetState{}}, nil
}
