package dispatch

import (
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Courier is a courier as it is now.
type Courier struct {
	fact.CourierDefined
	record.Changed
}

// Job is a job as it is now.
type Job struct {
	fact.JobPlanned
	Cancelled bool   `json:"cancelled,omitempty"`
	Route     string `json:"route,omitempty"` // the last one that was planned with a stop of it
	record.Changed
}

// Route is a route as it is now: its plan and all that was said of it, in the
// order in which it came.
type Route struct {
	fact.RoutePlanned
	Reports  []fact.RouteReported   `json:"reports,omitempty"`
	Made     []fact.StopReported    `json:"made,omitempty"`
	Holds    []fact.StopHeld        `json:"holds,omitempty"`
	Messages []fact.CourierMessaged `json:"messages,omitempty"`
	Received []fact.MessageReceived `json:"received,omitempty"` // what became of messages, at each gateway
	Plans    int                    `json:"plans"`              // how often it was planned
	record.Changed
}

// Model is the read model behind a Dispatch.
type Model struct {
	couriers *event.Table[Courier]
	jobs     *event.Table[Job]
	routes   *event.Table[Route]
}

// NewModel makes the read model, to be given to the event log before the
// Dispatch is made of both.
func NewModel() *Model {
	return &Model{
		couriers: event.NewTable("dispatch.courier", event.Schema[Courier]{Fold: foldCourier, Keys: courierKeys}),
		jobs:     event.NewTable("dispatch.job", event.Schema[Job]{Fold: foldJob, Keys: jobKeys}),
		routes:   event.NewTable("dispatch.route", event.Schema[Route]{Version: 2, Fold: foldRoute, Keys: routeKeys}),
	}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.couriers, m.jobs, m.routes} }

func foldCourier(e event.Event, rows *event.Rows[Courier]) error {
	v, err := record.Data(e, fact.CourierWasDefined)
	if d, ok := v.(*fact.CourierDefined); ok {
		return record.Change(rows, d.ID, func(c *Courier) { c.CourierDefined = *d; c.Note(e) })
	}
	return err
}

func courierKeys(_ string, c *Courier) []event.Key {
	if c.Vehicle == "" {
		return nil
	}
	return []event.Key{{Name: "vehicle", Value: c.Vehicle}}
}

func foldJob(e event.Event, rows *event.Rows[Job]) error {
	v, err := record.Data(e, fact.JobWasPlanned, fact.JobWasCancelled, fact.RouteWasPlanned)
	switch d := v.(type) {
	case *fact.JobPlanned:
		return record.Change(rows, d.ID, func(j *Job) { j.JobPlanned = *d; j.Note(e) })
	case *fact.JobCancelled:
		return record.Change(rows, d.ID, func(j *Job) { j.Cancelled = true; j.Note(e) })
	case *fact.RoutePlanned:
		for _, s := range d.Stops {
			if err := record.Change(rows, s.Job, func(j *Job) { j.Route = d.ID }); err != nil {
				return err
			}
		}
	}
	return err
}

func jobKeys(_ string, j *Job) []event.Key {
	keys := []event.Key{{Name: "shipment", Value: j.Shipment}}
	if j.JobPlanned.To.Kind == fact.Place {
		keys = append(keys, event.Key{Name: "place", Value: j.To.ID})
	}
	if j.Route == "" && !j.Cancelled {
		keys = append(keys, event.Key{Name: "state", Value: "waiting"})
	}
	return keys
}

func foldRoute(e event.Event, rows *event.Rows[Route]) error {
	v, err := record.Data(e, fact.RouteWasPlanned, fact.RouteWasReported, fact.StopWasReported, fact.StopWasHeld, fact.CourierWasMessaged, fact.MessageWasReceived)
	switch d := v.(type) {
	case *fact.RoutePlanned:
		return record.Change(rows, d.ID, func(r *Route) { r.RoutePlanned = *d; r.Plans++; r.Note(e) })
	case *fact.RouteReported:
		return record.Change(rows, d.Route, func(r *Route) { r.Reports = append(r.Reports, *d); r.Note(e) })
	case *fact.StopReported:
		return record.Change(rows, d.Route, func(r *Route) { r.Made = append(r.Made, *d); r.Note(e) })
	case *fact.StopHeld:
		return record.Change(rows, d.Route, func(r *Route) { r.Holds = append(r.Holds, *d); r.Note(e) })
	case *fact.CourierMessaged:
		return record.Change(rows, d.Route, func(r *Route) { r.Messages = append(r.Messages, *d); r.Note(e) })
	case *fact.MessageReceived: // no revision of its own: nothing that was planned or said is another
		return record.Change(rows, d.Route, func(r *Route) { r.Received = append(r.Received, *d) })
	}
	return err
}

func routeKeys(_ string, r *Route) []event.Key {
	state := "open"
	if s := r.Status(); s == "ended" || s == "cancelled" {
		state = "ended"
	}
	keys := []event.Key{{Name: "courier", Value: r.Courier}, {Name: "state", Value: state}}
	seen := map[string]bool{}
	for _, s := range r.Stops {
		if !seen[s.Job] {
			seen[s.Job] = true
			keys = append(keys, event.Key{Name: "job", Value: s.Job})
		}
	}
	for _, id := range r.reportIDs() {
		keys = append(keys, event.Key{Name: "report", Value: id})
	}
	return keys
}
