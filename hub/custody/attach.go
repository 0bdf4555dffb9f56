package custody

import (
	"bytes"
	"context"
	"fmt"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// take takes one statement and says whether it was Taken or Known.
func (c *Custody) take(ctx context.Context, ch event.Change, reason string, s Scan) (string, error) {
	switch {
	case (s.Attached == nil) == (s.HandedOver == nil):
		return "", invalidf("statement: want one attachment or one hand-over")
	case s.Attached != nil:
		stated, err := c.Attach(ctx, ch, reason, *s.Attached)
		return word(stated), err
	}
	stated, err := c.handOver(ctx, ch, reason, *s.HandedOver)
	return word(stated), err
}

func word(stated bool) string {
	if stated {
		return Taken
	}
	return Known
}

// Attach states within a command where a subject is. It gives false and does
// nothing where the statement is there already. A Made of 0 is the hub's clock.
// Errors are an ErrInvalid, also as an *Unknown, ErrReused, ErrFull, or the
// log's.
func (c *Custody) Attach(ctx context.Context, ch event.Change, reason string, a fact.Attached) (stated bool, err error) {
	if err := a.Subject.Check(); err != nil {
		return false, invalidf("subject: %w", err)
	}
	unsaid := a.Made == 0
	if unsaid { // later than what it may contradict, however fast one comes after the other
		head, _, err := c.o.Model.places.Get(ctx, ch, a.Subject.String())
		if err != nil {
			return false, err
		}
		if a.Made = c.now(); head.Last != nil {
			a.Made = max(a.Made, head.Last.Made+1)
		}
	}
	if err := a.Check(); err != nil {
		return false, invalid{err}
	}
	old, found, err := c.o.Model.statement(ctx, ch, a.ID)
	if err != nil {
		return false, err
	}
	if found {
		if unsaid {
			a.Made = old.Made
		}
		if !same(a, old) {
			return false, fmt.Errorf("id %q: %w about %s; give each scan an id of its own", a.ID, ErrReused, old.Subject)
		}
		return false, nil
	}
	if err := c.checkTimes(a.At, a.Made); err != nil {
		return false, err
	}
	if err := c.mustKnow(ctx, ch, "subject", &a.Subject); err != nil {
		return false, err
	}
	if err := c.mustKnow(ctx, ch, "in", a.In); err != nil {
		return false, err
	}
	if a.Corrects != "" {
		target, found, err := c.o.Model.statement(ctx, ch, a.Corrects)
		switch {
		case err != nil:
			return false, err
		case !found:
			return false, &Unknown{"corrects", "statement/" + a.Corrects}
		case target.Subject != a.Subject:
			return false, invalidf("corrects %q: that is about %s; withdraw it there, and state anew where %s is", a.Corrects, target.Subject, a.Subject)
		}
	}
	if err := c.room(ctx, ch, a); err != nil {
		return false, err
	}
	_, err = ch.Append(ctx, statement(reason, a))
	return err == nil, err
}

func statement(reason string, a fact.Attached) event.New {
	return event.New{ID: "attached:" + a.ID, Stream: a.Subject.String(), Expect: -1, Type: fact.WasAttached, Reason: reason, Data: a}
}

func (c *Custody) mustKnow(ctx context.Context, q store.Querier, field string, r *fact.Ref) error {
	if r == nil {
		return nil
	}
	found, err := c.known(ctx, q, *r)
	if err != nil {
		return fmt.Errorf("look up %s: %w", r, err)
	}
	if !found {
		return &Unknown{field, r.String()}
	}
	return nil
}

// maxDay bounds the statements about one subject on a day, one in three
// minutes: each costs as much as the day has so far.
const maxDay = 500

func (c *Custody) room(ctx context.Context, q store.Querier, a fact.Attached) error {
	doc, _, err := c.o.Model.places.Get(ctx, q, a.Subject.String()+" "+dayOf(a.At))
	if err != nil {
		return err
	}
	if len(doc.Statements) >= maxDay {
		return full(a)
	}
	return nil
}

func full(a fact.Attached) error {
	return fmt.Errorf("subject %s: %w: %d on %s; a scanner repeats itself with new ids", a.Subject, ErrFull, maxDay, dayOf(a.At))
}

func (c *Custody) now() int64 { return c.o.Now().UnixMilli() }

// checkTimes refuses what lies ahead of the hub's clock.
func (c *Custody) checkTimes(at, made int64) error {
	limit := c.now() + c.o.Skew.Milliseconds()
	switch {
	case at > limit:
		return invalidf("at %d: is %d s ahead of the hub's clock; set the clock of the scanner and scan again", at, (at-c.now())/1000)
	case made > limit:
		return invalidf("made %d: is %d s ahead of the hub's clock; set the clock of the scanner and scan again", made, (made-c.now())/1000)
	}
	return nil
}

// same reports whether two statements say the same.
func same(a, b any) bool {
	x, err1 := event.Canonical(a)
	y, err2 := event.Canonical(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
