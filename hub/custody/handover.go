package custody

import (
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// atHome is why a hand-over to a patient has no position: where somebody lives is
// in no event. The proof of the stop tells how far from it that was.
const atHome = "left out: it is where a patient lives"

func (c *Custody) handOver(ctx context.Context, ch event.Change, reason string, h fact.HandedOver) (bool, error) {
	unsaid := h.Made == 0
	if h.Role == "patient" && h.Position != nil && h.NoPosition == "" {
		if err := h.Position.Check(); err != nil {
			return false, invalidf("position: %w", err)
		}
		h.Position, h.NoPosition = nil, atHome
	}
	if err := h.Subject.Check(); err != nil {
		return false, invalidf("subject: %w", err)
	}
	all, err := c.o.Model.handoffsOf(ctx, ch, h.Subject)
	if err != nil {
		return false, err
	}
	if unsaid { // later than what it may contradict, however fast one comes after the other
		h.Made = c.now()
		for _, e := range all {
			h.Made = max(h.Made, e.Made+1)
		}
	}
	if err := h.Check(); err != nil {
		return false, invalid{err}
	}
	old, found, err := c.o.Model.handoff(ctx, ch, h.ID)
	if err != nil {
		return false, err
	}
	if found {
		if unsaid {
			h.Made = old.Made
		}
		if !same(h, old) {
			return false, fmt.Errorf("id %q: %w about %s; give each scan an id of its own", h.ID, ErrReused, old.Subject)
		}
		return false, nil
	}
	if err := c.checkTimes(h.At, h.Made); err != nil {
		return false, err
	}
	if err := c.mustKnow(ctx, ch, "subject", &h.Subject); err != nil {
		return false, err
	}
	if h.Role != "patient" {
		if err := c.mustKnow(ctx, ch, "to", &fact.Ref{Kind: fact.Party, ID: h.To}); err != nil {
			return false, err
		}
	}
	if err := c.mustKnowGiver(ctx, ch, h); err != nil {
		return false, err
	}
	if len(all) >= maxHandoffs {
		return false, fmt.Errorf("subject %s: %w: %d hand-overs", h.Subject, ErrFull, len(all))
	}
	if h.Corrects != "" {
		target, found, err := c.o.Model.handoff(ctx, ch, h.Corrects)
		switch {
		case err != nil:
			return false, err
		case !found:
			return false, &Unknown{"corrects", "statement/" + h.Corrects}
		case target.Subject != h.Subject:
			return false, invalidf("corrects %q: that is about %s; withdraw it there, and state anew who has %s", h.Corrects, target.Subject, h.Subject)
		}
	}
	_, err = ch.Append(ctx, event.New{ID: "handed:" + h.ID, Stream: h.Subject.String(), Expect: -1, Type: fact.WasHandedOver, Reason: reason, Data: h})
	return err == nil, err
}

// mustKnowGiver wants the one who gives to be a party, or a patient's token
// that has been given to before.
func (c *Custody) mustKnowGiver(ctx context.Context, q store.Querier, h fact.HandedOver) error {
	if h.From == "" {
		return nil
	}
	party := fact.Ref{Kind: fact.Party, ID: h.From}
	found, err := c.known(ctx, q, party)
	if err != nil || found {
		return err
	}
	if fact.CheckToken("from", h.From) == nil {
		all, err := c.o.Model.handoffsOf(ctx, q, h.Subject)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Role == "patient" && e.To == h.From {
				return nil
			}
		}
	}
	return &Unknown{"from", party.String()}
}
