package orders

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Filling is units that are put into a package, or taken out of it, at an
// instant.
type Filling struct {
	ID      string // of the statement, at most 56 characters
	Package string
	Units   []string
	At      int64
	Made    int64 // 0 is the hub's clock, or what was said the first time
	Move    bool  // also units that are in another open package
}

// Fill puts units into a package, all or none. A unit that is in another open
// package is refused unless f.Move is set: a unit is in one package at a time.
// So is a unit that was held at f.At and is still, by itself or with the package
// that it is in. What is told of a time before the hold has happened, and is
// taken: what is in a package that travels has to be known.
func (s *Orders) Fill(ctx context.Context, actor, reason string, f Filling) error {
	if err := s.checkFilling(f); err != nil {
		return err
	}
	return s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		return s.fill(ctx, ch, reason, f)
	})
}

// Empty takes units out of a package, all or none; they are nowhere known then.
func (s *Orders) Empty(ctx context.Context, actor, reason string, f Filling) error {
	if err := s.checkFilling(f); err != nil {
		return err
	}
	return s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		if _, err := record.Get(ctx, ch, s.o.Model.packages, fact.Ref{Kind: fact.Package, ID: f.Package}); err != nil {
			return err
		}
		for i, id := range f.Units {
			unit := fact.Ref{Kind: fact.Unit, ID: id}
			in, _, err := s.o.Places.Where(ctx, ch, unit, f.At)
			if err != nil {
				return err
			}
			if in != nil && in.ID != f.Package {
				return record.Refusedf("units.%d %q: is in %s then, not in package %s", i, id, in, f.Package)
			}
			if err := s.place(ctx, ch, reason, f, i, unit, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Orders) checkFilling(f Filling) error {
	if len(f.Units) == 0 || len(f.Units) > MaxUnits {
		return record.Invalidf("units: %d of them; want 1 to %d", len(f.Units), MaxUnits)
	}
	if err := (fact.Ref{Kind: fact.Order, ID: f.ID}).Check(); err != nil || len(f.ID) > 56 {
		return record.Invalidf("id %q: want up to 56 letters, digits and ._:+-", f.ID)
	}
	return s.checkAt(f.At)
}

func (s *Orders) fill(ctx context.Context, ch event.Change, reason string, f Filling) error {
	if len(f.Units) == 0 {
		return nil
	}
	p, err := record.Get(ctx, ch, s.o.Model.packages, fact.Ref{Kind: fact.Package, ID: f.Package})
	if err != nil {
		return err
	}
	switch {
	case f.At < p.At:
		return record.Refusedf("at %d: the package was packed at %d only", f.At, p.At)
	case p.Closed != nil && f.At >= p.Closed.At:
		return record.Refusedf("at %d: the package was closed at %d; reopen it first", f.At, p.Closed.At)
	}
	seen := map[string]bool{}
	for i, id := range f.Units {
		if seen[id] {
			return record.Invalidf("units.%d %q: is named twice", i, id)
		}
		seen[id] = true
		if err := s.mayFill(ctx, ch, f, i, id); err != nil {
			return err
		}
		in := fact.Ref{Kind: fact.Package, ID: f.Package}
		if err := s.place(ctx, ch, reason, f, i, fact.Ref{Kind: fact.Unit, ID: id}, &in); err != nil {
			return err
		}
	}
	return nil
}

// mayFill fails where a unit cannot go into a package.
func (s *Orders) mayFill(ctx context.Context, q store.Querier, f Filling, i int, id string) error {
	ref := fact.Ref{Kind: fact.Unit, ID: id}
	if err := ref.Check(); err != nil {
		return record.Invalidf("units.%d: %w", i, err)
	}
	u, found, err := s.o.Model.units.Get(ctx, q, id)
	if err != nil {
		return err
	}
	if !found {
		return record.Invalidf("units.%d %q: there is no such unit; receive it first", i, id)
	}
	in, since, err := s.o.Places.Where(ctx, q, ref, f.At)
	if err != nil {
		return err
	}
	if in != nil && in.ID == f.Package {
		return nil
	}
	if err := s.released(ctx, q, f, i, ref, in); err != nil {
		return err
	}
	if _, err := s.product(ctx, q, fmt.Sprintf("units.%d.product", i), u.Product); err != nil {
		return err
	}
	if in == nil || f.Move {
		return nil
	}
	other, found, err := s.o.Model.packages.Get(ctx, q, in.ID)
	if err != nil {
		return err
	}
	if found && (other.Closed == nil || f.At < other.Closed.At) {
		return record.Refusedf("units.%d %q: is in package %s since %s; take it out there, or say move", i, id, in.ID, clock(since))
	}
	return nil
}

// released fails where quality holds a unit, or the package that it is in.
func (s *Orders) released(ctx context.Context, q store.Querier, f Filling, i int, unit fact.Ref, in *fact.Ref) error {
	if s.o.Holds == nil {
		return nil
	}
	hold, cause, err := s.o.Holds.Against(ctx, q, unit, f.At)
	if err != nil {
		return err
	}
	if hold != "" {
		return record.Refusedf("units.%d %q: is held (%s); quality has to release hold %s first", i, unit.ID, cause, hold)
	}
	if in == nil || in.Kind != fact.Package {
		return nil
	}
	if hold, cause, err = s.o.Holds.Against(ctx, q, *in, f.At); err != nil {
		return err
	}
	if hold != "" {
		return record.Refusedf("units.%d %q: is held with package %s, which it is in (%s); quality has to release hold %s first", i, unit.ID, in.ID, cause, hold)
	}
	return nil
}

func (s *Orders) place(ctx context.Context, ch event.Change, reason string, f Filling, i int, unit fact.Ref, in *fact.Ref) error {
	_, err := s.o.Places.Attach(ctx, ch, reason, fact.Attached{
		ID: fmt.Sprintf("%s:%d", f.ID, i), Subject: unit, In: in, At: f.At, Via: "event", Made: f.Made})
	if err != nil {
		return fmt.Errorf("units.%d: %w", i, err)
	}
	return nil
}

// Units gives the units that are in a package at an instant.
func (s *Orders) Units(ctx context.Context, pkg string, at int64) ([]Unit, error) {
	return s.unitsIn(ctx, s.o.Store, pkg, at)
}

func (s *Orders) unitsIn(ctx context.Context, q store.Querier, pkg string, at int64) ([]Unit, error) {
	ref := fact.Ref{Kind: fact.Package, ID: pkg}
	if _, err := record.Get(ctx, q, s.o.Model.packages, ref); err != nil {
		return nil, err
	}
	all, err := s.o.Places.Contents(ctx, q, ref, at)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, r := range all {
		if r.Kind != fact.Unit { // a logger
			continue
		}
		u, err := record.Get(ctx, q, s.o.Model.units, r)
		if err != nil {
			return nil, err
		}
		units = append(units, u)
	}
	return units, nil
}
