package hold

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

const (
	actor    = "system/hold" // of what is held by itself
	consumer = "hold"        // name among the consumers of events
)

// Consumer hands on events, each at least once; *event.Log has it.
type Consumer interface {
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Follow holds product while it is suspect, until ctx ends; it then returns nil.
// A case that is opened places a hold, and one that is cleared lifts it; one that
// is found illegitimate stays held, and after it has ended a person may lift it.
// Taking an event again changes nothing. What can not be held is parked by the
// log of events, where people see it.
func (h *Holds) Follow(ctx context.Context, events Consumer) error {
	return events.Consume(ctx, consumer, func(ctx context.Context, all []event.Event) error {
		for _, e := range all {
			if err := h.take(ctx, e); err != nil {
				return fmt.Errorf("hold by %s at position %d: %w", e.Type, e.Position, err)
			}
		}
		return nil
	})
}

func (h *Holds) take(ctx context.Context, e event.Event) error {
	v, err := record.Data(e, fact.SuspectWasOpened, fact.SuspectWasCleared)
	if err != nil {
		return err
	}
	switch d := v.(type) {
	case *fact.SuspectOpened:
		return h.suspect(ctx, e, d)
	case *fact.SuspectStep:
		return h.cleared(ctx, d.ID)
	}
	return nil
}

// suspect holds the product of a case. One that has ended meanwhile holds
// nothing any more.
func (h *Holds) suspect(ctx context.Context, e event.Event, o *fact.SuspectOpened) error {
	if still, err := h.o.Suspected(ctx, o.ID); err != nil || !still {
		return err
	}
	p := fact.HoldPlaced{ID: derive(o.ID, ""), Package: o.Package, Units: o.Units, Suspect: o.ID, Cause: "suspect product, case " + o.ID}
	_, err := h.Place(ctx, actor, e.Reason, p)
	if errors.Is(err, record.ErrExists) { // somebody has used the id for something else
		p.ID = derive(o.ID, e.ID)
		_, err = h.Place(ctx, actor, e.Reason, p)
	}
	return err
}

// cleared lifts the holds of a case.
func (h *Holds) cleared(ctx context.Context, suspect string) error {
	standing, err := record.Docs(h.o.Model.holds.Find(ctx, h.o.Store, "suspect", suspect, "", atOnce))
	for _, s := range standing {
		if err == nil {
			_, err = h.lift(ctx, actor, "case "+suspect+" is cleared", fact.HoldLifted{ID: s.ID})
		}
	}
	return err
}

// derive makes the id of a case's hold.
func derive(suspect, of string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "suspect\n%q\n%q", suspect, of))
	return "suspect-" + hex.EncodeToString(sum[:16])
}
