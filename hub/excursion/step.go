package excursion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
)

const maxText = 4000 // bytes of a reason or comment

// By is who takes a step on which case, and why.
type By struct {
	Actor string // "person/ID", or "os/UID" on the hub's own machine
	Case  string
	Why   string
	// Expect is the version of the case that the caller has looked at; -1: any.
	Expect int64
	// ID makes a repeated step be done once; "": each call is a step of its own.
	ID string
}

// reasons are the steps that need one; acknowledging may go without.
var reasons = map[Step]bool{Investigate: true, Assess: true, Propose: true, Sign: true, Approve: true, Close: true}

func (b By) check(step Step) error {
	kind, id, _ := strings.Cut(b.Actor, "/")
	switch {
	case kind != "person" && kind != "os" || id == "":
		return fmt.Errorf("%w: %q cannot %s an excursion: only a person can", ErrForbidden, b.Actor, step)
	case kind == "os" && (step == Sign || step == Approve):
		return fmt.Errorf("%w: %s: sign in as a person: an electronic signature is not an operating system's", ErrForbidden, step)
	case len(b.Why) > maxText:
		return invalid("reason: %d bytes, at most %d allowed", len(b.Why), maxText)
	case reasons[step] && strings.TrimSpace(b.Why) == "":
		return invalid("reason: say why, to %s", step)
	}
	return nil
}

// take does a step in one transaction: do gives the type and data of its event
// for the state that follows.
func (c *Cases) take(ctx context.Context, by By, step Step, do func(k *Case, to State) (typ string, data any, err error)) (View, error) {
	return c.takeWith(ctx, by, step, nil, do)
}

// takeWith is take; also is done in the same transaction, before the event.
func (c *Cases) takeWith(ctx context.Context, by By, step Step, also func(context.Context, event.Change, *Case) error, do func(k *Case, to State) (typ string, data any, err error)) (View, error) {
	if err := by.check(step); err != nil {
		return View{}, c.refusal(err)
	}
	var view View
	_, err := c.events.Command(ctx, by.Actor, func(ctx context.Context, ch event.Change) error {
		k, err := c.tables.get(ctx, ch, by.Case)
		if err != nil {
			return err
		}
		if by.ID != "" && slices.Contains(k.Done, by.ID) {
			view, err = c.look(k)
			return err
		}
		if by.Expect >= 0 && by.Expect != k.Version {
			return fmt.Errorf("excursion %s: %w: it has version %d, not %d: look again", k.ID, ErrStale, k.Version, by.Expect)
		}
		to, err := Next(k.State, step)
		if err != nil {
			return err
		}
		typ, data, err := do(k, to)
		if err != nil {
			return err
		}
		if also != nil {
			if err := also(ctx, ch, k); err != nil {
				return err
			}
		}
		stream := fact.Ref{Kind: fact.Excursion, ID: k.ID}.String()
		if _, err := ch.Append(ctx, event.New{ID: by.ID, Stream: stream, Expect: k.Version, Type: typ, Reason: by.Why, Data: data}); err != nil {
			return err
		}
		if k, err = c.tables.get(ctx, ch, by.Case); err != nil {
			return err
		}
		view, err = c.look(k)
		return err
	})
	return view, c.refusal(err)
}

// refusal counts what was refused.
func (c *Cases) refusal(err error) error {
	switch {
	case errors.Is(err, ErrOrder):
		c.counts.outOfOrder.Add(1)
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrPassword), errors.Is(err, ErrStale):
		c.counts.refused.Add(1)
	}
	return err
}

// plain is a step with nothing but its state.
func plain(typ string) func(*Case, State) (string, any, error) {
	return func(k *Case, to State) (string, any, error) {
		s := fact.ExcursionStep{ID: k.ID, OldState: string(k.State), State: string(to)}
		if to == Closed {
			s.Outcome = "disposed"
			if k.State == Retracted {
				s.Outcome = "retracted"
			}
		}
		return typ, s, nil
	}
}

// Acknowledge says that a person knows of the case, which stops its
// escalation. A case that data have retracted is closed by it.
func (c *Cases) Acknowledge(ctx context.Context, by By) (View, error) {
	return c.take(ctx, by, Acknowledge, plain(fact.ExcursionWasAcknowledged))
}

// Investigate takes a case under investigation; also back from a later state,
// upon which a proposal and signatures no longer stand.
func (c *Cases) Investigate(ctx context.Context, by By) (View, error) {
	return c.take(ctx, by, Investigate, plain(fact.ExcursionIsInvestigated))
}

// Propose proposes a disposition for each affected unit.
func (c *Cases) Propose(ctx context.Context, by By, decisions []Decision) (View, error) {
	return c.take(ctx, by, Propose, func(k *Case, to State) (string, any, error) {
		all, err := dispose(k.Facts, decisions)
		old := k.Proposal
		if old == nil {
			old = []fact.Disposition{}
		}
		return fact.ExcursionWasProposed, fact.ExcursionProposed{
			ID: k.ID, OldState: string(k.State), State: string(to), Old: old, Dispositions: all, Digest: k.Digest,
		}, err
	})
}

// Assess says that a person has looked at a span of the package's watch, UTC,
// Unix ms, and keeps what the engine says of it. It stands until another one, or
// until data change what was proposed.
func (c *Cases) Assess(ctx context.Context, by By, from, to int64) (View, error) {
	if c.spans == nil {
		return View{}, invalid("range: nobody here can judge a part of a watch")
	}
	if from <= 0 || to <= from {
		return View{}, invalid("range: from %d to %d: want it to end after it begins", from, to)
	}
	if err := by.check(Assess); err != nil {
		return View{}, c.refusal(err)
	}
	k, err := c.tables.get(ctx, c.store, by.Case)
	if err != nil {
		return View{}, err
	}
	now, err := c.spans.Assess(ctx, k.Facts, from, to)
	if err != nil {
		return View{}, err
	}
	return c.take(ctx, by, Assess, func(k *Case, _ State) (string, any, error) {
		return fact.ExcursionWasAssessed, fact.ExcursionAssessed{ID: k.ID, Old: k.Assessment, New: now}, nil
	})
}

// Close ends a case that two persons have signed, while their signatures match.
func (c *Cases) Close(ctx context.Context, by By) (View, error) {
	return c.take(ctx, by, Close, func(k *Case, to State) (string, any, error) {
		for _, meaning := range []string{MeaningReview, MeaningApproval} {
			if s, err := inForce(k, meaning); err != nil || s == nil {
				return "", nil, errors.Join(err, fmt.Errorf("excursion %s: %w: its signatures no longer match", k.ID, ErrStale))
			}
		}
		return plain(fact.ExcursionWasClosed)(k, to)
	})
}
