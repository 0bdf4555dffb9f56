package dscsa

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// follow proposes suspect status for units that quality assurance has rejected
// after an excursion: a person decides whether they are. It also has units become
// known that were set aside, once the catalog has their product.
func (d *Desk) follow(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		switch e.Type {
		case fact.ProductDefined, fact.StatementWasReceived:
			if err := d.enters(ctx, e); err != nil {
				return err
			}
			continue
		case fact.ExcursionWasClosed:
		default:
			continue
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return err
		}
		step, ok := v.(*fact.ExcursionStep)
		if !ok || step.Outcome == "retracted" {
			continue
		}
		p, err := d.proposal(ctx, e, step.ID)
		if err != nil {
			return err
		}
		if p.ID == "" {
			continue
		}
		_, err = d.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
			known, err := d.o.Model.suspicions.Find(ctx, ch, "excursion", step.ID, "", 100)
			if err != nil {
				return err
			}
			for _, k := range known {
				if slices.Equal(k.Doc.Units, p.Units) && k.Doc.Package == p.Package {
					return nil // closed once more with the same decision
				}
			}
			ref := fact.Ref{Kind: fact.Suspect, ID: p.ID}
			_, err = ch.Append(ctx, event.New{ID: "proposed:" + ref.String(), Stream: ref.String(), Expect: -1, Type: fact.SuspectWasProposed, Data: p})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const streamAtOnce = 500

// proposal is what follows from the disposition that was in force when the
// excursion was closed; its ID is "" where nothing was rejected.
func (d *Desk) proposal(ctx context.Context, closed event.Event, excursion string) (p fact.SuspectProposed, err error) {
	var last []fact.Disposition
	for after := int64(0); after < closed.Version; {
		events, err := d.o.Log.Stream(ctx, closed.Stream, after, streamAtOnce)
		if err != nil {
			return p, err
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			if after = e.Version; e.Version >= closed.Version || e.Type != fact.ExcursionWasProposed {
				continue
			}
			v, err := fact.Decode(e.Type, e.Data)
			if err != nil {
				return p, err
			}
			if proposed, ok := v.(*fact.ExcursionProposed); ok {
				last = proposed.Dispositions
			}
		}
	}
	for _, x := range last {
		if x.Decision != "reject" {
			continue
		}
		if x.Unit != "" && len(p.Units) < fact.MaxAffected {
			p.Units = append(p.Units, x.Unit)
		}
		if x.Package != "" {
			p.Package = x.Package
		}
	}
	if len(p.Units) == 0 && p.Package == "" {
		return p, nil
	}
	slices.Sort(p.Units)
	p.ID, p.Excursion = fmt.Sprintf("T%d", closed.Position), excursion
	p.Cause = "rejected after excursion " + excursion + ": its temperature may have made it unfit for distribution"
	return p, nil
}
