package report

import (
	"context"

	"frostline/hub/dossier"
)

// Evidence is the bundle that a report can be checked by.
type Evidence struct {
	SHA256 string // of the bundle's bytes, hex; empty: there is no bundle
	// Moving says that the bundle changed while the report was put together, as it
	// does while readings of the shipment arrive: this one may end earlier.
	Moving bool
	// Unsigned is how many blocks in the bundle await the signature of their
	// gateways: once they are signed, the bundle is another.
	Unsigned uint64
}

// Dossiers tell what happened; *dossier.Builder does.
type Dossiers interface {
	Shipment(ctx context.Context, id string) (*dossier.Shipment, error)
	Case(ctx context.Context, id string) (dossier.Case, dossier.Package, error)
}

// Desk makes reports of what is known now. Its methods may be called from any
// goroutine.
type Desk struct {
	Dossiers Dossiers
	// Bundle makes the evidence bundle of a shipment and gives its SHA-256 and the
	// number of blocks that are not signed.
	Bundle func(ctx context.Context, shipment string) (Evidence, error)
	// Delivered gives the proof of delivery of a shipment, "" where there is none,
	// and when it was delivered, Unix ms, 0 where it was not. nil: no receipts.
	Delivered func(ctx context.Context, shipment string) (proof string, at int64, err error)
}

// Shipment reports on a shipment, as PDF.
func (d *Desk) Shipment(ctx context.Context, id string) ([]byte, error) {
	var s *dossier.Shipment
	e, err := d.steady(ctx, id, func() (err error) {
		s, err = d.Dossiers.Shipment(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return Shipment(s, e)
}

// Case reports on an excursion, as PDF.
func (d *Desk) Case(ctx context.Context, id string) ([]byte, error) {
	c, p, err := d.Dossiers.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Shipment == "" {
		return Case(&dossier.Shipment{}, &p, &c, Evidence{})
	}
	var s *dossier.Shipment
	e, err := d.steady(ctx, p.Shipment, func() (err error) {
		if s, err = d.Dossiers.Shipment(ctx, p.Shipment); err == nil {
			c, p, err = d.Dossiers.Case(ctx, id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return Case(s, &p, &c, e)
}

// steady reads between two bundles and gives the second. That they are the same
// shows that what was read is what is in them.
func (d *Desk) steady(ctx context.Context, shipment string, read func() error) (Evidence, error) {
	before, err := d.Bundle(ctx, shipment)
	if err != nil {
		return Evidence{}, err
	}
	const tries = 2
	for i := 1; ; i++ {
		if err := read(); err != nil {
			return Evidence{}, err
		}
		after, err := d.Bundle(ctx, shipment)
		if err != nil {
			return Evidence{}, err
		}
		if after == before || i == tries {
			before.Moving = after != before
			return before, nil
		}
		before = after
	}
}
