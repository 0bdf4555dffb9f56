package correlate

import (
	"context"
	"fmt"
)

// Settled waits until the verdicts of all events up to a position are made; it
// does not wait for anchors that move readings by less than Tolerance.
func (e *Engine) Settled(ctx context.Context, position int64) error {
	for {
		e.mu.Lock()
		done, round := e.followed >= position, e.round
		now := e.now().UnixMilli()
		for _, m := range e.dirty {
			done = done && (m.notBefore > now || m.position > position)
		}
		e.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for verdicts of events up to %d: %w", position, ctx.Err())
		case <-round:
		}
	}
}

// lap tells those who wait that the engine has worked. mu is not held.
func (e *Engine) lap() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.round)
	e.round = make(chan struct{})
}
