package orders

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

const (
	maxShipments = 500  // of an order
	maxReports   = 2000 // of a shipment
)

// Plan enters a shipment, or changes one that has not ended. expected is as in
// Place.
func (s *Orders) Plan(ctx context.Context, actor, reason string, p fact.ShipmentPlanned, expected int64) (Shipment, error) {
	ref := fact.Ref{Kind: fact.Shipment, ID: p.ID}
	if err := ref.Check(); err != nil {
		return Shipment{}, record.Invalidf("id: %w", err)
	}
	if p.ETA != 0 {
		if err := fact.CheckTime("eta", p.ETA); err != nil {
			return Shipment{}, record.Invalid(err)
		}
	}
	var out Shipment
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		old, found, err := s.o.Model.shipments.Get(ctx, ch, p.ID)
		if err != nil {
			return err
		}
		if found && old.ShipmentPlanned == p {
			out = old
			return nil
		}
		if err := record.Expect(ref, expected, old.Revision, found); err != nil {
			return err
		}
		if now := old.Progress().Status; found && fact.Ended(now) {
			return record.Refusedf("id %q: the shipment is %s; plan another", p.ID, now)
		}
		if err := s.checkPlan(ctx, ch, p, old.Order); err != nil {
			return err
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.ShipmentWasPlanned, Reason: reason, Data: p}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.shipments, ref)
		return err
	})
	return out, err
}

func (s *Orders) checkPlan(ctx context.Context, q store.Querier, p fact.ShipmentPlanned, before string) error {
	for _, r := range []struct {
		field string
		ref   fact.Ref
	}{
		{"from", fact.Ref{Kind: fact.Site, ID: p.From}}, {"to", fact.Ref{Kind: fact.Site, ID: p.To}}, {"carrier", fact.Ref{Kind: fact.Party, ID: p.Carrier}},
	} {
		if r.ref.ID == "" {
			continue
		}
		if _, err := s.record(ctx, q, r.field, r.ref); err != nil {
			return err
		}
	}
	if p.Order == "" || p.Order == before {
		return nil
	}
	o, found, err := s.o.Model.orders.Get(ctx, q, p.Order)
	switch {
	case err != nil:
		return err
	case !found:
		return record.Invalidf("order %q: there is no such order; place it first", p.Order)
	case o.Cancelled:
		return record.Refusedf("order %q: is cancelled", p.Order)
	}
	all, err := s.shipmentsOf(ctx, q, p.Order)
	if err == nil && len(all) >= maxShipments {
		err = record.Refusedf("order %q: has %d shipments, the most there can be", p.Order, len(all))
	}
	return err
}

// Report takes what a carrier or custodian says of a shipment. A report with an
// id that is known has no effect when it says the same, and is refused when it
// says something else. A Made of 0 is the hub's clock.
func (s *Orders) Report(ctx context.Context, actor, reason string, r fact.ShipmentReported) (Shipment, error) {
	if err := s.checkReport(r); err != nil {
		return Shipment{}, err
	}
	return s.report(ctx, actor, reason, r, nil)
}

// CancelShipment ends a shipment that is not under way and in which there is no
// package.
func (s *Orders) CancelShipment(ctx context.Context, actor, reason, id string, expected int64) (Shipment, error) {
	if reason == "" {
		return Shipment{}, record.Invalidf("reason: say why the shipment is cancelled")
	}
	now := s.now()
	r := fact.ShipmentReported{ID: "cancelled:" + id, Shipment: id, Status: "cancelled", At: now, Made: now, Source: actor}
	return s.report(ctx, actor, reason, r, func(ctx context.Context, ch event.Change, old Shipment) (bool, error) {
		p := old.Progress()
		switch p.Status {
		case "cancelled":
			return false, nil
		case "planned", "packed":
		default:
			return false, record.Refusedf("id %q: the shipment is %s already", id, p.Status)
		}
		if err := record.Expect(fact.Ref{Kind: fact.Shipment, ID: id}, expected, old.Revision, true); err != nil {
			return false, err
		}
		packages, err := s.packagesOf(ctx, ch, id, now)
		if err == nil && len(packages) > 0 {
			err = record.Refusedf("id %q: package %s is in it; take it out first", id, packages[0].ID)
		}
		return true, err
	})
}

