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

// near is how far apart, in ms, two reports of the same arrival may be, and how
// much more certain another must be to be told.
const near = 60_000

// reports gives what presences say of stops and the route does not know yet, and
// withdraws what they do not bear out any more. firm tells of a report whether
// it may be withdrawn.
func reports(r dispatch.Route, present []presence, firm func(fact.StopReported) bool) (all []fact.StopReported) {
	var said []fact.StopReported
	known := map[string]bool{}
	for _, m := range r.Made {
		known[m.ID] = true
	}
	for _, m := range r.Holding() {
		if m.Source == source {
			said = append(said, m)
		}
	}
	held := make([]bool, len(said))
	add := func(stop, status string, at, within int64) {
		note := ""
		if within < 0 {
			note, within = "there is no position from before", 0
		}
		n := fact.StopReported{Route: r.ID, Stop: stop, Status: status, At: at, Uncertainty: min(within, 86_400_000), Source: source, Note: note}
		told := false
		for i, m := range said {
			if same(m, n) {
				held[i], told = true, true
			}
		}
		if told {
			return
		}
		for turn := 0; n.ID == "" || known[n.ID]; turn++ { // it may have been withdrawn before
			n.ID = digest(r.ID, stop, status, at, n.Uncertainty, int64(turn))
		}
		known[n.ID] = true
		all = append(all, n)
	}
	for _, p := range present {
		add(p.stop, "arrived", p.visit.Entered, p.visit.EnteredWithin)
		if p.visit.Left != 0 {
			add(p.stop, "departed", p.visit.Left, p.visit.LeftWithin)
		}
	}
	for i, m := range said {
		if !held[i] && firm(m) {
			all = append(all, fact.StopReported{ID: digest(r.ID, "withdraws", m.ID), Route: r.ID, Stop: m.Stop, Status: m.Status, At: m.At, Source: source, Withdraws: m.ID,
				Note: "positions that came late show otherwise"})
		}
	}
	return all
}

// same reports whether what was said says what n does, about as certainly.
func same(m, n fact.StopReported) bool {
	apart := m.At - n.At
	return m.Stop == n.Stop && m.Status == n.Status && apart <= near && -apart <= near && m.Uncertainty-n.Uncertainty <= near
}

// source is who says what fences say.
const source = "geofence"

// digest makes the id of a report: the same for the same thing said.
func digest(route, stop, status string, numbers ...int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", route, stop, status, numbers))
	return "fence-" + hex.EncodeToString(sum[:16])
}
