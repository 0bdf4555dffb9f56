package orders

import (
	"context"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// Close ends the watch over a package at an instant; how is one of fact.Ends.
// A package that is closed already in the same way is left alone; one that is
// closed otherwise has its close replaced. A package is voided only when
// nothing is in it.
func (s *Orders) Close(ctx context.Context, actor, reason, id, how string, at, expected int64) (Package, error) {
	if !slices.Contains(fact.Ends, how) {
		return Package{}, record.Invalidf("how %q: want one of %v", how, fact.Ends)
	}
	if how == "voided" && reason == "" {
		return Package{}, record.Invalidf("reason: say why the package is voided")
	}
	if err := s.checkAt(at); err != nil {
		return Package{}, err
	}
	return s.end(ctx, actor, reason, id, expected, func(ctx context.Context, ch event.Change, p Package) (*fact.PackageClosed, error) {
		if p.Closed != nil && p.Closed.How == how && p.Closed.At == at {
			return nil, nil
		}
		if at < p.At {
			return nil, record.Refusedf("at %d: the package was packed at %d only", at, p.At)
		}
		if how == "voided" {
			units, err := s.unitsIn(ctx, ch, id, at)
			if err != nil {
				return nil, err
			}
			if len(units) > 0 {
				return nil, record.Refusedf("how %q: unit %s is in the package; take it out first", how, units[0].ID)
			}
		}
		return &fact.PackageClosed{ID: id, How: how, At: at}, nil
	})
}

// Reopen withdraws the close of a package: the watch goes on as if it had never
// ended. A package that is open is left alone.
func (s *Orders) Reopen(ctx context.Context, actor, reason, id string, expected int64) (Package, error) {
	if reason == "" {
		return Package{}, record.Invalidf("reason: say why the package is reopened")
	}
	return s.end(ctx, actor, reason, id, expected, func(_ context.Context, _ event.Change, p Package) (*fact.PackageClosed, error) {
		if p.Closed == nil {
			return nil, nil
		}
		return &fact.PackageClosed{ID: id, At: p.Closed.At, Reopen: true}, nil
	})
}

func (s *Orders) end(ctx context.Context, actor, reason, id string, expected int64, decide func(context.Context, event.Change, Package) (*fact.PackageClosed, error)) (Package, error) {
	ref := fact.Ref{Kind: fact.Package, ID: id}
	var out Package
	err := s.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		if out, err = record.Get(ctx, ch, s.o.Model.packages, ref); err != nil {
			return err
		}
		c, err := decide(ctx, ch, out)
		if err != nil || c == nil {
			return err
		}
		if err := record.Expect(ref, expected, out.Revision, true); err != nil {
			return err
		}
		c.Made = max(s.now(), out.LastMade+1)
		if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.PackageWasClosed, Reason: reason, Data: *c}); err != nil {
			return err
		}
		out, err = record.Get(ctx, ch, s.o.Model.packages, ref)
		return err
	})
	return out, err
}
