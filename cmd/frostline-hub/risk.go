package main

import (
	"context"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/dispatch/risk"
	"frostline/hub/orders"
)

// loads tells how the packages of deliveries fare.
type loads struct{ *correlate.Engine }

func (l loads) Briefs(ids []string) []risk.Load {
	out := make([]risk.Load, len(ids))
	for i, s := range l.Engine.Briefs(ids) {
		out[i] = loadOf(&s)
	}
	return out
}

func (l loads) Ahead(ctx context.Context, id string) (risk.Load, int64, error) {
	s, err := l.State(ctx, id)
	return loadOf(&s), s.OutlookUntil, err
}

func loadOf(s *correlate.State) risk.Load {
	return risk.Load{Package: s.Package, Condition: risk.Condition(s.State), Reason: s.Reason, Since: s.Since, Temperature: s.Temperature,
		Taken: s.At, Outlook: s.Outlook, Budgets: s.Budgets, NoOutlook: s.NoOutlook}
}

// inShipment gives the packages that are in a shipment now and were not closed.
func inShipment(o *orders.Orders) func(context.Context, string) ([]string, error) {
	return func(ctx context.Context, shipment string) (ids []string, err error) {
		ever, err := o.Packages(ctx, shipment, "", "", 500)
		for _, p := range ever {
			if p.Closed == nil && p.ShipmentAt(time.Now().UnixMilli()) == shipment {
				ids = append(ids, p.ID)
			}
		}
		return ids, err
	}
}
