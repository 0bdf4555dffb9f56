package progress

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/fact"
)

// Names of the fences that are no stop's. A stop's fence has its place as name.
const (
	startFence = "start"
	endFence   = "end"
)

// presence is when a courier was at a stop.
type presence struct {
	stop  string
	visit fence.Visit
}

// assign tells which stops the visits of places were for. Of several stops at
// one place, those that follow one another in the plan are one call; the first
// visit is the first call's that has not ended by then, and so on; the last call
// takes what is left. since is when a stop was planned, where that was after the
// route's first plan: nobody was there for it before.
func assign(visits []dispatch.Visit, since map[string]int64, seen []fence.Visit) (all []presence) {
	type call struct {
		stops []dispatch.Visit
		taken bool
	}
	calls := map[string][]*call{} // by place
	for i, v := range visits {
		place := v.Place.String()
		list := calls[place]
		if i > 0 && visits[i-1].Place == v.Place {
			list[len(list)-1].stops = append(list[len(list)-1].stops, v)
			continue
		}
		calls[place] = append(list, &call{stops: []dispatch.Visit{v}})
	}
	for _, s := range seen {
		list := calls[s.Fence]
		var of *call
		for i, c := range list {
			ended := true
			for _, v := range c.stops {
				ended = ended && v.Ended() && v.Completed < s.Entered-grace
			}
			if last := i == len(list)-1; !c.taken && !ended || last && !(c.taken && ended) {
				of = c
				break
			}
		}
		if of == nil {
			continue
		}
		of.taken = true
		for _, v := range of.stops {
			if over := s.Left; over == 0 || over > since[v.ID] {
				all = append(all, presence{v.ID, s})
			}
		}
	}
	return all
}

// near is how far apart, in ms, two reports of the same arrival may be.
const near = 60_000

// reports gives what presences say of stops and the route does not know yet.
func reports(r dispatch.Route, present []presence) (all []fact.StopReported) {
	add := func(stop, status string, at, within int64) {
		for _, m := range r.Made {
			if d := m.At - at; m.Stop == stop && m.Status == status && m.Source == source && -near <= d && d <= near {
				return
			}
		}
		note := ""
		if within < 0 {
			note, within = "there is no position from before", 0
		}
		within = min(within, 86_400_000)
		all = append(all, fact.StopReported{
			ID: digest(r.ID, stop, status, at), Route: r.ID, Stop: stop, Status: status, At: at, Uncertainty: within, Source: source, Note: note,
		})
	}
	for _, p := range present {
		add(p.stop, "arrived", p.visit.Entered, p.visit.EnteredWithin)
		if p.visit.Left != 0 {
			add(p.stop, "departed", p.visit.Left, p.visit.LeftWithin)
		}
	}
	return all
}

// source is who says what fences say.
const source = "geofence"

// digest makes the id of a report: the same for the same thing said.
func digest(route, stop, status string, at int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", route, stop, status, at))
	return "fence-" + hex.EncodeToString(sum[:16])
}
