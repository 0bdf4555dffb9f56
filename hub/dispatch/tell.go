package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// consumer is dispatch's name among the consumers of events.
const consumer = "dispatch"

// Follow tells shipments what became of them on their routes, until ctx ends;
// it then returns nil: a route that has started carries its shipments, and what
// is completed at a delivery is delivered. A shipment is told once, whatever
// happens in between.
func (d *Dispatch) Follow(ctx context.Context, events Consumer, tell Tell) error {
	return events.Consume(ctx, consumer, func(ctx context.Context, all []event.Event) error {
		for _, e := range all {
			if err := d.pass(ctx, e, tell); err != nil {
				return fmt.Errorf("event %d, %s: %w", e.Position, e.Type, err)
			}
		}
		return nil
	})
}

// Consumer hands on events, each at least once; *event.Log has it.
type Consumer interface {
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Tell reports what a shipment has come to; a report whose id is known has no
// effect. Its error wraps record.ErrRefused or record.ErrInvalid where another
// attempt would fare no better.
type Tell func(ctx context.Context, actor, reason string, r fact.ShipmentReported) error

func (d *Dispatch) pass(ctx context.Context, e event.Event, tell Tell) error {
	v, err := record.Data(e, fact.RouteWasReported, fact.StopWasReported)
	if err != nil {
		return err
	}
	switch r := v.(type) {
	case *fact.RouteReported:
		if r.Status != "started" {
			return nil
		}
		route, err := d.Leg(ctx, r.Route)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, s := range route.Stops {
			if s.Kind != "delivery" || seen[s.Job] {
				continue
			}
			seen[s.Job] = true
			if err := d.tell(ctx, tell, s.Job, fact.ShipmentReported{ID: digest("route", r.ID, s.Job), Status: "in_transit", At: r.At, Made: r.Made, Source: r.Source}); err != nil {
				return err
			}
		}
	case *fact.StopReported:
		if r.Withdraws != "" {
			return nil // what a shipment was told stays in its trail
		}
		route, err := d.Leg(ctx, r.Route)
		if err != nil {
			return err
		}
		for _, s := range route.Stops {
			status := came(s.Kind, r.Status)
			if s.ID != r.Stop || status == "" {
				continue
			}
			return d.tell(ctx, tell, s.Job, fact.ShipmentReported{ID: digest("stop", r.ID, s.Job), Status: status, At: r.At, Made: r.Made, Source: r.Source, Position: r.Position})
		}
	}
	return nil
}

// digest makes an id of others that may be as long as an id can be.
func digest(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return parts[0] + "-" + hex.EncodeToString(sum[:16])
}

// came is what a shipment has come to by what happened at its stop; "" for
// nothing.
func came(kind, status string) string {
	return map[string]string{
		"delivery arrived": "arrived", "delivery completed": "delivered", "delivery failed": "failed",
		"pickup completed": "dispatched", "return completed": "returned",
	}[kind+" "+status]
}

// tell reports to a job's shipment. A shipment that may not be told any more is
// left as it is, and that is logged: its own trail says why.
func (d *Dispatch) tell(ctx context.Context, tell Tell, job string, r fact.ShipmentReported) error {
	j, err := d.Job(ctx, job)
	if err != nil {
		return err
	}
	r.Shipment = j.Shipment
	err = tell(ctx, "dispatch", "", r)
	if errors.Is(err, record.ErrRefused) || errors.Is(err, record.ErrInvalid) {
		d.o.Logger.Warn("a shipment was not told what became of it", "shipment", r.Shipment, "status", r.Status, "error", err)
		return nil
	}
	return err
}
