package carrier

import (
	"context"
	"slices"

	"frostline/hub/event"
	"frostline/hub/store"
)

// estimates looks now and then which couriers come soon.
func (d *Desk) estimates(ctx context.Context) {
	if !slices.ContainsFunc(d.o.Carriers, func(m *Mapping) bool { return m.Tasks != nil && slices.Contains(m.Tasks.Triggers, "eta") }) {
		return
	}
	var q quietFailure
	for ctx.Err() == nil {
		err := d.Soon(ctx)
		if ctx.Err() == nil {
			q.say(d.o.Log, "telling when couriers come", "all", err)
		}
		wait(ctx, lookAhead, nil)
	}
}

// Soon writes down of which deliveries partners are to be told that the courier
// comes, each once.
func (d *Desk) Soon(ctx context.Context) error {
	if d.o.Arrival == nil {
		return nil
	}
	routes, err := d.o.Dispatch.Open(ctx)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r.Status() != "started" {
			continue
		}
		courier, err := d.o.Dispatch.Courier(ctx, r.Courier)
		if err != nil {
			return err
		}
		for _, v := range r.Visits() {
			a, ok := d.o.Arrival(r.ID, v.ID)
			if !ok || v.Kind != "delivery" || v.Status != "planned" || v.Held {
				continue
			}
			for _, name := range d.names() {
				p := d.carriers[name]
				t := p.Tasks
				if t == nil || t.Of == "own" && p.Party != courier.Party || !slices.Contains(t.Triggers, "eta") || a.At-d.now() > t.ETAWithin.Milliseconds() {
					continue
				}
				id := digest("eta", name, r.ID, v.ID, v.Job)
				if _, err := d.Call(ctx, name, id); err == nil {
					continue
				}
				j, err := d.o.Dispatch.Job(ctx, v.Job)
				if err != nil {
					return err
				}
				w := writer{d: d, e: event.Event{}, leg: r, shipments: map[string]string{v.Job: j.Shipment}}
				if err := d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					w.tx = tx
					return w.insert(ctx, Call{Carrier: name, Kind: "eta", Stop: v.ID, Job: v.Job, At: a.At}, v.Job)
				}); err != nil {
					return err
				}
				wake(p.due)
			}
		}
	}
	return nil
}
