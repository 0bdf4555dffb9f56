package propose

import (
	"frostline/hub/dispatch/plan"
)

// tell fills in what comes of comparing two orders.
func (out *Proposal) tell(s *situation, p *plan.Problem, due map[string]deadline, q *plan.Proposal) {
	out.Ways, out.Estimated, out.Engine, out.Ended = s.table.Source, s.table.Estimated, q.Engine, q.Ended
	for _, n := range append(s.table.Notes[:len(s.table.Notes):len(s.table.Notes)], q.Notes...) {
		s.notes.add(n.Code, "%s", n.Text)
	}
	if q.Ended == plan.Context {
		s.notes.add(NoteCut, "the search was cut short after %v: asked again, it may find a better order", within)
	}
	out.Notes = s.notes.all()
	g := q.Gain
	out.Gain = Gain{Saved: g.Saved, Margin: g.Margin.Milliseconds(), Late: g.Late.Milliseconds(), Metres: g.Metres, Driving: g.Driving.Milliseconds(), Finish: g.Finish.Milliseconds()}
	out.Breaks, out.Mends, out.Remain = s.broken(p, q.Breaks), s.broken(p, q.Mends), s.broken(p, both(q))
	out.Advice = advise(q.Plan.Cost.Compare(q.Given.Cost) < 0, out.Gain, out.Mends, out.Breaks)
	out.Gains, out.Costs = out.Gain.says()
	reasons := map[int]plan.Change{}
	for _, c := range q.Changes {
		reasons[c.Stop] = c
	}
	for place, k := range q.Plan.Orders[0] {
		o, was, is := &s.stops[k], &q.Given.Visits[k], &q.Plan.Visits[k]
		stop := Proposed{
			ID: o.ID, Job: o.Job, Kind: o.Kind, Shipment: o.job.Shipment, Fixed: k < s.begun || o.Pinned, Place: place + 1, PlaceWas: was.Position + 1,
			Arrive: is.Arrive.UnixMilli(), ArriveWas: was.Arrive.UnixMilli(), Late: is.Late.Milliseconds(), LateWas: was.Late.Milliseconds(),
		}
		for i, l := range is.Loads {
			stop.Margins = append(stop.Margins, Slack{Package: l.Load, What: due[l.Load].what, At: due[l.Load].at, Left: l.Left.Milliseconds(), LeftWas: was.Loads[i].Left.Milliseconds()})
		}
		if c, ok := reasons[k]; ok {
			for _, r := range c.Reasons {
				one := Reason{Code: r.Code, Good: r.Good, Package: r.Load, Was: r.Was.Milliseconds(), Is: r.Is.Milliseconds(), MetresWas: r.WasTo, Metres: r.IsTo}
				one.Says = one.says()
				if r.Code == plan.ReasonEarlier || r.Code == plan.ReasonLater {
					one.Says = shift(c.Later.Milliseconds(), one.Was)
					one.Was, one.Is = min(one.Was, horizon.Milliseconds()), min(one.Is, horizon.Milliseconds()) // nothing can be harmed
				}
				stop.Reasons = append(stop.Reasons, one)
			}
		}
		out.Stops = append(out.Stops, stop)
	}
	out.Order = out.Order[:0]
	for _, stop := range out.Stops {
		out.Order = append(out.Order, stop.ID)
	}
	out.Why = out.why()
}

// broken names what an order breaks.
func (s *situation) broken(p *plan.Problem, all []plan.Break) (out []Break) {
	for _, b := range all {
		one := Break{Kind: b.Kind, Package: b.Load, By: b.By.Milliseconds(), Over: b.Over}
		if b.Stop >= 0 {
			one.Stop = p.Stops[b.Stop].ID
		}
		one.Says = one.says(s.courier.ID)
		out = append(out, one)
	}
	return out
}

// both lists what the planned order breaks and the suggested one does too, as
// the suggested one has it, where it is not among the worse.
func both(q *plan.Proposal) (out []plan.Break) {
	type key struct {
		kind string
		stop int
		load string
	}
	of := func(b plan.Break) key { return key{b.Kind, b.Stop, b.Load} }
	worse := map[key]bool{}
	for _, b := range q.Breaks {
		worse[of(b)] = true
	}
	for _, b := range q.Plan.Breaks {
		if !worse[of(b)] {
			out = append(out, b)
		}
	}
	return out
}
