package main

import (
	"context"
	"errors"

	"frostline/hub/catalog"
	"frostline/hub/custody"
	"frostline/hub/dispatch/proof"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// openProofs makes what takes proofs of delivery.
func (h *hub) openProofs(m *catalog.Model) (err error) {
	c := &h.contexts
	c.proofs, err = proof.New(proof.Options{
		Events: c.events, Dispatch: c.dispatch, HandOver: c.handOver, Packages: c.aboard, Patient: c.patient, Log: h.log.With("part", "proofs"),
		Inside: func(ctx context.Context, unit string, at int64) (string, error) {
			in, _, err := c.custody.Where(ctx, h.store, fact.Ref{Kind: fact.Unit, ID: unit}, at)
			if err != nil || in == nil || in.Kind != fact.Package {
				return "", err
			}
			return in.ID, nil
		},
		Known: func(ctx context.Context, party string) (bool, error) {
			_, _, found, err := m.Lookup(ctx, h.store, fact.Ref{Kind: fact.Party, ID: party})
			return found, err
		},
	})
	return err
}

// handOver tells custody of a hand-over.
func (c *contexts) handOver(ctx context.Context, actor, reason string, h fact.HandedOver) ([]string, error) {
	out, err := c.custody.Take(ctx, actor, reason, []custody.Scan{{HandedOver: &h}}, false)
	if err != nil {
		return nil, err
	}
	return out[0].Flags, nil
}

// aboard gives what is in a shipment at an instant.
func (c *contexts) aboard(ctx context.Context, shipment string, at int64) (ids []string, err error) {
	const page = 500
	for after := ""; ; {
		ever, err := c.orders.Packages(ctx, shipment, "", after, page)
		if err != nil {
			return nil, err
		}
		for _, p := range ever {
			after = p.ID
			if p.ShipmentAt(at) == shipment && (p.Closed == nil || p.Closed.At > at) {
				ids = append(ids, p.ID)
			}
		}
		if len(ever) < page {
			return ids, nil
		}
	}
}

// patient gives the token of the patient whom a shipment is for.
func (c *contexts) patient(ctx context.Context, shipment string) (string, error) {
	s, err := c.orders.Shipment(ctx, shipment)
	if err != nil || s.Order == "" {
		return "", err
	}
	o, err := c.orders.Order(ctx, s.Order)
	return o.Patient, err
}

// delivered tells when a shipment was delivered, by its proof or else by what
// was reported of it.
func (c *contexts) delivered(ctx context.Context, shipment string) (id string, at int64, err error) {
	all, err := c.proofs.Proofs(ctx, shipment)
	if err != nil && !errors.Is(err, record.ErrNotFound) {
		return "", 0, err
	}
	if len(all) > 0 {
		last := all[len(all)-1]
		return last.ID, last.At, nil
	}
	s, err := c.orders.Shipment(ctx, shipment)
	if err != nil {
		return "", 0, err
	}
	if p := s.Progress(); p.Status == "delivered" {
		at = p.Since
	}
	return "", at, nil
}
