package orders

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/proto/gs1"
)

const (
	maxSpent    = 50
	maxDuration = 10 * 366 * 86_400_000 // ms that can have been spent of a budget
)

// lotShape is a batch or lot number: AI 10 of the GS1 General Specifications
// has up to 20 characters of set 82.
var lotShape = regexp.MustCompile(`^[!-~]{1,20}$`)

// UnitID is the id of a serialised unit: its GTIN, a dot and its serial, in
// which a slash is written as %2F.
func UnitID(gtin, serial string) string {
	return gtin + "." + strings.ReplaceAll(serial, "/", "%2F")
}

// Receive makes units known, or changes what is said of them: lot, expiry and
// what was spent, never what they are. All or none. expected is as in Place,
// and holds for each. Their IDs may be left out.
func (s *Orders) Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived, expected int64) ([]Unit, error) {
	if len(units) == 0 || len(units) > 1000 {
		return nil, record.Invalidf("units: %d of them; want 1 to 1000", len(units))
	}
	var out []Unit
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		out = make([]Unit, len(units))
		for i, u := range units {
			var err error
			if out[i], err = s.receive(ctx, ch, reason, u, expected); err != nil {
				return fmt.Errorf("units.%d.%w", i, err)
			}
		}
		return nil
	})
	return out, err
}

func (s *Orders) receive(ctx context.Context, ch event.Change, reason string, u fact.UnitReceived, expected int64) (Unit, error) {
	if err := checkUnit(&u); err != nil {
		return Unit{}, err
	}
	ref := fact.Ref{Kind: fact.Unit, ID: u.ID}
	old, found, err := s.o.Model.units.Get(ctx, ch, u.ID)
	if err != nil || found && equal(old.UnitReceived, u) {
		return old, err
	}
	if err := record.Expect(ref, expected, old.Revision, found); err != nil {
		return Unit{}, fmt.Errorf("id: %w", err)
	}
	if found {
		if old.Product != u.Product {
			return Unit{}, record.Refusedf("product %q: the unit is of product %q, which never changes", u.Product, old.Product)
		}
	} else if err := s.checkProduct(ctx, ch, u); err != nil {
		return Unit{}, err
	}
	if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.UnitWasReceived, Reason: reason, Data: u}); err != nil {
		return Unit{}, err
	}
	return record.Get(ctx, ch, s.o.Model.units, ref)
}

func (s *Orders) checkProduct(ctx context.Context, q store.Querier, u fact.UnitReceived) error {
	p, err := s.product(ctx, q, "product", u.Product)
	if err == nil && p.GTIN != "" && p.GTIN != u.GTIN {
		err = record.Refusedf("gtin %q: product %q has %s; look whether the right code was scanned", u.GTIN, u.Product, p.GTIN)
	}
	return err
}

// checkUnit checks what a unit says by itself, and gives it its id.
func checkUnit(u *fact.UnitReceived) error {
	id := UnitID(u.GTIN, u.Serial)
	if u.ID == "" {
		u.ID = id
	}
	switch {
	case len(u.GTIN) != 14 || !gs1.ValidGTIN(u.GTIN):
		return record.Invalidf("gtin %q: want 14 digits with the right check digit", u.GTIN)
	case u.Serial == "" || len(u.Serial) > 20:
		return record.Invalidf("serial %q: want 1 to 20 characters", u.Serial)
	case u.ID != id:
		return record.Invalidf("id %q: want %q, or leave it out", u.ID, id)
	case !lotShape.MatchString(u.Lot):
		return record.Invalidf("lot %q: want 1 to 20 printable characters without spaces", u.Lot)
	case len(u.Spent) > maxSpent:
		return record.Invalidf("spent: %d entries; at most %d", len(u.Spent), maxSpent)
	}
	if err := (fact.Ref{Kind: fact.Unit, ID: u.ID}).Check(); err != nil {
		return record.Invalidf("serial %q: has characters that no GS1 serial has", u.Serial)
	}
	if err := fact.CheckDate("expiry", u.Expiry); err != nil {
		return record.Invalid(err)
	}
	for i, p := range u.Spent {
		switch {
		case p.Budget == "" || len(p.Budget) > 64:
			return record.Invalidf("spent.%d.budget %q: want the name of a stability budget", i, p.Budget)
		case p.Duration < 0 || p.Duration > maxDuration:
			return record.Invalidf("spent.%d.ms %d: want 0 ms to ten years", i, p.Duration)
		case p.Source == "":
			return record.Invalidf("spent.%d.source: say who says so, by which document", i)
		}
		if err := fact.CheckNote(fmt.Sprintf("spent.%d.source", i), p.Source); err != nil {
			return record.Invalid(err)
		}
	}
	return nil
}

// Unit gives a unit.
func (s *Orders) Unit(ctx context.Context, id string) (Unit, error) {
	return record.Get(ctx, s.o.Store, s.o.Model.units, fact.Ref{Kind: fact.Unit, ID: id})
}

// UnitsOf lists up to limit units after an id: of a product, or of one lot of
// it, or all where product is "".
func (s *Orders) UnitsOf(ctx context.Context, product, lot, after string, limit int) ([]Unit, error) {
	switch {
	case product == "":
		return record.Docs(s.o.Model.units.List(ctx, s.o.Store, after, limit))
	case lot == "":
		return record.Docs(s.o.Model.units.Find(ctx, s.o.Store, "product", product, after, limit))
	}
	return record.Docs(s.o.Model.units.Find(ctx, s.o.Store, "lot", product+" "+lot, after, limit))
}
