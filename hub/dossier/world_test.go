package dossier_test

import (
	"context"
	"fmt"
	"testing"

	"frostline/hub/custody"
	"frostline/hub/dossier/dossiertest"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/orders"
	"frostline/hub/store/storetest"
	"frostline/proto/reading"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	start  = dossiertest.Start
)

// weather is a history of sensor g1/s0, in ms since start.
type weather struct {
	from, to, step int64
	value          func(since int64) thermal.Temp
	ok, conflict   bool
	undated        bool
}

func (w *weather) Temperatures(_ context.Context, _, _ string, from, to int64, visit func(utc, value int64, ok, conflict bool) error) error {
	for at := w.from; w.step > 0 && at < w.to && !w.undated; at += w.step {
		if utc := start + at; utc >= from && utc < to {
			if err := visit(utc, int64(w.value(at)), w.ok, w.conflict); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *weather) UndatedTemperatures(context.Context, string, string) ([][2]int64, error) {
	if w.undated {
		return [][2]int64{{start + w.from, start + w.to}}, nil
	}
	return nil, nil
}

func (*weather) Timeline(context.Context, string, uint32, uint32) (*truetime.Timeline, error) {
	return nil, nil
}

func (*weather) Measured(string, uint32, uint32) (string, reading.Quantity, bool) {
	return "", 0, false
}

func (*weather) Replay(context.Context, int64, func(*batch.Batch) error) error { return nil }

// nobody may sign.
type nobody struct{}

func (nobody) Reauthenticate(context.Context, string, string) (string, []string, error) {
	return "", nil, excursion.ErrPassword
}

// hub is all contexts that a dossier is put together from.
type hub struct {
	t testing.TB
	*dossiertest.World
}

func newHub(t testing.TB, w *weather) *hub {
	return &hub{t, dossiertest.New(t, storetest.Open(t, storetest.SQLite(t)), w, nobody{}, nil)}
}

// stock enters a zone with a sensor, and a profile.
func (h *hub) stock(profile func(*thermal.Profile)) {
	h.t.Helper()
	p, err := thermal.Named("refrigerated")
	if err != nil {
		h.t.Fatal(err)
	}
	if p.ID = "cold"; profile != nil {
		profile(&p)
	}
	ctx := context.Background()
	for _, r := range []fact.Record{fact.SiteRecord{ID: "S1", Name: "Site"}, fact.ProfileRecord{Profile: p}, fact.ZoneRecord{ID: "Z1", Site: "S1", Name: "Zone"},
		fact.GatewayRecord{ID: "g1", Site: "S1"}, fact.SensorRecord{ID: "g1/s0"}} {
		if _, err := h.Catalog.Define(ctx, "person/ann", "test", r, 0); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.Orders.Plan(ctx, "person/ann", "", fact.ShipmentPlanned{ID: "H1", From: "S1"}, 0); err != nil {
		h.t.Fatal(err)
	}
}

// place states that a sensor is in the zone from start on.
func (h *hub) place() {
	h.t.Helper()
	in := fact.Ref{Kind: fact.Zone, ID: "Z1"}
	if _, err := h.Places.Take(context.Background(), "person/ann", "", []custody.Scan{{Attached: &fact.Attached{ID: "s", Subject: fact.Ref{Kind: fact.Sensor, ID: "g1/s0"}, In: &in, At: start, Made: start, Via: "scan"}}}, false); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) pack(id string) {
	h.t.Helper()
	in := fact.Ref{Kind: fact.Zone, ID: "Z1"}
	if _, err := h.Orders.Pack(context.Background(), "person/ann", "", orders.Packing{PackagePacked: fact.PackagePacked{ID: id, Shipment: "H1", Profile: "cold", At: start}, In: &in}, 0); err != nil {
		h.t.Fatal(fmt.Errorf("pack %s: %w", id, err))
	}
}
