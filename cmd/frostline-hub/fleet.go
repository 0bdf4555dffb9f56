package main

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/health"
	"frostline/hub/view"
)

// fleetPart tells Prometheus of gateways what operators see at /view/fleet. That
// a gateway is away is no fault of the hub.
func (h *hub) fleetPart(ctx context.Context) (health.Report, error) {
	all, err := h.fleet.Gateways(ctx)
	if err != nil {
		return health.Report{}, fmt.Errorf("list the gateways: %w", err)
	}
	expires := map[string]int64{}
	for _, a := range h.access.Gateways() {
		expires[a.ID] = a.Expires
	}
	return health.Report{Figures: gatewayFigures(all, expires, time.Now().UnixMilli())}, nil
}

// gatewayFigures are those of gateways that are trusted. What is not known of one
// is left out, so that no 0 stands for it.
func gatewayFigures(all []view.Gateway, expires map[string]int64, now int64) (out []health.Figure) {
	one := func(known bool, name, help string, value float64, labels ...string) {
		if known {
			out = append(out, gauge(name, help, value, labels...))
		}
	}
	seconds := func(ms int64) float64 { return float64(ms) / 1000 }
	truth := map[bool]float64{true: 1}
	for _, g := range all {
		if g.Revoked != 0 {
			continue
		}
		of := []string{"gateway", g.ID}
		left, said := g.BufferLeft(now)
		one(true, "gateway_info", "1; the gateway and the version of its agent are the labels.", 1, "gateway", g.ID, "version", g.Version)
		one(true, "gateway_online", "1 while the gateway is connected and heard.", truth[view.JudgeLink(g, now).Link == view.Online], of...)
		one(said, "gateway_buffer_left_seconds", "How long the gateway can keep what it measures until its buffer is full; absent where it has not said.", float64(left)*3600, of...)
		one(g.Heard != 0, "gateway_buffer_taken_ratio", "Share of the gateway's buffer that is taken, 0 to 1.", float64(g.Journal.FullPercent)/100, of...)
		one(g.LastCommit != 0, "gateway_commit_age_seconds", "Time since readings of the gateway were last committed; absent before the first.", max(0, seconds(now-g.LastCommit)), of...)
		one(g.Heard != 0, "gateway_readings_pending", "Readings that the gateway last said it keeps and that are not committed.", float64(g.PendingReadings), of...)
		one(g.Heard != 0, "gateway_clock_dated", "1 while the gateway can date its readings.", truth[g.Clock.Dated], of...)
		one(g.Heard != 0, "gateway_clock_conflict", "1 while the gateway's time sources exclude one another.", truth[g.Clock.Conflict], of...)
		one(g.Clock.Dated, "gateway_clock_uncertainty_seconds", "Half the width of what the gateway's UTC may be; absent while undated.", seconds(g.Clock.Uncertainty), of...)
		one(true, "gateway_quarantined_parcels", "Parcels of the gateway that are quarantined.", float64(g.Quarantined), of...)
		one(expires[g.ID] != 0, "gateway_certificate_expires_seconds", "Time until the gateway's certificate ends, below 0 after it; absent without one.", seconds(expires[g.ID]-now), of...)
		one(true, "gateway_alarms", "Alarms of the gateway's own guard that are not over.", float64(len(g.OpenAlarms())), of...)
	}
	return out
}
