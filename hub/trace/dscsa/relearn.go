package dscsa

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa/statement"
)

const (
	keyUnsold  = "unsold" // finds documents with units of a GTIN that the catalog does not have
	keyUnits   = "units"
	unitsAside = "aside"
)

// unsold are the GTINs of units that were set aside for want of a product.
func (s *TradeStatement) unsold() (out []string) {
	for _, a := range s.Aside {
		if a.Why == AsideNoProduct && !slices.Contains(out, a.GTIN) {
			out = append(out, a.GTIN)
		}
	}
	return out
}

// enters has the units become known that wait for what an event brings: a
// product in the catalog, or a document whose product was entered while it was
// being taken in.
func (d *Desk) enters(ctx context.Context, e event.Event) error {
	switch v, err := fact.Decode(e.Type, e.Data); v := v.(type) {
	case *fact.ProductRecord:
		if v.GTIN == "" {
			return nil
		}
		return d.relearnAll(ctx, keyUnsold, strings.Repeat("0", max(0, 14-len(v.GTIN)))+v.GTIN)
	case *fact.StatementReceived:
		return d.relearn(ctx, v.ID)
	default:
		return err
	}
}

// SetAside lists up to limit documents after an id with units that were set
// aside, and still are.
func (d *Desk) SetAside(ctx context.Context, after string, limit int) ([]TradeStatement, error) {
	return record.Docs(d.o.Model.statements.Find(ctx, d.o.Store, keyUnits, unitsAside, after, limit))
}

// relearnAll looks again at the documents that a key finds.
func (d *Desk) relearnAll(ctx context.Context, key, value string) error {
	for after := ""; ; {
		found, err := d.o.Model.statements.Find(ctx, d.o.Store, key, value, after, atOnce)
		if err != nil {
			return err
		}
		for _, s := range found {
			after = s.ID
			if err := d.relearn(ctx, s.ID); err != nil {
				return err
			}
		}
		if len(found) < atOnce {
			return nil
		}
	}
}

// relearn makes those units of a document known that were set aside because the
// catalog had no product of theirs, as far as it has one now. Units become known
// first, and the document says so afterwards: killed in between, it does both
// again, and the first has no effect. What the document then says follows from
// the units alone, not from how often this was begun.
func (d *Desk) relearn(ctx context.Context, id string) error {
	s, found, err := d.o.Model.statements.Get(ctx, d.o.Store, id)
	if err != nil || !found {
		return err
	}
	var ready []string
	for _, gtin := range s.unsold() {
		_, found, err := d.o.Products.ByGTIN(ctx, gtin)
		if err != nil {
			return fmt.Errorf("look for the product of GTIN %s: %w", gtin, err)
		}
		if found {
			ready = append(ready, gtin)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	units, err := unitsOf(ctx, d.o.Store, id)
	if err != nil {
		return err
	}
	units = slices.DeleteFunc(units, func(u statement.Unit) bool { return !slices.Contains(ready, u.GTIN) })
	var now fact.StatementReceived
	if err := d.learn(ctx, actor, "by document "+id+", since the catalog has the product", id, units, &now); err != nil {
		return fmt.Errorf("document %s: %w", id, err)
	}
	got := fact.StatementLearned{ID: id, Aside: now.Aside}
	for _, a := range s.Aside {
		if slices.Contains(ready, a.GTIN) {
			got.Learned += a.Count
		} else {
			got.Aside = append(got.Aside, a)
		}
	}
	for _, a := range now.Aside {
		got.Learned -= a.Count
	}
	sortAside(got.Aside)
	if reflect.DeepEqual(got.Aside, s.Aside) {
		return nil
	}
	ref := fact.Ref{Kind: fact.Statement, ID: id}
	_, err = d.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		current, _, err := d.o.Model.statements.Get(ctx, ch, id)
		if err != nil || current.Revision != s.Revision { // somebody has looked since, and said so
			return err
		}
		_, err = ch.Append(ctx, event.New{ID: fmt.Sprintf("learned:%s:%d", id, s.Revision), Stream: ref.String(), Expect: -1, Type: fact.StatementWasLearned, Data: got})
		return err
	})
	if err == nil && got.Learned > 0 {
		d.o.Logger.Info("units that were set aside are known now", "document", id, "units", got.Learned, "aside", len(got.Aside))
	}
	return err
}
