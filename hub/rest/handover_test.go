package rest

import (
	"context"
	"fmt"
	"testing"

	"frostline/hub/custody"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/proof"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/report"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// mountProofs makes a desk that is joined as the hub joins it.
func mountProofs(t testing.TB, w *world, d Dispatch, o *orders.Orders, c *custody.Custody) *proof.Desk {
	t.Helper()
	desk, err := proof.New(proof.Options{
		Events: w.log, Dispatch: d.(*dispatch.Dispatch), Now: w.now, Log: storetest.Logger(t),
		HandOver: func(ctx context.Context, actor, reason string, h fact.HandedOver) ([]string, error) {
			out, err := c.Take(ctx, actor, reason, []custody.Scan{{HandedOver: &h}}, false)
			if err != nil {
				return nil, err
			}
			return out[0].Flags, nil
		},
		Packages: func(ctx context.Context, shipment string, at int64) (ids []string, err error) {
			all, err := o.Packages(ctx, shipment, "", "", 500)
			for _, p := range all {
				if p.ShipmentAt(at) == shipment {
					ids = append(ids, p.ID)
				}
			}
			return ids, err
		},
		Inside: func(ctx context.Context, unit string, at int64) (string, error) {
			in, _, err := c.Where(ctx, w.db, fact.Ref{Kind: fact.Unit, ID: unit}, at)
			if in == nil {
				return "", err
			}
			return in.ID, err
		},
		Patient: func(ctx context.Context, shipment string) (string, error) { return "pt_7f3a9c01e2", nil },
		Known:   func(ctx context.Context, party string) (bool, error) { return party == "co1", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

// oneReceipt is of shipment H1.
type oneReceipt struct{}

func (oneReceipt) Receipt(_ context.Context, shipment string) (report.Receipt, error) {
	if shipment != "H1" {
		return report.Receipt{}, fmt.Errorf("shipment %q: %w", shipment, report.ErrNotDelivered)
	}
	low, high := thermal.Temp(3100), thermal.Temp(6200)
	return report.Receipt{Shipment: shipment, Delivered: start, Proof: "p1", Evidence: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", AsOf: start,
		Packages: []report.Received{{ID: "P1", Units: 1, Temperature: "in range", Says: "It was kept as it has to be.", Lowest: &low, Highest: &high, Monitored: 3_600_000}}}, nil
}
