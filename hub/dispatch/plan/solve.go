package plan

import (
	"context"
	"fmt"
)

// Engine proposes orders. Ours is Search; another may stand behind the same
// interface.
type Engine interface {
	// Propose answers with the best order found until the budget is used up or
	// ctx ends, which is no error. It is never worse than the given one.
	Propose(ctx context.Context, p *Problem, b Budget) (*Proposal, error)
}

// Search is the engine of this package. It may be used by several goroutines.
type Search struct{}

// Name of this engine in a Proposal.
const Name = "frostline"

// Propose answers with the best order found. Errors are of Problem.Validate.
func (Search) Propose(ctx context.Context, p *Problem, b Budget) (*Proposal, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if b.Iterations <= 0 {
		b.Iterations = DefaultIterations
	}
	if len(p.Vehicles) == 1 && len(p.Stops)-p.Vehicles[0].Fixed <= exactly && !p.Strict {
		b.Iterations = min(b.Iterations, 200) // a bound for the exact method
	}
	m := compile(p)
	s := newSearch(m, b.Seed)
	given := narrow(p.Given)
	s.begin(given)
	if p.Given != nil {
		s.keep()
	}
	was := s.best
	s.refill()
	if fresh := s.total; p.Given != nil {
		// What the given order grew into, or one made from nothing: the better.
		grown := s.sequences()
		s.begin(m.fixed(given))
		s.refill()
		if !s.total.less(fresh) {
			s.begin(grown)
		}
	}
	done, ended := s.run(ctx, b)
	best := s.polish(ctx)
	if seq, ok := m.exact(ctx, best); ok {
		best, ended = seq, Exact
	}
	now := m.evaluate(best)
	if p.Given == nil {
		return &Proposal{Plan: now, Engine: Name, Ended: ended, Iterations: done, Seed: b.Seed}, nil
	}
	old := m.evaluate(given)
	if !now.Cost.price().less(was) {
		now = old // as good is no reason to change
	}
	q := m.compare(old, now)
	q.Engine, q.Ended, q.Iterations, q.Seed = Name, ended, done, b.Seed
	return q, nil
}

// refill puts in what is missing.
func (s *search) refill() {
	s.open()
	s.recreate()
	s.commit()
}

func (s *search) sequences() [][]int32 {
	seqs := make([][]int32, len(s.routes))
	for c, r := range s.routes {
		seqs[c] = append([]int32(nil), r.seq...)
	}
	return seqs
}

// fixed is what of an order must stay.
func (m *model) fixed(seqs [][]int32) [][]int32 {
	kept := make([][]int32, len(seqs))
	for c, seq := range seqs {
		kept[c] = seq[:m.cars[c].fixed]
	}
	return kept
}

// Compare tells what changes from one order to another, whoever made them.
func Compare(p *Problem, given, proposed [][]int) (*Proposal, error) {
	a, err := Evaluate(p, given)
	if err != nil {
		return nil, fmt.Errorf("plan: given order: %w", err)
	}
	b, err := Evaluate(p, proposed)
	if err != nil {
		return nil, fmt.Errorf("plan: proposed order: %w", err)
	}
	return compile(p).compare(a, b), nil
}