func (s *Orders) checkReport(r fact.ShipmentReported) error {
	known := false
	for _, w := range fact.Statuses[1:] {
		known = known || w == r.Status && w != "cancelled"
	}
	switch {
	case !known:
		return record.Invalidf("status %q: want one of %v", r.Status, fact.Statuses[1:len(fact.Statuses)-1])
	case r.Source == "" || len(r.Source) > event.MaxActor:
		return record.Invalidf("source: %d bytes; want 1 to %d", len(r.Source), event.MaxActor)
	}
	if err := (fact.Ref{Kind: fact.Order, ID: r.ID}).Check(); err != nil {
		return record.Invalidf("id %q: want up to 64 letters, digits and ._:+-", r.ID)
	}
	if err := s.checkAt(r.At); err != nil {
		return err
	}
	if r.Made != 0 {
		if err := fact.CheckTime("made", r.Made); err != nil {
			return record.Invalid(err)
		}
		if r.Made > s.now()+s.o.Skew.Milliseconds() {
			return record.Invalidf("made %d: is ahead of the hub's clock; look at the clock it was taken from", r.Made)
		}
	}
	if r.ETA != 0 {
		if err := fact.CheckTime("eta", r.ETA); err != nil {
			return record.Invalid(err)
		}
	}
	if r.Position != nil {
		if err := r.Position.Check(); err != nil {
			return record.Invalid(err)
		}
	}
	return record.Invalid(fact.CheckNote("note", r.Note))
}

// report appends a report after check, which may say that there is nothing to
// do.
func (s *Orders) report(ctx context.Context, actor, reason string, r fact.ShipmentReported, check func(context.Context, event.Change, Shipment) (bool, error)) (Shipment, error) {
	ref := fact.Ref{Kind: fact.Shipment, ID: r.Shipment}
	var out Shipment
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		if out, err = record.Get(ctx, ch, s.o.Model.shipments, ref); err != nil {
			return err
		}
		if atHome := r.Status == "arrived" || r.Status == "delivered" || r.Status == "failed"; atHome && out.To == "" {
			r.Position = nil // where somebody lives is in no event
		}
		known, err := s.o.Model.shipments.Find(ctx, ch, "report", r.ID, "", 1)
		if err != nil {
			return err
		}
		if len(known) > 0 && check == nil {
			return sameReport(known[0].Doc, r)
		}
		if check != nil {
			if more, err := check(ctx, ch, out); err != nil || !more {
				return err
			}
		}
		if len(out.Reports) >= maxReports {
			return record.Refusedf("shipmentId %q: has %d reports, the most there can be", r.Shipment, len(out.Reports))
		}
		if r.Made == 0 {
			r.Made = s.now()
		}
		if _, err := ch.Append(ctx, event.New{ID: "report:" + r.ID, Stream: ref.String(), Expect: -1, Type: fact.ShipmentWasReported, Reason: reason, Data: r}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.shipments, ref)
		return err
	})
	return out, err
}

// sameReport fails where a report that is known says something else.
func sameReport(in Shipment, r fact.ShipmentReported) error {
	for _, old := range in.Reports {
		if old.ID != r.ID {
			continue
		}
		if r.Made == 0 {
			r.Made = old.Made
		}
		if equal(old, r) {
			return nil
		}
	}
	return fmt.Errorf("id %q: a report of shipment %s is %w; give each report an id of its own", r.ID, in.ID, record.ErrExists)
}

// Shipment gives a shipment.
func (s *Orders) Shipment(ctx context.Context, id string) (Shipment, error) {
	return record.Get(ctx, s.o.Store, s.o.Model.shipments, fact.Ref{Kind: fact.Shipment, ID: id})
}

// Shipments lists up to limit shipments after an id, of one order or, where
// order is "", of all.
func (s *Orders) Shipments(ctx context.Context, order, after string, limit int) ([]Shipment, error) {
	if order == "" {
		return record.Docs(s.o.Model.shipments.List(ctx, s.o.Store, after, limit))
	}
	return record.Docs(s.o.Model.shipments.Find(ctx, s.o.Store, "order", order, after, limit))
}

func (s *Orders) shipmentsOf(ctx context.Context, q store.Querier, order string) ([]Shipment, error) {
	return record.Docs(s.o.Model.shipments.Find(ctx, q, "order", order, "", maxShipments))
}
