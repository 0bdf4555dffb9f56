package rest

import (
	"context"
	"fmt"

	"frostline/hub/trace/provenance"
	"frostline/proto/thermal"
)

// oneWay knows the way of one unit, with one of each thing to tell.
type oneWay struct{}

func (oneWay) Tell(_ context.Context, unit string) (*provenance.Provenance, error) {
	if unit != "00614141999996.A1" {
		return nil, fmt.Errorf("unit %s: %w", unit, provenance.ErrNotFound)
	}
	t, entry := thermal.Temp(5250), uint64(7)
	return &provenance.Provenance{
		Unit: unit, EPC: "https://id.gs1.org/01/00614141999996/21/A1", Product: "D1", Lot: "L1", Expiry: "2028-01-01", AsOf: 3, At: start,
		Steps: []provenance.Step{{
			At: start, Type: "ObjectEvent", Action: "OBSERVE", Step: "sensor_reporting", Own: true, Set: []string{"non_conformant"},
			Sensors: []provenance.Sensor{{From: start - 1000, To: start, Type: "Temperature", Min: &t, Max: &t, Mean: &t}},
			Wrong:   &provenance.Wrong{At: start, Reason: "incorrect_data", Corrective: []string{"urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-0c5b3a1b7f03"}},
			Proof:   provenance.Proof{EventID: "urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-0c5b3a1b7f01", Seq: 3, Captured: start, By: "system/sensing", Position: 9, Entry: &entry},
		}},
		Gaps: []provenance.Gap{{Kind: provenance.Unmonitored, From: start, To: start + 1, Why: "nobody vouches for its temperature"}},
	}, nil
}
