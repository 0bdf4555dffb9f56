package panel

import (
	"cmp"
	"slices"

	"frostline/proto/thermal"
)

// standing is how what is watched by a sensor stands: an alarm that goes on says
// how grave it is, one that is over and that nobody has acknowledged is worth a
// look, and what is unknown is never in range.
func (g Guard) standing(w Watched) State {
	state, _ := english.judgeWatch(w)
	raised := false
	for _, a := range g.Alarms {
		if a.Watch != w.ID || a.Sensor != w.Sensor {
			continue
		}
		switch {
		case a.Active && a.Kind == kindExcursion && !raised:
			raised = true
			if w.State == WatchOut || w.State == WatchPassed || w.State == WatchInRange {
				state = a.state() // the profile says how grave its rule is
			}
			fallthrough
		case a.Active, !a.Acknowledged:
			if a.state().Worse(state) < 0 {
				state = a.state()
			}
		}
	}
	return state
}

// zone is a compartment, a room or a package as people see it: all that is
// watched under one name, the worst sensor first.
type zone struct {
	ID      string
	Name    string
	State   State
	Watches []Watched
}

// worst is the watch that the zone's state rests on.
func (z zone) worst() Watched { return z.Watches[0] }

// zones gives what is watched, the worst first, and else as it is configured, so
// that what is equal does not change its place.
func (g Guard) zones() []zone {
	watches := slices.Clone(g.Watches)
	for _, a := range g.Alarms { // of what is not watched any more
		if w := g.of(a); !slices.ContainsFunc(watches, func(x Watched) bool { return x.ID == w.ID && x.Sensor == w.Sensor }) {
			w.State = WatchUnknown
			watches = append(watches, w)
		}
	}
	var all []zone
	at := map[string]int{}
	for _, w := range watches {
		i, ok := at[w.ID]
		if !ok {
			i = len(all)
			at[w.ID] = i
			all = append(all, zone{ID: w.ID, Name: plain(w.Name()), State: Fine})
		}
		all[i].Watches = append(all[i].Watches, w)
	}
	for i := range all {
		z := &all[i]
		slices.SortStableFunc(z.Watches, func(a, b Watched) int {
			return cmp.Or(g.standing(a).Worse(g.standing(b)), cmp.Compare(margin(a), margin(b)))
		})
		z.State = g.standing(z.worst())
	}
	slices.SortStableFunc(all, func(a, b zone) int { return a.State.Worse(b.State) })
	return all
}

// margin is how far a temperature lies within its labelled range, negative
// outside, in thousandths of a degree.
func margin(w Watched) thermal.Temp {
	m := thermal.Temp(1 << 30)
	if w.Value == nil {
		return m
	}
	if w.High != nil {
		m = min(m, *w.High-*w.Value)
	}
	if w.Low != nil {
		m = min(m, *w.Value-*w.Low)
	}
	return m
}

// excursion is the gravest excursion of a watch that goes on, or that nobody has
// acknowledged; nil where there is none.
func (g Guard) excursion(w Watched) *Alarm {
	var found *Alarm
	for i, a := range g.Alarms {
		if a.Watch != w.ID || a.Sensor != w.Sensor || a.Kind != kindExcursion || !a.Active && a.Acknowledged {
			continue
		}
		if found == nil || a.Active && !found.Active {
			found = &g.Alarms[i]
		}
	}
	return found
}

// waiting is the gravest alarm of a zone that nobody has acknowledged; nil where
// there is none.
func (g Guard) waiting(z zone) *Alarm {
	for i, a := range g.Alarms {
		if a.Watch == z.ID && !a.Acknowledged {
			return &g.Alarms[i]
		}
	}
	return nil
}
