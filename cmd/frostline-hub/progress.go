package main

import (
	"context"
	"slices"

	"frostline/hub/catalog"
	"frostline/hub/dispatch/progress"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/history"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// tracks are the positions that gateways have measured.
type tracks struct {
	history  *history.History
	registry *registry.Registry
}

func (t tracks) Receivers(gateway string) (all []string) {
	g, _ := t.registry.Gateway(gateway)
	for _, s := range g.Sensors {
		if slices.ContainsFunc(s.Channels, func(c registry.Channel) bool { return c.Quantity == reading.Latitude }) {
			all = append(all, s.ID)
		}
	}
	return all
}

func (t tracks) Meaning(gateway string, epoch, series uint32) (reading.Quantity, bool) {
	s, ok := t.registry.Lookup(gateway, epoch, series)
	return s.Quantity, ok
}

func (t tracks) Readings(ctx context.Context, gateway, sensor string, q reading.Quantity, from, to int64, visit func(progress.Reading) error) error {
	return t.history.Readings(ctx, history.Key{Gateway: gateway, Sensor: sensor, Quantity: q}, from, to, func(r history.Reading) error {
		return visit(progress.Reading{Epoch: r.Epoch, Boot: r.Boot, Tick: r.Tick, UTC: r.UTC, Uncertainty: r.Uncertainty, Value: r.Value, OK: r.Quality == reading.OK && !r.Conflict})
	})
}

func (t tracks) Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error) {
	return t.history.Timeline(ctx, gateway, epoch, boot)
}

// gate gives where the gates of sites are.
func gate(m *catalog.Model, q store.Querier) func(context.Context, string) (*fact.Position, error) {
	return func(ctx context.Context, id string) (*fact.Position, error) {
		v, _, found, err := m.Lookup(ctx, q, fact.Ref{Kind: fact.Site, ID: id})
		if s, ok := v.(fact.SiteRecord); ok && found {
			return s.Position, err
		}
		return nil, err
	}
}

func (h *hub) progressPart(context.Context) (health.Report, error) {
	s := h.contexts.progress.Status()
	var p problems
	p.add(s.Failing != "", "arrivals and estimates are held up: %s", s.Failing)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("progress_routes", "Routes that are followed.", s.Routes),
		counter("progress_positions_total", "Positions taken.", s.Fixes),
		counter("progress_late_total", "Tracks gone through again since positions came late or were dated anew.", s.Late),
		counter("progress_reports_total", "Arrivals, departures, starts and ends reported.", s.Reports),
		counter("progress_refused_total", "Such reports that dispatch did not take.", s.Refused),
		counter("progress_failures_total", "Rounds that failed and were tried again.", s.Failures),
	}}, nil
}
