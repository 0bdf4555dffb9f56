package custody

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// AttachAll is Attach of many statements in few queries, as an import of
// sensors makes them, and says how many were not there already. An error makes
// the whole command fail.
func (c *Custody) AttachAll(ctx context.Context, ch event.Change, reason string, all []fact.Attached) (stated int, err error) {
	simple, others, err := c.sort(ctx, ch, all)
	if err != nil {
		return 0, err
	}
	if err := c.fit(ctx, ch, simple); err != nil {
		return 0, err
	}
	news := make([]event.New, len(simple))
	for i, a := range simple {
		news[i] = statement(reason, a)
	}
	if _, err := ch.AppendAll(ctx, news); err != nil {
		return 0, err
	}
	stated = len(simple)
	for _, a := range others {
		is, err := c.Attach(ctx, ch, reason, a)
		if err != nil {
			return 0, fmt.Errorf("statement %s: %w", a.ID, err)
		}
		if is {
			stated++
		}
	}
	return stated, nil
}

// sort tells first statements about things of the catalog from those that have
// to be looked at one by one.
func (c *Custody) sort(ctx context.Context, ch event.Change, all []fact.Attached) (simple, others []fact.Attached, err error) {
	ids := make([]string, len(all))
	for i, a := range all {
		ids[i] = a.ID
	}
	taken, err := c.o.Model.places.Having(ctx, ch, keyID, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range all {
		if a.Made == 0 || a.Corrects != "" || a.Withdrawn || a.In == nil || taken[a.ID] || !ofCatalog(a.Subject) || !ofCatalog(*a.In) {
			others = append(others, a)
			continue
		}
		taken[a.ID] = true
		simple = append(simple, a)
	}
	return simple, others, nil
}

func ofCatalog(r fact.Ref) bool {
	switch r.Kind {
	case fact.Order, fact.Shipment, fact.Package, fact.Unit:
		return false
	}
	return true
}

// fit checks what Attach checks of each.
func (c *Custody) fit(ctx context.Context, ch event.Change, all []fact.Attached) error {
	var refs []fact.Ref
	var days []string
	for i := range all {
		a := &all[i]
		if err := a.Check(); err != nil {
			return fmt.Errorf("statement %s: %w", a.ID, invalid{err})
		}
		if err := c.checkTimes(a.At, a.Made); err != nil {
			return fmt.Errorf("statement %s: %w", a.ID, err)
		}
		refs = append(refs, a.Subject, *a.In)
		days = append(days, a.Subject.String()+" "+dayOf(a.At))
	}
	present, err := c.o.Catalog.Present(ctx, ch, refs)
	if err != nil {
		return fmt.Errorf("look up what statements are about: %w", err)
	}
	docs, err := c.o.Model.places.GetAll(ctx, ch, days)
	if err != nil {
		return err
	}
	held := map[string]int{}
	for i := range all {
		a, day := &all[i], days[i]
		switch {
		case !present[a.Subject]:
			return fmt.Errorf("statement %s: %w", a.ID, &Unknown{"subject", a.Subject.String()})
		case !present[*a.In]:
			return fmt.Errorf("statement %s: %w", a.ID, &Unknown{"in", a.In.String()})
		}
		if held[day]++; len(docs[day].Statements)+held[day] > maxDay {
			return full(*a)
		}
	}
	return nil
}
