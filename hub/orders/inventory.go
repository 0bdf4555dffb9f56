package orders

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// MaxChange bounds an adjustment, and MaxLevel the stock, in units.
const (
	MaxChange = 1_000_000_000
	MaxLevel  = 1_000_000_000_000
)

// Adjust changes the stock of a product at a site. The same adjustment again
// has no effect and gives what it gave the first time; another one with the
// same id is refused. A stock never becomes negative unless a.Below is set, and
// then the reason is in the trail.
func (s *Orders) Adjust(ctx context.Context, actor string, a fact.InventoryAdjusted) (Adjustment, error) {
	if err := checkAdjustment(a); err != nil {
		return Adjustment{}, err
	}
	var out Adjustment
	err := s.command(ctx, actor, a.Reason, func(ctx context.Context, ch event.Change) error {
		old, found, err := s.o.Model.adjustments.Get(ctx, ch, a.ID)
		if err != nil {
			return err
		}
		if found {
			if old.InventoryAdjusted != a {
				return fmt.Errorf("id %q: an adjustment of %s is %w; give each adjustment an id of its own", a.ID, old.Product, record.ErrExists)
			}
			out = old
			return nil
		}
		if err := s.stocked(ctx, ch, a.Product); err != nil {
			return err
		}
		if _, err := s.product(ctx, ch, "drugId", a.Product); err != nil {
			return err
		}
		if _, err := s.record(ctx, ch, "site", fact.Ref{Kind: fact.Site, ID: a.Site}); err != nil {
			return err
		}
		stock, _, err := s.o.Model.stock.Get(ctx, ch, stockID(a.Product, a.Site, a.Lot))
		if err != nil {
			return err
		}
		level := stock.Level + a.Change
		switch {
		case level < 0 && a.Change < 0 && !a.Below:
			return record.Refusedf("change %d: there are %d units of %s at %s; look what is missing, or say below and why", a.Change, stock.Level, a.Product, a.Site)
		case level > MaxLevel || level < -MaxLevel:
			return record.Refusedf("change %d: the stock would be %d units; want at most %d", a.Change, level, int64(MaxLevel))
		}
		stream := fact.Ref{Kind: fact.Product, ID: a.Product}.String()
		if _, err := ch.Append(ctx, event.New{ID: "adjusted:" + a.ID, Stream: stream, Expect: -1, Type: fact.InventoryWasAdjusted, Reason: a.Reason, Data: a}); err != nil {
			return err
		}
		out, _, err = s.o.Model.adjustments.Get(ctx, ch, a.ID)
		return err
	})
	return out, err
}

func checkAdjustment(a fact.InventoryAdjusted) error {
	if err := (fact.Ref{Kind: fact.Order, ID: a.ID}).Check(); err != nil {
		return record.Invalidf("id %q: want up to 64 letters, digits and ._:+-", a.ID)
	}
	switch {
	case a.Change == 0 || a.Change > MaxChange || a.Change < -MaxChange:
		return record.Invalidf("change %d: want a number of units either way, not 0, at most %d", a.Change, MaxChange)
	case a.Lot != "" && !lotShape.MatchString(a.Lot):
		return record.Invalidf("lot %q: want 1 to 20 printable characters without spaces", a.Lot)
	case a.Reason == "":
		return record.Invalidf("reason: say why the stock is adjusted")
	}
	return record.Invalid(fact.CheckNote("reason", a.Reason))
}

// Stocks lists up to limit stocks of a product after one, as StockKey gives it.
func (s *Orders) Stocks(ctx context.Context, product, after string, limit int) ([]Stock, error) {
	if err := s.stocked(ctx, s.o.Store, product); err != nil {
		return nil, err
	}
	return record.Docs(s.o.Model.stock.Find(ctx, s.o.Store, "product", product, after, limit))
}

// stocked refuses what is no product; one that is retired still is.
func (s *Orders) stocked(ctx context.Context, q store.Querier, product string) error {
	ref := fact.Ref{Kind: fact.Product, ID: product}
	if err := ref.Check(); err != nil {
		return record.Invalidf("drugId: %w", err)
	}
	_, _, found, err := s.o.Catalog.Lookup(ctx, q, ref)
	if err == nil && !found {
		err = fmt.Errorf("product %q: %w", product, record.ErrNotFound)
	}
	return err
}

// StockKey is what a list of stocks goes on after.
func StockKey(s Stock) string { return stockID(s.Product, s.Site, s.Lot) }
