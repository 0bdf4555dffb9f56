package excursion

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

const system = "system/excursion"

// Handle takes events that may concern cases: verdicts, and where units are.
// Taking them again changes nothing. It fails when the store does, and for an
// event that it cannot read.
func (c *Cases) Handle(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		switch e.Type {
		case fact.VerdictWasRevised, fact.WasAttached, fact.UnitWasReceived:
		default:
			continue
		}
		v, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			c.counts.unread.Add(1) // written by a newer hub: the event store parks it and shows it
			return fmt.Errorf("excursions by %s at position %d: %w", e.Type, e.Position, err)
		}
		switch v := v.(type) {
		case *fact.VerdictRevised:
			err = c.settle(ctx, e, func(ctx context.Context, q store.Querier) ([]event.New, error) { return c.judged(ctx, q, *v) })
		case *fact.Attached:
			if v.Subject.Kind == fact.Unit {
				err = c.settle(ctx, e, func(ctx context.Context, q store.Querier) ([]event.New, error) {
					return c.moved(ctx, q, v.Subject, fmt.Sprintf("%s %s: %s", v.Via, v.ID, v.Subject))
				})
			}
		case *fact.UnitReceived:
			unit := fact.Ref{Kind: fact.Unit, ID: v.ID}
			err = c.settle(ctx, e, func(ctx context.Context, q store.Querier) ([]event.New, error) {
				return c.moved(ctx, q, unit, fmt.Sprintf("record of %s", unit))
			})
		}
		if err != nil {
			return fmt.Errorf("excursions by %s at position %d: %w", e.Type, e.Position, err)
		}
	}
	return nil
}

