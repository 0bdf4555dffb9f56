package correlate

import (
	"context"
	"errors"
	"fmt"

	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// ErrSpan is wrapped where a span is not within what is judged of a package.
var ErrSpan = errors.New("not within the watch of the package")

// Look asks for a part of a package's watch.
type Look struct {
	Package string
	Key     join.Key         // who judges; the zero Key: the first
	Other   *thermal.Profile // asks what it would say instead; nil: the judge's own
	// From and To bound the part, UTC, Unix ms; 0: from the beginning, to the end.
	From, To int64
	// Marks is at how many instants, evenly over the part, the stability budgets of
	// units are told; 0 for none, at most MaxBuckets.
	Marks int
}

// Looked is what the engine says of a part of a watch.
type Looked struct {
	join.Excerpt
	Profile  thermal.Profile // that it was judged by
	Product  string          // whose own figures were added
	Spending []join.Spending // of the judge's own profile, whatever Other is
	Marks    []int64         // its instants
}

// Look judges a part of a package's watch, or judges it by another profile. It
// changes nothing and tells nobody. It reads the whole history, as Judgements does.
func (e *Engine) Look(ctx context.Context, q Look) (Looked, error) {
	if q.Marks < 0 || q.Marks > MaxBuckets {
		return Looked{}, fmt.Errorf("marks %d: want 0 to %d", q.Marks, MaxBuckets)
	}
	c, err := e.take(q.Package)
	if err != nil {
		return Looked{}, err
	}
	j, err := judgeBy(c, q.Key)
	if err != nil {
		return Looked{}, err
	}
	out := Looked{Profile: j.Profile, Product: j.Product}
	if q.Other != nil {
		out.Profile, out.Product = *q.Other, ""
	}
	r := e.readings()
	if out.Excerpt, err = c.Excerpt(ctx, r, &out.Profile, q.From, q.To); err != nil {
		if out.To > 0 && ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", ErrSpan, err)
		}
		return out, fmt.Errorf("look at package %s: %w", q.Package, err)
	}
	if from, to := out.History.From, out.History.To; q.Marks > 0 && from < to {
		for i := range q.Marks {
			out.Marks = append(out.Marks, from+(to-from)*int64(i)/max(int64(q.Marks-1), 1))
		}
		out.Marks[q.Marks-1] = to
		out.Spending, err = c.Spending(ctx, r, j, out.Marks)
	}
	return out, err
}

func judgeBy(c *join.Case, k join.Key) (*join.Judge, error) {
	if k == (join.Key{}) {
		return judgeOf(c, "")
	}
	for i := range c.Judges {
		if c.Judges[i].Key() == k {
			return &c.Judges[i], nil
		}
	}
	return nil, fmt.Errorf("package %s: %w by profile %s version %d", c.Package, ErrNotJudged, k.Profile, k.Version)
}

// Assess gives what the judge of an excursion says of a span of its package's
// watch. The error wraps ErrSpan where the span is not within the watch; it is cut
// to it where it is less than a second longer at an end, since people say seconds.
func (e *Engine) Assess(ctx context.Context, of fact.ExcursionFacts, from, to int64) (fact.Assessment, error) {
	l, err := e.Look(ctx, Look{Package: of.Package, Key: join.Key{Profile: of.Profile, Version: of.Version, Product: of.Product}, From: from, To: to})
	if err != nil {
		return fact.Assessment{}, err
	}
	const second = 1000
	if from <= l.From-second || to >= l.To+second {
		return fact.Assessment{}, fmt.Errorf("%w: from %d to %d: package %s is judged from %d to %d", ErrSpan, from, to, of.Package, l.From, l.To)
	}
	v := &l.Verdict
	a := fact.Assessment{From: v.From, To: v.To, Engine: v.Engine, Verdict: l.Digest, Outcome: v.Outcome, Monitored: v.Monitored, Unmonitored: v.Unmonitored,
		OutOfRange: v.OutOfRange, Min: v.Min, Max: v.Max, Mean: v.Mean}
	if v.MKT != nil {
		a.MKT = &v.MKT.Value
	}
	return a, nil
}
