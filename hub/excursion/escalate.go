package excursion

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
)

const (
	lookEvery  = time.Second // at most this often, however many events come in
	lookAtMost = time.Minute // and at least, should a clock be set
)

// escalateUntilDone looks whenever something was appended or is due.
func (c *Cases) escalateUntilDone(ctx context.Context) error {
	wake, stop := c.events.Watch()
	defer stop()
	for {
		next, err := c.Escalate(ctx)
		if ctx.Err() != nil {
			return nil
		}
		c.troubled(err)
		if !wait(ctx, lookEvery, nil) {
			return nil
		}
		if err != nil {
			continue // the store is full or away: deadlines are kept once it is back
		}
		d := lookAtMost
		if !next.IsZero() {
			d = min(max(next.Sub(c.now()), 0), d)
		}
		if !wait(ctx, d, wake) {
			return nil
		}
	}
}

// troubled notes that escalations are held up, once, and that they go on.
func (c *Cases) troubled(err error) {
	text := ""
	if err != nil {
		text = fmt.Sprintf("escalate excursions: %v", err)
	}
	switch was := c.failing.Swap(&text); {
	case err != nil && (was == nil || *was == ""):
		c.log.Error("excursions are not escalated; tried again until it works", "error", err)
	case err == nil && was != nil && *was != "":
		c.log.Info("excursions are escalated again")
	}
}

// wait waits for d or wake; false when ctx has ended.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-t.C:
	}
	return true
}

// Escalate takes each case that was not acknowledged in time to its next
// level, and gives when the next deadline is; zero when there is none. Times
// are those recorded in the events, so that a hub that was off escalates when
// it is back. Run calls it.
func (c *Cases) Escalate(ctx context.Context) (next time.Time, err error) {
	if c.policy == nil {
		return next, nil
	}
	for after := ""; ; {
		page, err := c.tables.cases.Find(ctx, c.store, keyAwaits, "acknowledgement", after, 500)
		if err != nil {
			return next, err
		}
		for i := range page {
			k := &page[i].Doc
			after = page[i].ID
			due, _, _, ok := c.deadline(k)
			if ok && !c.now().Before(due) {
				if k, err = c.escalate(ctx, k.ID); err != nil {
					return next, err
				}
				due, _, _, ok = c.deadline(k)
			}
			if ok && (next.IsZero() || due.Before(next)) {
				next = due
			}
		}
		if len(page) < 500 {
			return next, nil
		}
	}
}

// deadline gives until when a case is to be acknowledged, and the level and
// repetition that follow; ok is false where nobody is waited for.
func (c *Cases) deadline(k *Case) (due time.Time, level, repeat int, ok bool) {
	levels := c.policy.Levels(string(k.Facts.Severity), k.Facts.Kind)
	if k.AwaitsSince == 0 || len(levels) == 0 {
		return due, 0, 0, false
	}
	at := min(max(k.Level, 1), len(levels))
	level, repeat = at+1, 0
	if at == len(levels) {
		level, repeat = at, k.Repeat+1
		if repeat > c.policy.Repeats() {
			return due, 0, 0, false
		}
	}
	return time.UnixMilli(k.AwaitsSince).Add(levels[at-1]), level, repeat, true
}

// escalate takes one step of escalation, if it is still due, and gives the case.
func (c *Cases) escalate(ctx context.Context, id string) (*Case, error) {
	var k *Case
	done := false
	_, err := c.events.Command(ctx, system, func(ctx context.Context, ch event.Change) (err error) {
		if k, err = c.tables.get(ctx, ch, id); err != nil {
			return err
		}
		due, level, repeat, ok := c.deadline(k)
		if !ok || c.now().Before(due) {
			return nil // acknowledged meanwhile
		}
		stream := fact.Ref{Kind: fact.Excursion, ID: id}.String()
		_, err = ch.Append(ctx, event.New{
			ID: eventID(stream, "escalate", k.Version), Stream: stream, Expect: k.Version, Type: fact.ExcursionWasEscalated,
			Reason: fmt.Sprintf("not acknowledged by %s", due.UTC().Format(time.RFC3339)),
			Data: fact.ExcursionEscalated{
				ID: id, OldLevel: k.Level, Level: level, Repeat: repeat, Due: due.UnixMilli(), Facts: k.Facts, Place: k.Place,
			},
		})
		if err == nil {
			done = true
			k, err = c.tables.get(ctx, ch, id)
		}
		return err
	})
	if done && err == nil {
		c.counts.escalated.Add(1)
		c.log.Warn("excursion escalated: nobody has acknowledged it", "case", id, "level", k.Level, "repeat", k.Repeat)
	}
	return k, err
}