// settle appends what plan finds to be told, in one transaction with what it
// read. Most events tell nothing new, so that it looks before it asks for a
// transaction.
func (c *Cases) settle(ctx context.Context, e event.Event, plan func(context.Context, store.Querier) ([]event.New, error)) error {
	if news, err := plan(ctx, c.store); err != nil || len(news) == 0 {
		return err
	}
	var news []event.New
	_, err := c.events.Command(ctx, system, func(ctx context.Context, ch event.Change) (err error) {
		if news, err = plan(ctx, ch); err != nil {
			return err
		}
		for i := range news {
			news[i].ID = eventID(news[i].Stream, e.ID, news[i].Expect)
			if _, err := ch.Append(ctx, news[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range news {
		c.count(n)
	}
	return nil
}

// eventID is that of what one event makes of a case as it stands.
func eventID(stream string, of ...any) string {
	sum := sha256.Sum256(fmt.Appendf([]byte(stream+"\n"), "%q", of))
	return "excursion-" + hex.EncodeToString(sum[:16])
}

func (c *Cases) count(n event.New) {
	switch v := n.Data.(type) {
	case *fact.ExcursionOpened:
		c.counts.opened.Add(1)
		c.log.Warn("excursion", "case", v.ID, "package", v.Facts.Package, "kind", v.Facts.Kind, "limit", v.Facts.Limit, "severity", v.Facts.Severity)
	case *fact.ExcursionRevised:
		c.counts.revised.Add(1)
		if slices.Contains(v.Effects, reopened) {
			c.counts.reopened.Add(1)
			c.log.Warn("excursion reopened by data", "case", v.ID, "was", v.OldState, "changed", v.Changed, "cause", v.Cause.Detail)
		}
		if slices.Contains(v.Effects, retracted) {
			c.counts.retracted.Add(1)
		}
	}
}

// judged finds what a verdict says of its package's cases that they do not.
func (c *Cases) judged(ctx context.Context, q store.Querier, v fact.VerdictRevised) ([]event.New, error) {
	cases, err := c.tables.ofPackage(ctx, q, v.Package, &judge{v.Profile, v.Version, v.Product})
	if err != nil {
		return nil, err
	}
	for _, k := range cases {
		if k.Judged >= v.Revision {
			return nil, nil // told again: this one or a later one was done
		}
	}
	var news []event.New
	taken := map[string]bool{}
	for _, p := range match(cases, findings(v)) {
		n, err := c.told(ctx, q, p, v, taken)
		if err != nil {
			return nil, err
		}
		if n != nil {
			news = append(news, *n)
		}
	}
	return news, nil
}

// told gives the event for one pair of case and finding, nil where there is
// nothing to tell.
func (c *Cases) told(ctx context.Context, q store.Querier, p pair, v fact.VerdictRevised, taken map[string]bool) (*event.New, error) {
	if p.f == nil {
		if p.c.Facts.Retracted || !v.Dropped && omits(v.Verdict, p.c.Facts.Kind, p.c.Facts.Limit) {
			return nil, nil
		}
		return c.revision(p.c, retract(p.c.Facts, v.Digest, v.Revision), p.c.Place, v.Cause)
	}
	if err := c.tables.affect(ctx, q, p.f); err != nil {
		return nil, err
	}
	place, err := c.tables.place(ctx, q, p.f.Package, p.f.From)
	if err != nil {
		return nil, err
	}
	if p.c != nil {
		return c.revision(p.c, *p.f, place, v.Cause)
	}
	id, err := c.freeID(ctx, q, *p.f, taken)
	if err != nil {
		return nil, err
	}
	digest, err := fact.Digest(*p.f)
	if err != nil {
		return nil, err
	}
	o := &fact.ExcursionOpened{ID: id, Facts: *p.f, Digest: digest, Place: place, Cause: v.Cause, State: string(Opened)}
	return &event.New{Stream: fact.Ref{Kind: fact.Excursion, ID: id}.String(), Type: fact.ExcursionWasOpened, Reason: cut(v.Cause.Detail), Data: o}, nil
}

func (c *Cases) revision(k *Case, now fact.ExcursionFacts, place string, cause fact.Cause) (*event.New, error) {
	r, err := revise(k, now, place, cause)
	if err != nil || r == nil {
		return nil, err
	}
	return &event.New{Stream: fact.Ref{Kind: fact.Excursion, ID: k.ID}.String(), Expect: k.Version, Type: fact.ExcursionWasRevised, Reason: cut(cause.Detail), Data: r}, nil
}

// cut bounds a reason that was written by another context.
func cut(s string) string {
	if len(s) > maxText {
		return s[:maxText]
	}
	return s
}

// freeID gives the id of a new case: when the excursion began as it was first
// known, and a digest of what it is about. Another case of the same limit that
// once began at the same instant and has moved since makes it count up.
func (c *Cases) freeID(ctx context.Context, q store.Querier, f fact.ExcursionFacts, taken map[string]bool) (string, error) {
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q %q %q %d %d", f.Package, f.Profile, f.Version, f.Product, f.Kind, f.Limit, f.From, n))
		id := time.UnixMilli(f.From).UTC().Format("20060102-1504") + "-" + hex.EncodeToString(sum[:8])
		_, known, err := c.tables.cases.Get(ctx, q, id)
		if err != nil {
			return "", err
		}
		if !known && !taken[id] {
			taken[id] = true
			return id, nil
		}
	}
}

// moved finds the cases whose affected units are others, now that more is known
// of where a unit was or what lot it is of.
func (c *Cases) moved(ctx context.Context, q store.Querier, unit fact.Ref, detail string) ([]event.New, error) {
	w, _, err := c.tables.where.Get(ctx, q, unit.String())
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var news []event.New
	for _, s := range w.Statements {
		home, err := fact.ParseRef(s.In)
		if err != nil || home.Kind != fact.Package || seen[home.ID] {
			continue
		}
		seen[home.ID] = true
		cases, err := c.tables.ofPackage(ctx, q, home.ID, nil)
		if err != nil {
			return nil, err
		}
		for _, k := range cases {
			if k.Facts.Retracted {
				continue
			}
			now := k.Facts
			if err := c.tables.affect(ctx, q, &now); err != nil {
				return nil, err
			}
			n, err := c.revision(k, now, k.Place, fact.Cause{Kind: "attachment", Detail: detail, From: now.From, To: now.To})
			if err != nil {
				return nil, err
			}
			if n != nil {
				news = append(news, *n)
			}
		}
	}
	return news, nil
}
