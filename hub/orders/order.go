package orders

import (
	"context"
	"fmt"
	"reflect"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Bounds of an order.
const (
	MaxLines    = 500
	MaxQuantity = 1_000_000
)

// Place enters an order, or changes one of which nothing was dispatched.
// expected is the revision that it must have, 0 for one that must not be there,
// or record.Any. An order that says the same already is left alone.
func (s *Orders) Place(ctx context.Context, actor, reason string, o fact.OrderPlaced, expected int64) (Order, error) {
	ref := fact.Ref{Kind: fact.Order, ID: o.ID}
	if err := checkOrder(ref, o); err != nil {
		return Order{}, err
	}
	var out Order
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		old, found, err := s.o.Model.orders.Get(ctx, ch, o.ID)
		if err != nil {
			return err
		}
		if found && !old.Cancelled && reflect.DeepEqual(old.OrderPlaced, o) {
			out = old
			return nil
		}
		if err := record.Expect(ref, expected, old.Revision, found); err != nil {
			return err
		}
		if found {
			if err := s.mayChange(ctx, ch, old); err != nil {
				return err
			}
		}
		for i, l := range o.Lines {
			if _, err := s.product(ctx, ch, fmt.Sprintf("lines.%d.product", i), l.Product); err != nil {
				return err
			}
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.OrderWasPlaced, Reason: reason, Data: o}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.orders, ref)
		return err
	})
	return out, err
}

func checkOrder(ref fact.Ref, o fact.OrderPlaced) error {
	if err := ref.Check(); err != nil {
		return record.Invalidf("id: %w", err)
	}
	if o.Patient != "" {
		if err := fact.CheckToken("patient", o.Patient); err != nil {
			return record.Invalid(err)
		}
	}
	if len(o.Lines) == 0 || len(o.Lines) > MaxLines {
		return record.Invalidf("lines: %d of them; want 1 to %d", len(o.Lines), MaxLines)
	}
	seen := map[string]bool{}
	for i, l := range o.Lines {
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			return record.Invalidf("lines.%d.quantity %d: want 1 to %d units", i, l.Quantity, MaxQuantity)
		}
		if seen[l.Product] {
			return record.Invalidf("lines.%d.product %q: is on another line already; add the quantities", i, l.Product)
		}
		seen[l.Product] = true
	}
	if o.Due != 0 {
		return record.Invalid(fact.CheckTime("due", o.Due))
	}
	return nil
}

// mayChange refuses to change an order that is cancelled or under way.
func (s *Orders) mayChange(ctx context.Context, q store.Querier, o Order) error {
	if o.Cancelled {
		return record.Refusedf("id %q: the order is cancelled; place another", o.ID)
	}
	shipments, err := s.shipmentsOf(ctx, q, o.ID)
	if err != nil {
		return err
	}
	for _, h := range shipments {
		switch p := h.Progress(); p.Status {
		case "planned", "packed", "cancelled", "returned", "failed":
		default:
			return record.Refusedf("id %q: shipment %s is %s already", o.ID, h.ID, p.Status)
		}
	}
	return nil
}

// Cancel ends an order of which nothing is under way. An order that is
// cancelled already is left alone.
func (s *Orders) Cancel(ctx context.Context, actor, reason, id string, expected int64) (Order, error) {
	ref := fact.Ref{Kind: fact.Order, ID: id}
	var out Order
	if reason == "" {
		return out, record.Invalidf("reason: say why the order is cancelled")
	}
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		old, err := record.Get(ctx, ch, s.o.Model.orders, ref)
		if err != nil || old.Cancelled {
			out = old
			return err
		}
		if err := record.Expect(ref, expected, old.Revision, true); err != nil {
			return err
		}
		if err := s.mayChange(ctx, ch, old); err != nil {
			return err
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.OrderWasCancelled, Reason: reason, Data: fact.OrderCancelled{ID: id}}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.orders, ref)
		return err
	})
	return out, err
}

// Order gives an order.
func (s *Orders) Order(ctx context.Context, id string) (Order, error) {
	return record.Get(ctx, s.o.Store, s.o.Model.orders, fact.Ref{Kind: fact.Order, ID: id})
}

// Orders lists up to limit orders after an id.
func (s *Orders) Orders(ctx context.Context, after string, limit int) ([]Order, error) {
	return record.Docs(s.o.Model.orders.List(ctx, s.o.Store, after, limit))
}
