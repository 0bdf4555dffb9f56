package orders

import (
	"context"
	"crypto/sha256"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

const (
	maxAssigned = 200  // of a package
	maxPackages = 5000 // of a shipment
	// MaxUnits bounds the units of one Pack or Fill.
	MaxUnits = 500
)

// Packing is a package that is packed.
type Packing struct {
	fact.PackagePacked          // a Made of 0 is the hub's clock
	Units              []string // that are in it from At on
	Move               bool     // also those that are in another open package
	In                 *fact.Ref
}

// Pack begins the watch over a package, with units in it and in a place, all or
// nothing. A package that is known is changed only by its revision, and left
// alone where it says the same. expected is as in Place.
func (s *Orders) Pack(ctx context.Context, actor, reason string, p Packing, expected int64) (Package, error) {
	var out Package
	id, err := fact.PackageID(p.ID)
	if err != nil {
		return out, record.Invalid(err)
	}
	p.ID = id
	if err := s.checkAt(p.At); err != nil {
		return out, err
	}
	if len(p.Units) > MaxUnits {
		return out, record.Invalidf("units: %d of them; at most %d at once", len(p.Units), MaxUnits)
	}
	ref := fact.Ref{Kind: fact.Package, ID: p.ID}
	err = s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		old, found, err := s.o.Model.packages.Get(ctx, ch, p.ID)
		if err != nil {
			return err
		}
		if p.Made = old.PackagePacked.Made; found && old.PackagePacked == p.PackagePacked {
			out = old
			return s.inside(ctx, ch, reason, p)
		}
		if err := record.Expect(ref, expected, old.Revision, found); err != nil {
			return err
		}
		p.Made = max(s.now(), old.LastMade+1)
		if err := s.checkPacking(ctx, ch, p.PackagePacked, old); err != nil {
			return err
		}
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.PackageWasPacked, Reason: reason, Data: p.PackagePacked}); err != nil {
			return err
		}
		if err := s.inside(ctx, ch, reason, p); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.packages, ref)
		return err
	})
	return out, err
}

// inside states what is in a package that was just packed, and where it is.
func (s *Orders) inside(ctx context.Context, ch event.Change, reason string, p Packing) error {
	sum := sha256.Sum256([]byte(p.ID)) // ids of statements are shorter than a label can be
	id := fmt.Sprintf("packed:%x:%d", sum[:10], p.Made)
	if err := s.fill(ctx, ch, reason, Filling{ID: id, Package: p.ID, Units: p.Units, At: p.At, Made: p.Made, Move: p.Move}); err != nil {
		return err
	}
	if p.In == nil {
		return nil
	}
	_, err := s.o.Places.Attach(ctx, ch, reason, fact.Attached{
		ID: id + ":in", Subject: fact.Ref{Kind: fact.Package, ID: p.ID}, In: p.In, At: p.At, Via: "event", Made: p.Made})
	return err
}

func (s *Orders) checkPacking(ctx context.Context, q store.Querier, p fact.PackagePacked, old Package) error {
	if old.Closed != nil && p.At > old.Closed.At {
		return record.Refusedf("at %d: the package was closed at %d; reopen it first", p.At, old.Closed.At)
	}
	if p.Shipment != "" && p.Shipment != old.PackagePacked.Shipment {
		if err := s.mayShip(ctx, q, "shipment", p.Shipment, p.At); err != nil {
			return err
		}
	}
	switch {
	case p.Profile == "" && p.Version != 0:
		return record.Invalidf("version %d: say the profile too", p.Version)
	case p.Profile == "":
		return nil
	}
	entry, err := s.record(ctx, q, "profile", fact.Ref{Kind: fact.Profile, ID: p.Profile})
	if err != nil {
		return err
	}
	r, ok := entry.(fact.ProfileRecord)
	if !ok {
		return fmt.Errorf("profile %q: the catalog gave a %T", p.Profile, entry)
	}
	if p.Version < 0 || p.Version > r.Profile.Version {
		return record.Invalidf("version %d: profile %q has versions 1 to %d; leave it out for the one in force", p.Version, p.Profile, r.Profile.Version)
	}
	return nil
}

// mayShip fails where no package can be put into a shipment.
func (s *Orders) mayShip(ctx context.Context, q store.Querier, field, shipment string, at int64) error {
	if err := (fact.Ref{Kind: fact.Shipment, ID: shipment}).Check(); err != nil {
		return record.Invalidf("%s: %w", field, err)
	}
	h, found, err := s.o.Model.shipments.Get(ctx, q, shipment)
	if err != nil {
		return err
	}
	if !found {
		return record.Invalidf("%s %q: there is no such shipment; plan it first", field, shipment)
	}
	if p := h.Progress(); p.Status == "cancelled" || fact.Ended(p.Status) && at >= p.Since {
		return record.Refusedf("%s %q: is %s", field, shipment, p.Status)
	}
	all, err := s.o.Model.packages.Find(ctx, q, "shipment", shipment, "", maxPackages)
	if err == nil && len(all) >= maxPackages {
		err = record.Refusedf("%s %q: has had %d packages, the most there can be", field, shipment, len(all))
	}
	return err
}

