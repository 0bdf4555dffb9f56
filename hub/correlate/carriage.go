package correlate

import (
	"maps"
	"slices"

	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Carriage is where an open package is now, and by what it is judged.
type Carriage struct {
	Package string
	// In is the compartment, zone or tote that it is in; zero where nobody knows.
	In fact.Ref
	// Gateways have sensors that can vouch for it, ascending.
	Gateways []string
	// Profiles by which it is judged, in the order of judgements; see Verdicts.
	Profiles []thermal.Profile
}

// Carriages gives those packages of ids that are open, by id. It reads no
// history: a package takes some microseconds.
func (e *Engine) Carriages(ids []string) map[string]Carriage {
	out := make(map[string]Carriage, len(ids))
	now := e.now().UnixMilli()
	for _, id := range ids {
		if c, ok := e.carriage(id, now); ok {
			out[id] = c
		}
	}
	return out
}

func (e *Engine) carriage(id string, now int64) (Carriage, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, ok := e.facts.Watch(id)
	if !ok || w.To <= now {
		return Carriage{}, false
	}
	c := Carriage{Package: id, In: e.facts.Place(id, now)}
	judges, _ := e.facts.Judges(id)
	for _, j := range judges {
		c.Profiles = append(c.Profiles, j.Profile)
	}
	gateways := map[string]bool{}
	for _, l := range e.facts.Plan(id, now, now+1).Legs {
		for _, s := range l.Sources {
			g, _ := split(s.Sensor)
			gateways[g] = true
		}
	}
	c.Gateways = slices.Sorted(maps.Keys(gateways))
	return c, true
}

// OpenPackages gives the ids of the packages whose watch goes on, ascending.
func (e *Engine) OpenPackages() (ids []string) {
	now := e.now().UnixMilli()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts.Packages(func(id string) {
		if w, _ := e.facts.Watch(id); w.To > now {
			ids = append(ids, id)
		}
	})
	slices.Sort(ids)
	return ids
}
