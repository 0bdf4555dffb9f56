package dispatch

import (
	"cmp"
	"slices"

	"frostline/hub/fact"
)

// Visit is what a stop of a plan has come to.
type Visit struct {
	fact.Stop
	Status    string             `json:"status"`              // planned, arrived, departed, completed, failed
	Arrived   int64              `json:"arrived,omitempty"`   // first, UTC, Unix ms; 0: not that anybody knows
	Departed  int64              `json:"departed,omitempty"`  // last
	Completed int64              `json:"completed,omitempty"` // of completed and failed
	Held      bool               `json:"held,omitempty"`
	Recalled  bool               `json:"recalled,omitempty"` // and called back; then it is held too
	Cause     string             `json:"cause,omitempty"`    // of the hold, or of calling it back
	Last      *fact.StopReported `json:"last,omitempty"`
}

// Ended reports whether nothing more is to be done there.
func (s Visit) Ended() bool { return s.Status == "completed" || s.Status == "failed" }

// Status of the route: planned, started, recalled, ended or cancelled. It is
// that of the last report by its own time; after an end only another end
// counts.
func (r Route) Status() string {
	status := "planned"
	all := slices.Clone(r.Reports)
	slices.SortFunc(all, func(a, b fact.RouteReported) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	for _, rep := range all {
		if ended := status == "ended" || status == "cancelled"; !ended || rep.Status == "ended" || rep.Status == "cancelled" {
			status = rep.Status
		}
	}
	return status
}

// Visits gives what each stop of the plan has come to, in the plan's order.
// It is a function of the reports, whatever order they came in.
func (r Route) Visits() []Visit {
	made := r.Holding()
	slices.SortFunc(made, func(a, b fact.StopReported) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	holds := slices.Clone(r.Holds)
	slices.SortFunc(holds, func(a, b fact.StopHeld) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	all := make([]Visit, len(r.Stops))
	for i, stop := range r.Stops {
		s := Visit{Stop: stop, Status: "planned"}
		for _, m := range made {
			if m.Stop == stop.ID {
				s.take(m)
			}
		}
		s.holding(holds)
		all[i] = s
	}
	return all
}

// holding takes the holds of a route, in the order of their times. Being called
// back and other holds stand side by side: what quality lets go is not thereby
// delivered that a dispatcher has called back.
func (s *Visit) holding(all []fact.StopHeld) {
	back := fact.StopHeld{}
	for _, h := range all {
		switch {
		case h.Stop != s.ID:
		case h.Recalled:
			back = h
		default:
			s.Held, s.Cause = h.Held, h.Cause
		}
	}
	if back.Held {
		s.Held, s.Recalled, s.Cause = true, true, back.Cause
	}
}

// Holding gives the reports of stops that were not withdrawn, in the order in
// which they came.
func (r Route) Holding() []fact.StopReported {
	withdrawn := map[string]bool{}
	for _, m := range r.Made {
		if m.Withdraws != "" {
			withdrawn[m.ID], withdrawn[m.Withdraws] = true, true
		}
	}
	return slices.DeleteFunc(slices.Clone(r.Made), func(m fact.StopReported) bool { return withdrawn[m.ID] })
}

// take takes a report that is not before those taken already.
func (s *Visit) take(m fact.StopReported) {
	switch m.Status {
	case "arrived":
		if s.Arrived == 0 {
			s.Arrived = m.At
		}
		s.Departed = 0
	case "departed":
		s.Departed = m.At
	case "completed", "failed":
		s.Completed = m.At
	}
	if !s.Ended() || m.Ends() {
		s.Status = m.Status
	}
	s.Last = &m
}

// Next is the first stop that has not ended, nil where all have.
func (r Route) Next() *Visit {
	for _, s := range r.Visits() {
		if !s.Ended() {
			return &s
		}
	}
	return nil
}

// reportIDs are the ids of all that was said of the route.
func (r Route) reportIDs() (ids []string) {
	for _, v := range r.Reports {
		ids = append(ids, v.ID)
	}
	for _, v := range r.Made {
		ids = append(ids, v.ID)
	}
	for _, v := range r.Holds {
		ids = append(ids, v.ID)
	}
	for _, v := range r.Messages {
		ids = append(ids, v.ID)
	}
	return ids
}