// Assign puts packages into a shipment from an instant on, out of the one they
// were in, or into none where a.Shipment is "". a.ID is of the statement, a.Made
// of 0 the hub's clock.
func (s *Orders) Assign(ctx context.Context, actor, reason string, a fact.PackageAssigned, packages []string) ([]Package, error) {
	if len(packages) == 0 || len(packages) > MaxUnits {
		return nil, record.Invalidf("packages: %d of them; want 1 to %d", len(packages), MaxUnits)
	}
	if err := (fact.Ref{Kind: fact.Order, ID: a.ID}).Check(); err != nil || len(a.ID) > 56 {
		return nil, record.Invalidf("id %q: want up to 56 letters, digits and ._:+-", a.ID)
	}
	if err := s.checkAt(a.At); err != nil {
		return nil, err
	}
	var out []Package
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		out = make([]Package, len(packages))
		if a.Shipment != "" {
			if err := s.mayShip(ctx, ch, "shipment", a.Shipment, a.At); err != nil {
				return err
			}
		}
		for i, id := range packages {
			id, err := fact.PackageID(id)
			if err != nil {
				return record.Invalidf("packages.%d: %w", i, err)
			}
			each := a
			each.ID, each.Package = fmt.Sprintf("%s:%d", a.ID, i), id
			if out[i], err = s.assign(ctx, ch, reason, each); err != nil {
				return fmt.Errorf("packages.%d: %w", i, err)
			}
		}
		return nil
	})
	return out, err
}

func (s *Orders) assign(ctx context.Context, ch event.Change, reason string, a fact.PackageAssigned) (Package, error) {
	ref := fact.Ref{Kind: fact.Package, ID: a.Package}
	p, err := record.Get(ctx, ch, s.o.Model.packages, ref)
	if err != nil {
		return p, err
	}
	known, err := s.o.Model.packages.Find(ctx, ch, "assignment", a.ID, "", 1)
	if err != nil {
		return p, err
	}
	if len(known) > 0 {
		for _, old := range known[0].Doc.Assigned {
			if a.Made == 0 {
				a.Made = old.Made
			}
			if old == a {
				return p, nil
			}
		}
		return p, fmt.Errorf("id %q: a statement about %s is %w", a.ID, known[0].ID, record.ErrExists)
	}
	switch {
	case a.At < p.At:
		return p, record.Refusedf("at %d: the package was packed at %d only", a.At, p.At)
	case p.Closed != nil && a.At > p.Closed.At:
		return p, record.Refusedf("at %d: the package was closed at %d", a.At, p.Closed.At)
	case len(p.Assigned) >= maxAssigned:
		return p, record.Refusedf("package %q: has been in %d shipments, the most there can be", p.ID, len(p.Assigned))
	}
	if a.Made == 0 {
		a.Made = s.now()
	}
	if err := fact.CheckTime("made", a.Made); err != nil {
		return p, record.Invalid(err)
	}
	if _, err := ch.Append(ctx, event.New{ID: "assigned:" + a.ID, Stream: ref.String(), Expect: -1, Type: fact.PackageWasAssigned, Reason: reason, Data: a}); err != nil {
		return p, err
	}
	return record.Get(ctx, ch, s.o.Model.packages, ref)
}

// Package gives a package.
func (s *Orders) Package(ctx context.Context, id string) (Package, error) {
	return record.Get(ctx, s.o.Store, s.o.Model.packages, fact.Ref{Kind: fact.Package, ID: id})
}

// Packages lists up to limit packages after an id: those that ever belonged to
// a shipment, or, where that is "", those of a state (open or one of
// fact.Ends), or all.
func (s *Orders) Packages(ctx context.Context, shipment, state, after string, limit int) ([]Package, error) {
	switch {
	case shipment != "":
		return record.Docs(s.o.Model.packages.Find(ctx, s.o.Store, "shipment", shipment, after, limit))
	case state != "":
		return record.Docs(s.o.Model.packages.Find(ctx, s.o.Store, "state", state, after, limit))
	}
	return record.Docs(s.o.Model.packages.List(ctx, s.o.Store, after, limit))
}

// packagesOf gives the packages that belong to a shipment at an instant.
func (s *Orders) packagesOf(ctx context.Context, q store.Querier, shipment string, at int64) ([]Package, error) {
	ever, err := record.Docs(s.o.Model.packages.Find(ctx, q, "shipment", shipment, "", maxPackages))
	var now []Package
	for _, p := range ever {
		if p.ShipmentAt(at) == shipment {
			now = append(now, p)
		}
	}
	return now, err
}
