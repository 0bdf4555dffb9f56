package sensing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// settle is how long a package waits after a verdict was revised: others often
// follow.
const settle = 2 * time.Second

// note marks what events may have changed. It is a consumer of the log.
func (k *Keeper) note(ctx context.Context, events []event.Event) error {
	due := map[string]int64{}
	now := k.o.Now().UnixMilli()
	mark := func(at int64, refs ...fact.Ref) {
		for _, r := range refs {
			if old, ok := due[r.String()]; !ok || at < old {
				due[r.String()] = at
			}
		}
	}
	for _, e := range events {
		touched, err := k.touched(ctx, e)
		if err != nil {
			return fmt.Errorf("event %d, %s: %w", e.Position, e.Type, err)
		}
		at := now
		if e.Type == fact.VerdictWasRevised {
			at += settle.Milliseconds()
		}
		mark(at, touched...)
	}
	if len(due) == 0 {
		return nil
	}
	err := k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for subject, at := range due {
			if _, err := tx.Exec(ctx, `INSERT INTO sensing_due (subject, due_ms, mark, failures, error) VALUES ($1, $2, 1, 0, '')
				ON CONFLICT (subject) DO UPDATE SET due_ms = CASE WHEN sensing_due.due_ms < $2 THEN sensing_due.due_ms ELSE $2 END, mark = sensing_due.mark + 1`, subject, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark what is to be stated: %w", err)
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return nil
}

// touched gives the packages, units, excursions and holds that an event bears on.
func (k *Keeper) touched(ctx context.Context, e event.Event) ([]fact.Ref, error) {
	switch e.Type {
	case fact.UnitWasReceived, fact.PackageWasPacked, fact.PackageWasClosed, fact.VerdictWasRevised,
		fact.ExcursionWasOpened, fact.ExcursionWasRevised, fact.ExcursionIsInvestigated, fact.ExcursionWasProposed,
		fact.ExcursionWasSigned, fact.ExcursionWasApproved, fact.ExcursionWasClosed,
		fact.HoldWasPlaced, fact.HoldWasLifted:
		ref, err := fact.ParseRef(e.Stream)
		if err != nil {
			return nil, err
		}
		switch e.Type {
		case fact.ExcursionWasRevised:
			return k.withHolds(ctx, ref, because(ref.ID))
		case fact.PackageWasPacked, fact.PackageWasClosed:
			return k.around(ctx, ref)
		}
		return []fact.Ref{ref}, nil
	case fact.PackageWasAssigned, fact.WasAttached, fact.WasHandedOver:
	default:
		return nil, nil
	}
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *fact.PackageAssigned:
		return k.around(ctx, fact.Ref{Kind: fact.Package, ID: v.Package})
	case *fact.HandedOver:
		if v.Subject.Kind == fact.Package {
			return []fact.Ref{v.Subject}, nil
		}
		ids, err := k.o.Orders.InShipment(ctx, v.Subject.ID)
		return packages(ids), err
	case *fact.Attached:
		return k.moved(ctx, v)
	}
	return nil, nil
}

func packages(ids []string) (refs []fact.Ref) {
	for _, id := range ids {
		refs = append(refs, fact.Ref{Kind: fact.Package, ID: id})
	}
	return refs
}

// around is a package with its excursions and holds, which say where it was and
// name its shipment.
func (k *Keeper) around(ctx context.Context, pkg fact.Ref) ([]fact.Ref, error) {
	refs, err := k.withHolds(ctx, pkg, k.thing(pkg.String()))
	if err != nil {
		return nil, err
	}
	ids, err := k.o.Cases.OfPackage(ctx, pkg.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		some, err := k.withHolds(ctx, fact.Ref{Kind: fact.Excursion, ID: id}, because(id))
		if err != nil {
			return nil, err
		}
		refs = append(refs, some...)
	}
	return refs, nil
}

// withHolds is something with the holds whose statements end a value with a
// text.
func (k *Keeper) withHolds(ctx context.Context, ref fact.Ref, text string) ([]fact.Ref, error) {
	refs := []fact.Ref{ref}
	like := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
	rows, err := k.o.Store.Query(ctx, `SELECT DISTINCT subject FROM sensing_statement WHERE subject >= 'hold/' AND subject < 'hold0' AND declared_ms = 0 AND document LIKE $1 ESCAPE '\'`,
		"%"+like+`"%`)
	if err != nil {
		return nil, fmt.Errorf("read holds of %s: %w", ref, err)
	}
	defer rows.Close()
	for rows.Next() {
		var subject string
		if err := rows.Scan(&subject); err != nil {
			return nil, err
		}
		hold, err := fact.ParseRef(subject)
		if err != nil {
			return nil, err
		}
		refs = append(refs, hold)
	}
	return refs, rows.Err()
}

// because names the excursion that is the reason of a hold.
func because(excursion string) string { return "excursion=" + escape(excursion) }

// moved gives the packages that a statement of where something is bears on:
// all that a unit was ever stated to be in, and all that a tote carried.
func (k *Keeper) moved(ctx context.Context, a *fact.Attached) ([]fact.Ref, error) {
	switch a.Subject.Kind {
	case fact.Package:
		return k.around(ctx, a.Subject)
	case fact.Unit:
		_, ever, err := k.o.Places.Intervals(ctx, a.Subject)
		return ever, err
	case fact.Tote:
		now := k.o.Now().UnixMilli()
		from := min(a.At, now) - window
		if a.Corrects != "" { // of an earlier time, perhaps
			from -= widest
		}
		stays, err := k.inside(ctx, a.Subject, from, max(a.At, now)+window)
		if err != nil {
			return nil, err
		}
		var refs []fact.Ref
		for _, s := range stays {
			if s.Subject.Kind != fact.Package {
				continue
			}
			some, err := k.around(ctx, s.Subject)
			if err != nil {
				return nil, err
			}
			refs = append(refs, some...)
		}
		return refs, nil
	}
	return nil, nil // of sensors and loggers the verdict tells
}
