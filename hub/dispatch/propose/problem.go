package propose

import (
	"cmp"
	"slices"
	"time"

	"frostline/hub/dispatch/plan"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
)

const (
	usualService = 5 * time.Minute
	reserve      = 10 * time.Minute     // margin wished for at the end of a hand-over
	horizon      = 60 * 24 * time.Hour  // what lies further ahead does not matter
	farBack      = -30 * 24 * time.Hour // a window that ended longer ago is as late as this
)

// deadline is the earliest instant at which what matters may come to a package.
type deadline struct {
	pkg, what string
	at        int64
}

// problem is the situation as the planner reads it: one vehicle, stops in the
// planned order. What deadlines stand for is given too.
func (s *situation) problem() (*plan.Problem, map[string]deadline) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	now := s.now.UTC()
	c := s.courier
	v := plan.Vehicle{ID: c.ID, Start: s.from, End: plan.Open, Capacity: c.Payload, Fixed: s.begun, Speed: s.speed()}
	if s.end >= 0 {
		v.End = s.end
	}
	if c.Range > 0 {
		v.Range = max(1, c.Range-s.driven)
	}
	if depart := at(s.route.Depart); s.route.Status() == "planned" && depart.After(now) {
		v.Shift.From = depart
	}
	p := &plan.Problem{Now: now, Matrix: s.table.Matrix(), Given: [][]int{make([]int, len(s.stops))}}
	due := map[string]deadline{}
	pickups := map[string]int{}
	for i := range s.stops {
		o := &s.stops[i]
		p.Given[0][i] = i
		stop := plan.Stop{ID: o.ID, Place: o.place, Service: usualService}
		if o.job.Service > 0 {
			stop.Service = time.Duration(o.job.Service) * time.Second
		}
		if o.left {
			stop.Service = 0
			p.Stops = append(p.Stops, stop)
			continue
		}
		if o.Status == "arrived" {
			stop.Service = max(0, stop.Service-now.Sub(at(o.Arrived)))
		}
		switch o.Kind {
		case "pickup":
			stop.Pick = o.job.Load
			pickups[o.Job] = i
			if ready := at(o.job.Ready); o.job.Ready > 0 && ready.Sub(now) < horizon && ready.After(now) {
				stop.Windows = []plan.Window{{From: ready}}
			}
		case "delivery":
			stop.Drop = o.job.Load
			stop.Windows = windows(o.job.Windows, now)
			if k, ok := pickups[o.Job]; ok {
				p.Pairs = append(p.Pairs, plan.Pair{Pickup: k, Delivery: i})
				p.Stops[k].Pick = 0
			}
		case "return":
			stop.Drop = o.job.Load
		}
		for _, l := range o.loads {
			if d, ok := s.deadline(o, l); ok {
				stop.Loads = append(stop.Loads, plan.Load{ID: d.pkg, Limit: at(d.at), Reserve: reserve})
				due[d.pkg] = d
			}
		}
		// The first are the tightest, and what keeps them keeps the rest.
		slices.SortStableFunc(stop.Loads, func(a, b plan.Load) int { return cmp.Or(a.Limit.Compare(b.Limit), cmp.Compare(a.ID, b.ID)) })
		stop.Loads = stop.Loads[:min(len(stop.Loads), plan.MaxLoads)]
		p.Stops = append(p.Stops, stop)
	}
	p.Vehicles = []plan.Vehicle{v}
	return p, due
}

// speed is the courier's as a factor on the table's. Vans go as the road allows,
// which a road engine knows better than a nominal speed does.
func (s *situation) speed() float64 {
	switch kindOf(s.courier) {
	case road.Bike, road.Drone, road.Robot:
	default:
		return 0
	}
	metres, seconds := 0.0, 0.0
	for i, row := range s.table.Metres {
		for j, m := range row {
			if m < road.Far {
				metres, seconds = metres+float64(m), seconds+float64(s.table.Seconds[i][j])
			}
		}
	}
	if s.courier.Speed == 0 || metres == 0 || seconds == 0 {
		return 0
	}
	return min(20, max(0.05, float64(s.courier.Speed)/1000/(metres/seconds)))
}

// windows are those that can still matter, joined where they touch; of those
// that are over, the last one where there is no other.
func windows(all []fact.Window, now time.Time) (out []plan.Window) {
	bound := func(ms int64) time.Time {
		t := time.UnixMilli(ms).UTC()
		if t.Before(now.Add(farBack)) {
			return now.Add(farBack)
		}
		return t
	}
	for _, w := range all {
		from, to := bound(w.From), bound(w.Until)
		if from.Sub(now) >= horizon {
			break
		}
		if to.Sub(now) >= horizon {
			to = time.Time{}
		}
		next := plan.Window{From: from, To: to}
		switch n := len(out); {
		case n > 0 && out[n-1].To.IsZero():
		case n > 0 && out[n-1].To.Before(now):
			out[n-1] = next
		case n > 0 && !from.After(out[n-1].To):
			out[n-1].To = to
		case n == plan.MaxWindows:
			return out
		default:
			out = append(out, next)
		}
	}
	return out
}

// deadline tells the earliest instant at which a limit or the end of a budget
// may come to a package; ok is false where none is on its course, or nobody
// knows, which is noted.
func (s *situation) deadline(o *open, l risk.Load) (d deadline, ok bool) {
	now := s.now.UnixMilli()
	take := func(what string, at int64) {
		if !ok || cmp.Or(cmp.Compare(at, d.at), cmp.Compare(what, d.what)) < 0 {
			d, ok = deadline{l.Package, what, at}, true
		}
	}
	for _, x := range l.Outlook {
		// Of one that is out of range, the limits that are still ahead.
		if x.OnCourse && (l.Condition == risk.InRange || x.Earliest > now) {
			take("limit "+x.Limit, x.Earliest)
		}
	}
	for _, b := range l.Budgets {
		if b.OnCourse && b.Left > 0 {
			take("budget "+b.Budget, b.Earliest)
		}
	}
	switch {
	case l.Condition == risk.OutOfRange:
		s.notes.add(NoteOut, "package %s of stop %s is out of range now%s", l.Package, o.ID, without(ok))
	case l.Condition != risk.InRange:
		s.notes.add(NoteUnknown, "package %s of stop %s is unknown: %s; it is planned without a deadline", l.Package, o.ID, cmp.Or(l.Reason, "nobody vouches for it"))
		return deadline{}, false
	case !ok && len(l.Outlook)+len(l.Budgets) == 0:
		s.notes.add(NoteNoCourse, "package %s of stop %s has no outlook: %s; it is planned without a deadline", l.Package, o.ID, l.NoOutlook)
	}
	d.at = max(d.at, s.now.Add(farBack).UnixMilli())
	return d, ok && d.at-now < horizon.Milliseconds()
}

func without(deadline bool) string {
	if deadline {
		return ": it is planned by what can still be reached of it"
	}
	return "; it is planned without a deadline"
}
