package correlate

import (
	"context"
	"fmt"
	"math"

	"frostline/hub/fact"
)

// Settled waits until the verdicts of all events up to a position are made and
// appended; it does not wait for anchors that move readings by less than
// Tolerance.
func (e *Engine) Settled(ctx context.Context, position int64) error {
	err := e.wait(ctx, func() bool {
		now := e.now().UnixMilli()
		for _, m := range e.dirty {
			if m.notBefore <= now && m.position <= position {
				return false
			}
		}
		return e.followed >= position
	})
	if err != nil {
		return fmt.Errorf("wait for verdicts of events up to %d: %w", position, err)
	}
	return nil
}

// Restate has the last verdicts of packages be exactly what follows from what is
// known now, and waits until they are appended. Otherwise a verdict is told only
// when it changes in substance. One of a package that is not known is left out.
func (e *Engine) Restate(ctx context.Context, packages []string) error {
	e.mu.Lock()
	for _, id := range packages {
		if w, ok := e.facts.Watch(id); ok {
			e.touchOne(id, w.From, math.MaxInt64, fact.Cause{Kind: "evidence", Detail: "evidence was asked for"}, 0)
		}
	}
	e.mu.Unlock()
	err := e.wait(ctx, func() bool {
		for _, id := range packages {
			if m := e.dirty[id]; m != nil && m.exact {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("state the verdicts of %d packages exactly: %w", len(packages), err)
	}
	return nil
}

// wait waits until something is so, and what was under way then is done and
// appended. The condition is called with mu held.
func (e *Engine) wait(ctx context.Context, so func() bool) error {
	var seen bool
	var by uint64 // the round that was under way when it was seen to be so
	for {
		e.mu.Lock()
		if !so() {
			seen = false // what was under way may have failed, and is to be done again
		} else if !seen {
			seen, by = true, e.begun
		}
		done, round := seen && e.ended >= by, e.round
		e.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-round:
		}
	}
}

// lap tells those who wait that the engine has worked. mu is not held.
func (e *Engine) lap() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = e.begun
	close(e.round)
	e.round = make(chan struct{})
}
