package dispatch

import (
	"context"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Define enters a courier, or changes one. expected is its revision, 0 for one
// that is new, or record.Any. What says the same already is left alone.
func (d *Dispatch) Define(ctx context.Context, actor, reason string, c fact.CourierDefined, expected int64) (Courier, error) {
	var out Courier
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		out, err = d.define(ctx, ch, reason, c, expected)
		return err
	})
	return out, err
}

// define is Define within a command.
func (d *Dispatch) define(ctx context.Context, ch event.Change, reason string, c fact.CourierDefined, expected int64) (Courier, error) {
	ref := fact.Ref{Kind: fact.Courier, ID: c.ID}
	if err := ref.Check(); err != nil {
		return Courier{}, record.Invalidf("id: %w", err)
	}
	if err := c.Check(); err != nil {
		return Courier{}, record.Invalid(err)
	}
	if c.Party == "" {
		return Courier{}, record.Invalidf("party: say who has custody of what the courier carries")
	}
	old, found, err := d.o.Model.couriers.Get(ctx, ch, c.ID)
	if err != nil || found && old.CourierDefined == c {
		return old, err
	}
	if err := record.Expect(ref, expected, old.Revision, found); err != nil {
		return Courier{}, err
	}
	if err := d.usable(ctx, ch, "party", fact.Ref{Kind: fact.Party, ID: c.Party}); err != nil {
		return Courier{}, err
	}
	if err := d.usable(ctx, ch, "vehicle", fact.Ref{Kind: fact.Vehicle, ID: c.Vehicle}); err != nil {
		return Courier{}, err
	}
	if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.CourierWasDefined, Reason: reason, Data: c}); err != nil {
		return Courier{}, err
	}
	return record.Get(ctx, ch, d.o.Model.couriers, ref)
}

// Courier gives a courier.
func (d *Dispatch) Courier(ctx context.Context, id string) (Courier, error) {
	return record.Get(ctx, d.o.Store, d.o.Model.couriers, fact.Ref{Kind: fact.Courier, ID: id})
}

// Couriers lists up to limit couriers after an id.
func (d *Dispatch) Couriers(ctx context.Context, after string, limit int) ([]Courier, error) {
	return record.Docs(d.o.Model.couriers.List(ctx, d.o.Store, after, limit))
}

// Driving gives the couriers that a vehicle belongs to.
func (d *Dispatch) Driving(ctx context.Context, vehicle string) ([]Courier, error) {
	return record.Docs(d.o.Model.couriers.Find(ctx, d.o.Store, "vehicle", vehicle, "", 100))
}
