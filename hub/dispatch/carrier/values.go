package carrier

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/fact"
	"frostline/hub/record"
)

// values are what the placeholders of a booking stand for; nil for what is not
// known. An error that is record.ErrNotFound lies in the booking.
func (d *Desk) values(ctx context.Context, c *Call) (map[string]any, error) {
	j, err := d.o.Dispatch.Job(ctx, c.Job)
	if err != nil {
		return nil, err
	}
	r, err := d.o.Dispatch.Leg(ctx, c.Route)
	if err != nil {
		return nil, err
	}
	v := map[string]any{
		"job": c.Job, "shipment": c.Shipment, "route": c.Route, "stop": c.Stop, "courier": r.Courier, "ready": clock(j.Ready),
		"two": j.Two, "identity": j.Identity, "from.kind": string(j.From.Kind), "from.id": j.From.ID, "to.kind": string(j.To.Kind), "to.id": j.To.ID,
	}
	if c.Reference != "" {
		v["reference"] = c.Reference
	}
	if j.Load != 0 {
		v["load"] = j.Load
	}
	if j.Service != 0 {
		v["service"] = j.Service
	}
	if len(j.Windows) > 0 {
		v["window.from"], v["window.until"] = clock(j.Windows[0].From), clock(j.Windows[len(j.Windows)-1].Until)
	}
	for _, s := range r.Stops {
		if s.ID == c.Stop {
			v["eta"] = clock(s.ETA)
		}
	}
	for name, ref := range map[string]fact.Ref{"from": j.From, "to": j.To} {
		lat, lng, ok, err := d.where(ctx, ref)
		if err != nil {
			return nil, err
		}
		if ok {
			v[name+".latitude"], v[name+".longitude"] = float64(lat)/1e7, float64(lng)/1e7
		} else if ref.Kind == fact.Place && c.Kind == "book" {
			return nil, fmt.Errorf("%s %s: where it is was forgotten: %w; set it again, then have the call made again", name, ref, record.ErrNotFound)
		}
	}
	return v, nil
}

func (d *Desk) where(ctx context.Context, r fact.Ref) (lat, lng int64, ok bool, err error) {
	if r.Kind == fact.Place {
		p, found, err := d.o.Dispatch.Place(ctx, r.ID)
		return p.Latitude, p.Longitude, found, err
	}
	p, err := d.o.Site(ctx, r.ID)
	if err != nil || p == nil {
		return 0, 0, false, err
	}
	return p.Latitude, p.Longitude, true, nil
}

// clock writes a time; nil for none.
func clock(ms int64) any {
	if ms == 0 {
		return nil
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
