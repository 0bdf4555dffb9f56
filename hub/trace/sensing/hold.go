package sensing

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/trace/epcis"
)

// hold states a quarantine, and each time that units were let go.
func (k *Keeper) hold(ctx context.Context, ref fact.Ref) (all []statement, err error) {
	var events []event.Event
	for after := int64(0); ; {
		page, err := k.o.Events.Stream(ctx, ref.String(), after, 500)
		if err != nil {
			return nil, err
		}
		if events = append(events, page...); len(page) < 500 {
			break
		}
		after = page[len(page)-1].Version
	}
	var held statement
	for _, e := range events {
		if e.Type != fact.HoldWasPlaced && e.Type != fact.HoldWasLifted {
			continue
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case *fact.HoldPlaced:
			if held, err = k.held(ctx, e.At, v); err != nil {
				return nil, err
			}
			all = append(all, held)
		case *fact.HoldLifted:
			s := held
			s.topic, s.At, s.Step, s.Disposition = fmt.Sprintf("lifted %d", e.Version), e.At, "storing", "in_progress"
			if len(v.Units) > 0 {
				s.Things = units(v.Units)
			}
			if len(s.Things) > 0 {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// held states that things are in quarantine, with what the excursion was that
// is the reason.
func (k *Keeper) held(ctx context.Context, at int64, h *fact.HoldPlaced) (statement, error) {
	s := statement{topic: "held", At: at, Step: "holding", Disposition: "non_sellable_other", Action: epcis.Observe, Things: units(h.Units)}
	pkg := h.Package
	if h.Excursion != "" {
		c, found, err := k.o.Cases.Case(ctx, h.Excursion)
		if err != nil {
			return s, err
		}
		if found {
			e := c.element()
			e.Proof = because(h.Excursion)
			s.Elements = []element{e}
			if pkg == "" {
				pkg = c.Facts.Package
			}
		}
	}
	if pkg == "" {
		return s, nil
	}
	p, err := k.whereabouts(ctx, pkg)
	if err != nil {
		return s, err
	}
	if h.Package != "" {
		s.Things = append([]string{p.ref.String()}, s.Things...)
	}
	s.Place, s.Shipment = p.place(at), p.shipment(at)
	return s, nil
}

// units names units by their ids.
func units(ids []string) (all []string) {
	for _, id := range ids {
		all = append(all, fact.Ref{Kind: fact.Unit, ID: id}.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}
