package propose

import (
	"context"
	"slices"
	"strings"
	"time"

	"frostline/hub/dispatch/plan"
)

// effort is how many iterations a search of n stops has: what a core does in
// about a second, up to 200 stops. One costs in proportion to n²; short routes
// need no more than the most.
func effort(n int) int { return min(mostIterations, mostIterations/2*200*200/(n*n)) }

const mostIterations = 20_000

// search finds a better order of the free stops, keeping those that are begun
// and those that are pinned, and compares it with the given one.
func (d *Desk) search(ctx context.Context, p *plan.Problem, pinned []bool) (*plan.Proposal, error) {
	order := slices.Clone(p.Given[0])
	var told []plan.Note
	var engines, ends []string
	begin := p.Vehicles[0].Fixed
	for end := begin; end <= len(order); end++ {
		if end < len(order) && !pinned[order[end]] {
			continue
		}
		if end-begin > 1 {
			sub, err := part(p, order, begin, end)
			if err != nil {
				return nil, err
			}
			q, err := d.o.Engine.Propose(ctx, sub, plan.Budget{Iterations: effort(end)})
			if err != nil {
				return nil, err
			}
			was := slices.Clone(order[:end])
			for i, k := range q.Plan.Orders[0] {
				order[i] = was[k]
			}
			told = append(told, q.Notes...)
			engines, ends = append(engines, q.Engine), append(ends, q.Ended)
		}
		begin = end + 1
	}
	q, err := plan.Compare(p, p.Given, [][]int{order})
	if err == nil && q.Plan.Cost.Compare(q.Given.Cost) >= 0 {
		q, err = plan.Compare(p, p.Given, p.Given) // what is given is as good
	}
	if err != nil {
		return nil, err
	}
	q.Engine, q.Ended, q.Notes = names(engines), names(ends), told
	return q, nil
}

// names lists each once.
func names(all []string) string {
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// part is the problem of ordering the stops from begin to end, after those
// before them, and so that the stop at end can be reached in time for all that
// comes from there on.
func part(p *plan.Problem, order []int, begin, end int) (*plan.Problem, error) {
	q, v := *p, p.Vehicles[0]
	v.Fixed = begin
	if end < len(order) {
		whole, err := plan.Evaluate(p, [][]int{order})
		if err != nil {
			return nil, err
		}
		next := whole.Visits[order[end]]
		v.End = p.Stops[order[end]].Place
		v.Shift.To = next.Arrive.Add(min(max(0, next.Spare), horizon))
	}
	q.Vehicles = []plan.Vehicle{v}
	place := make([]int, len(p.Stops)) // in the part, from 1
	q.Stops, q.Given, q.Pairs = nil, [][]int{make([]int, end)}, nil
	for i, k := range order[:end] {
		place[k] = i + 1
		q.Given[0][i] = i
		q.Stops = append(q.Stops, p.Stops[k])
	}
	for _, c := range p.Pairs {
		switch from, to := place[c.Pickup], place[c.Delivery]; {
		case from > 0 && to > 0:
			q.Pairs = append(q.Pairs, plan.Pair{Pickup: from - 1, Delivery: to - 1})
		case from > 0: // it stays aboard
			q.Stops[from-1].Pick += p.Stops[c.Delivery].Drop
		case to > 0: // it is delivered before it is picked up, in the given order
		}
	}
	return &q, nil
}

// within is how long one search may take at most.
const within = 10 * time.Second
