package agent

import (
	"frostline/edge/guard"
	"frostline/edge/panel"
	"frostline/proto/reading"
	"frostline/proto/thermal"
)

// names are what people call things, by the configuration that runs.
type names struct {
	labels map[string]string // of what is watched, by id
	stop   *panel.NextStop
}

// follow has charts and estimates be of the thermometers of a stage.
func (a *agent) follow(s *stage) {
	intervals := map[uint32]int64{}
	for _, t := range s.thermometers() {
		intervals[t.Series] = t.Interval.Milliseconds()
	}
	a.history.Take(intervals)
}

// guarded is what the guard sees, for people.
func (a *agent) guarded(sensors []panel.Sensor, now int64) panel.Guard {
	var out panel.Guard
	if a.guard == nil {
		return out
	}
	series := map[string]uint32{}
	for _, s := range sensors {
		for _, l := range s.Last {
			if l.Quantity == reading.Temperature {
				series[s.ID] = l.Series
			}
		}
	}
	profiles, labels := map[string]*thermal.Profile{}, a.names.Load().labels
	watches := *a.watched.Load()
	for i := range watches {
		profiles[watches[i].Name] = &watches[i].Profile
	}
	for _, l := range a.guard.Looks() {
		w := panel.Watched{ID: l.Watch, Label: labels[l.Watch], Sensor: l.Sensor, Profile: l.Profile, State: string(l.State), Rule: l.Rule, UnknownMs: l.UnknownFor.Milliseconds()}
		if l.HasValue {
			w.Value, w.AgeMs = &l.Value, l.Age.Milliseconds()
		}
		if l.State == guard.StatePassed {
			left := l.Left.Milliseconds()
			w.LeftMs = &left
		}
		if p := profiles[l.Watch]; p != nil && p.Name == l.Profile { // else they are being exchanged
			limits(&w, p)
			if id, ok := series[l.Sensor]; ok && l.State == guard.StateInRange {
				w.Ahead = a.outlooks.Ahead(a.history, id, l.Watch, p, now)
			}
		}
		out.Watches = append(out.Watches, w)
	}
	for _, x := range a.guard.Alarms() {
		out.Alarms = append(out.Alarms, panel.Alarm{
			ID: x.ID, Watch: x.Watch, Sensor: x.Sensor, Kind: x.Kind.String(), Severity: x.Severity, Limit: x.Limit, Active: x.Active,
			Acknowledged: x.Acknowledged, Reason: x.Reason, By: x.By, Times: x.Times, AgeMs: x.Age.Milliseconds(),
		})
	}
	return out
}

// limits tells of a profile what people are told: its labelled range, or where it
// has none what its limits leave, and its limits.
func limits(w *panel.Watched, p *thermal.Profile) {
	w.Low, w.High = p.Low, p.High
	for i := range p.Limits {
		l := &p.Limits[i]
		upper := l.Op == thermal.Above || l.Op == thermal.AtOrAbove
		w.Limits = append(w.Limits, panel.Limit{Name: l.Name, Upper: upper, At: l.At, DelayMs: l.Delay})
		switch {
		case upper && p.High == nil && (w.High == nil || l.At < *w.High):
			w.High = &l.At
		case !upper && p.Low == nil && (w.Low == nil || l.At > *w.Low):
			w.Low = &l.At
		}
	}
}

// places are what packages can be scanned into, in the order of the configuration.
func (a *agent) places() (out []panel.Place) {
	labels := a.names.Load().labels
	for _, w := range a.stage().rules.Load().watches {
		out = append(out, panel.Place{ID: w.Name, Label: labels[w.Name]})
	}
	return out
}
