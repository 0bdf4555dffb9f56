package carrier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// report reports one event: to the stop and the route, where a route of the
// partner has the shipment, else to the shipment.
func (d *Desk) report(ctx context.Context, p *partner, n Notice) error {
	shipment, err := d.shipment(ctx, p, n.Reference)
	if err != nil {
		return err
	}
	actor, told := "partner/"+p.Carrier, false
	route, stop, err := d.find(ctx, p, shipment, n)
	if err != nil {
		return err
	}
	if n.Means.Stop != "" && stop != nil {
		r := fact.StopReported{ID: "cs-" + n.ID, Route: route.ID, Stop: stop.ID, Status: n.Means.Stop, At: n.At, Source: p.Party}
		if stop.Place.Kind == fact.Site {
			r.Position = n.Position
		}
		if _, err := d.o.Dispatch.ReportStop(ctx, actor, "", r); err != nil {
			return err
		}
		told = true
	}
	if n.Means.Route != "" && route != nil {
		r := fact.RouteReported{ID: digest("cr", p.Carrier, route.ID, n.Means.Route, fmt.Sprint(n.At)), Route: route.ID, Status: n.Means.Route, At: n.At, Source: p.Party}
		if _, err := d.o.Dispatch.Report(ctx, actor, "", r); err != nil {
			return err
		}
		told = true
	}
	status := n.Means.Shipment
	switch {
	case n.Means.Stop != "" && stop != nil:
		return nil // dispatch tells the shipment
	case n.Means.Stop != "" && status == "":
		status = alone[n.Means.At+" "+n.Means.Stop]
	}
	if status == "" {
		if !told {
			return record.Invalidf("route: no route of party %s has shipment %s, or a stop for this; plan it, then have the message tried again", p.Party, shipment)
		}
		return nil
	}
	r := fact.ShipmentReported{ID: "ch-" + n.ID, Shipment: shipment, Status: status, At: n.At, ETA: n.ETA, Source: p.Party}
	if status == "dispatched" || status == "in_transit" {
		r.Position = n.Position
	}
	return d.o.Tell(ctx, actor, "", r)
}

// alone is what a shipment has come to by what happened at its stop, where no
// route has it.
var alone = map[string]string{
	"delivery arrived": "arrived", "delivery completed": "delivered", "delivery failed": "failed",
	"pickup completed": "dispatched", "return completed": "returned",
}

// digest makes an id of parts that may be as long as an id can be.
func digest(kind string, parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return kind + "-" + hex.EncodeToString(sum[:16])
}

// shipment finds what a reference of a message names.
func (d *Desk) shipment(ctx context.Context, p *partner, reference string) (string, error) {
	switch p.Incoming.Reference {
	case "job":
		j, err := d.o.Dispatch.Job(ctx, reference)
		return j.Shipment, err
	case "booking":
		return d.booked(ctx, p.Carrier, reference)
	}
	if err := (fact.Ref{Kind: fact.Shipment, ID: reference}).Check(); err != nil {
		return "", record.Invalidf("shipment %q: is no id of a shipment", short(reference))
	}
	return reference, nil
}

// find finds the route of the partner that has a shipment, and the stop in it
// that an event is about: of several, in the one that set out last before the
// event. Either is nil where there is none.
func (d *Desk) find(ctx context.Context, p *partner, shipment string, n Notice) (route *dispatch.Route, stop *fact.Stop, err error) {
	jobs, err := d.o.Dispatch.Jobs(ctx, shipment, false, "", 100)
	if err != nil {
		return nil, nil, err
	}
	ours := map[string]bool{}
	var routes []dispatch.Route
	for _, j := range jobs {
		some, err := d.o.Dispatch.RoutesOf(ctx, j.ID)
		if err != nil {
			return nil, nil, err
		}
		ours[j.ID] = true
		routes = append(routes, some...)
	}
	slices.SortFunc(routes, func(a, b dispatch.Route) int {
		return cmp.Or(cmp.Compare(a.Depart, b.Depart), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range routes {
		c, err := d.o.Dispatch.Courier(ctx, r.Courier)
		if err != nil {
			return nil, nil, err
		}
		if c.Party != p.Party || r.Status() == "cancelled" || route != nil && r.Depart > n.At {
			continue
		}
		var here *fact.Stop
		has := false
		for _, s := range r.Stops {
			if !ours[s.Job] {
				continue
			}
			if has = true; s.Kind == n.Means.At {
				here = &s
			}
		}
		if has {
			route, stop = &r, here
		}
	}
	return route, stop, nil
}
