package rest

import (
	"context"
	"fmt"

	"frostline/hub/scan"
)

// gateScans are scans of gateways that are always the same.
type gateScans struct{}

func (gateScans) all() (out []scan.Scan) {
	at := int64(start)
	for i, state := range []string{scan.Taken, scan.Undated, scan.SetAside, scan.Refused} {
		s := scan.Scan{Gateway: "g-1", ID: fmt.Sprint("scan-000", i), Code: "BOX-1", Kind: "label", Value: "BOX-1", Action: "attach", Target: "compartment/C1", Seal: "not_checked",
			NoPosition: "no fix", Epoch: 1, Boot: 2, Boottime: 60_000, Block: 7, InEpoch: 1, Received: start - int64(i), State: state}
		if state != scan.Undated {
			s.UTC, s.Uncertainty, s.Statements = &at, 50, []string{"scan:abc"}
			s.Temperature, s.Position = &scan.Measured{Value: 4125, Sensor: "box"}, &scan.Position{Latitude: 407_000_000, Longitude: -740_000_000, Accuracy: 4000}
		}
		out = append(out, s)
	}
	return out
}

func (g gateScans) List(_ context.Context, f scan.Filter, after string, limit int) (out []scan.Scan, err error) {
	past := after == ""
	for _, s := range g.all() {
		if past && len(out) < limit && (f.Gateway == "" || f.Gateway == s.Gateway) && (f.State == "" || f.State == s.State) {
			out = append(out, s)
		}
		past = past || s.After() == after
	}
	return out, nil
}

func (g gateScans) Count(context.Context) (scan.Counts, error) {
	return scan.Counts{Scans: 4, Groups: map[string]int64{scan.Undated: 1, scan.Stated: 3}, Lines: map[string]int64{scan.Taken: 1}}, nil
}
