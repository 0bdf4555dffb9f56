package main

import (
	"context"
	"log/slog"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/plan"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/propose"
	messages "frostline/hub/dispatch/relay"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dispatch/road"
	"frostline/hub/fact"
	"frostline/hub/health"
)

// Tables of ways are kept for an hour, in up to 32 MB.
const (
	keptCells = 4_000_000
	keptFor   = time.Hour
)

// openProposals makes what suggests orders of stops.
func (h *hub) openProposals(router road.Router, site func(context.Context, string) (*fact.Position, error), log *slog.Logger) (err error) {
	c := &h.contexts
	c.proposals, err = propose.New(propose.Options{
		Routes: c.dispatch, Site: site, Loads: c.risk.Loads, Where: whereabouts(c.progress), Urgent: urgent(c.risk),
		Road: road.NewCache(router, keptCells, keptFor, time.Now), Engine: h.config.Road.engine(log), Log: log,
	})
	return err
}

// engine gives what finds orders: an optimiser by URL, for which our own stands
// in, or our own alone.
func (c roadConfig) engine(log *slog.Logger) plan.Engine {
	if c.Vroom == "" {
		return plan.Search{}
	}
	return &road.Vroom{Remote: road.Remote{URL: c.Vroom, Timeout: c.Timeout}, Own: plan.Search{}, Log: log}
}

// whereabouts tells where couriers were last.
func whereabouts(t *progress.Tracker) func(string) (road.Fix, bool) {
	return func(route string) (road.Fix, bool) {
		w, ok := t.Where(route)
		return road.Fix{At: w.Fix.Where, Time: time.UnixMilli(w.Fix.At), Accuracy: float64(w.Fix.Accuracy) / 1000}, ok
	}
}

// urgent names the routes of deliveries that may come too late.
func urgent(b *risk.Board) func() []string {
	return func() (routes []string) {
		all, _ := b.List()
		for _, d := range all {
			if d.Class != risk.Out && d.Class != risk.AtRisk && d.Class != risk.Watch {
				break
			}
			routes = append(routes, d.Route)
		}
		return routes
	}
}

// runs is what the dispatcher's board tells of.
type runs struct {
	*risk.Board
	*propose.Desk
	dispatch *dispatch.Dispatch
	progress *progress.Tracker
	messages *messages.Relay
}

func (h *hub) runs() runs {
	c := &h.contexts
	return runs{c.risk, c.proposals, c.dispatch, c.progress, c.messages}
}

func (r runs) Leg(ctx context.Context, id string) (dispatch.Route, error) {
	return r.dispatch.Leg(ctx, id)
}

func (r runs) Hold(ctx context.Context, actor, reason string, h fact.StopHeld) (dispatch.Route, error) {
	return r.dispatch.Hold(ctx, actor, reason, h)
}

func (r runs) Recall(ctx context.Context, actor, reason string, c dispatch.Recalling) (dispatch.Route, error) {
	return r.dispatch.Recall(ctx, actor, reason, c)
}

func (r runs) Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) (dispatch.Route, error) {
	return r.dispatch.Message(ctx, actor, reason, m)
}

func (r runs) Where(route string) (progress.Where, bool) { return r.progress.Where(route) }

func (r runs) Chart(route string) (progress.Chart, bool) { return r.progress.Chart(route) }

func (r runs) Panels(ctx context.Context, courier string) ([]string, error) {
	return r.messages.Panels(ctx, courier)
}

func (r runs) Reorder(ctx context.Context, actor, reason, route string, order []string, revision int64) (dispatch.Route, error) {
	return r.dispatch.Reorder(ctx, actor, reason, route, order, revision)
}

func (h *hub) proposalsPart(context.Context) (health.Report, error) {
	s := h.contexts.proposals.Status()
	var p problems
	p.add(s.Failing != "", "orders of stops are not suggested: %s", s.Failing)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("proposals_routes", "Open routes whose order was compared with others.", s.Routes),
		gauge("proposals_suggested", "Open routes for which another order is suggested.", s.Suggested),
		counter("proposals_made_total", "Comparisons of a route's order with others.", s.Made),
	}}, nil
}
