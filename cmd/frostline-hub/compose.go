package main

import (
	"context"
	"log/slog"

	"frostline/hub/access"
	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/desired/compose"
	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/orders"
	"frostline/hub/store"
)

// newComposer makes what tells gateways of the packages beside them, and of next
// stops.
func (h *hub) newComposer(m *catalog.Model, log *slog.Logger) (*compose.Composer, error) {
	c := &h.contexts
	return compose.New(compose.Options{
		Config: h.config.Compose, Events: c.events, Keeper: c.desired, Log: log,
		World: surroundings{c.correlate, c.dispatch, c.orders, c.catalog, m, h.store, h.access},
	})
}

// surroundings tells what gateways are beside.
type surroundings struct {
	engine   *correlate.Engine
	dispatch *dispatch.Dispatch
	orders   *orders.Orders
	catalog  *catalog.Catalog
	records  *catalog.Model
	store    store.Querier
	access   *access.Registrar
}

func (s surroundings) Packages(context.Context) ([]compose.Package, error) {
	ids := s.engine.OpenPackages()
	found := s.engine.Carriages(ids)
	all := make([]compose.Package, 0, len(found))
	for _, id := range ids {
		if c, ok := found[id]; ok {
			all = append(all, compose.Package{ID: id, In: c.In, Gateways: c.Gateways, Profiles: c.Profiles})
		}
	}
	return all, nil
}

func (s surroundings) Routes(ctx context.Context) ([]compose.Route, error) {
	open, err := s.dispatch.Open(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]compose.Route, 0, len(open))
	for _, r := range open {
		courier, err := s.dispatch.Courier(ctx, r.Courier)
		if err != nil {
			return nil, err
		}
		out := compose.Route{ID: r.ID, Vehicle: courier.Vehicle, Started: r.Status() != "planned", Depart: r.Depart}
		for _, v := range r.Visits() {
			if v.Ended() {
				continue
			}
			j, err := s.dispatch.Job(ctx, v.Job)
			if err != nil {
				return nil, err
			}
			out.Stops = append(out.Stops, compose.Stop{Shipment: j.Shipment, Delivery: v.Kind == "delivery", Held: v.Held, Place: v.Place, ETA: v.ETA})
		}
		all = append(all, out)
	}
	return all, nil
}

func (s surroundings) Shipment(ctx context.Context, id string) ([]string, error) {
	return inShipment(s.orders)(ctx, id)
}

func (s surroundings) Carrier(ctx context.Context, in fact.Ref) (fact.Ref, error) {
	v, _, _, err := s.records.Lookup(ctx, s.store, in)
	switch r := v.(type) {
	case fact.CompartmentRecord:
		return fact.Ref{Kind: fact.Vehicle, ID: r.Vehicle}, err
	case fact.ZoneRecord:
		return fact.Ref{Kind: fact.Site, ID: r.Site}, err
	}
	return fact.Ref{}, err
}

// maxBeside bounds the gateways of one vehicle or site.
const maxBeside = 200

func (s surroundings) Gateways(ctx context.Context, of fact.Ref) (ids []string, err error) {
	entries, err := s.catalog.List(ctx, fact.Gateway, catalog.Filter{Field: string(of.Kind), Value: of.ID}, "", maxBeside)
	for _, e := range entries {
		ids = append(ids, e.Ref.ID)
	}
	return ids, err
}

func (s surroundings) Name(ctx context.Context, site fact.Ref) (string, error) {
	v, _, _, err := s.records.Lookup(ctx, s.store, site)
	r, _ := v.(fact.SiteRecord)
	return r.Name, err
}

func (s surroundings) Enrolled() (ids []string) {
	for _, g := range s.access.Gateways() {
		if s.access.Admitted(g.ID) == nil {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

func (h *hub) composePart(context.Context) (health.Report, error) {
	s := h.contexts.composer.Status()
	var p problems
	p.add(s.Failing != "", "gateways are not told of packages and next stops: %s", s.Failing)
	p.add(s.Unadded > 0, "to %d gateways nothing of packages and next stops can be told: see the hub's log", s.Unadded)
	p.add(s.Left > 0, "gateways have no place for the profiles of %d packages", s.Left)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("compose_gateways", "Gateways that are told of packages or a next stop.", s.Gateways),
		gauge("compose_packages", "Packages that gateways are told of, counted for each.", s.Packages),
		gauge("compose_left", "Packages that had no place in what a gateway is told.", s.Left),
		counter("compose_versions_total", "Desired states set for that since the hub started.", s.Versions),
	}}, nil
}

var (
	_ compose.World  = surroundings{}
	_ compose.Events = (*event.Log)(nil)
)
