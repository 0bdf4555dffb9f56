package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"frostline/hub/store"
)

// ErrLater is wrapped by a handler's error that lies in nothing but the moment,
// such as a server that is away. The event is tried again for as long as it
// takes, and what comes after it waits.
var ErrLater = errors.New("try again later")

const (
	consumeAtOnce = 100             // events handed over together
	firstWait     = time.Second / 8 // after the first failure; doubled after each
	longestWait   = 30 * time.Second
	look          = 5 * time.Second // at the store when nothing wakes a consumer
	maxAttempts   = 10              // some two minutes
	maxParked     = 1000            // for each consumer
)

// consumer is a name that consumes, or has since Open.
type consumer struct {
	l      *Log
	name   string
	handle func(context.Context, []Event) error

	// Guarded by Log.mu.
	running  bool
	again    bool // parked events may be marked to be tried again
	failures uint64
	attempts int // in a row, of what it is at
	lastErr  string
	lastFail time.Time
}

// Consume hands all events after the consumer's cursor to handle, in order, up
// to 100 at a time, and goes on with new ones until ctx ends; it then returns
// nil. The cursor is saved once handle has returned nil: each event is handled
// at least once, and again after a crash in between. A name begins at the first
// event there is and keeps its cursor for ever.
//
// When handle fails, its events are tried again one by one, with growing
// waits. One that has failed ten times, and not with an error that wraps
// ErrLater or lies in the store (a full disk, say), is parked with the reason, and the next are handled: see Parked and
// Retry. Failures are counted and the first of a row logged; see Status. Other
// consumers are not held up. A consumer that has a thousand events parked
// parks no more and waits: it is not the events that are wrong.
//
// A name can be consumed by one caller at a time.
func (l *Log) Consume(ctx context.Context, name string, handle func(context.Context, []Event) error) error {
	if err := checkText("consumer", name, MaxID); err != nil {
		return err
	}
	l.mu.Lock()
	c := l.consumers[name]
	if c == nil {
		c = &consumer{l: l, name: name}
		l.consumers[name] = c
	}
	if c.running || name == relayName {
		l.mu.Unlock()
		return fmt.Errorf("consumer %q: the name is in use", name)
	}
	c.running, c.handle, c.again = true, handle, true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		c.running = false
		l.mu.Unlock()
	}()
	c.run(ctx)
	return nil
}

// run goes on until ctx ends.
func (c *consumer) run(ctx context.Context) {
	wake, stop := c.l.Watch()
	defer stop()
	var position int64
	c.insist(ctx, func(ctx context.Context) (err error) { position, err = cursor(ctx, c.l.store, c.name); return err })
	single := position // up to here events are handed over one by one
	for ctx.Err() == nil {
		c.retryParked(ctx)
		var events []Event
		limit := consumeAtOnce
		if position < single {
			limit = 1
		}
		c.insist(ctx, func(ctx context.Context) (err error) { events, err = c.l.Read(ctx, position, limit); return err })
		switch {
		case ctx.Err() != nil:
			return
		case len(events) == 0:
			wait(ctx, look, wake)
			continue
		}
		last := events[len(events)-1].Position
		err := c.try(ctx, events)
		switch {
		case err == nil:
			position = last
			c.save(ctx, position)
		case ctx.Err() != nil:
			return
		case len(events) > 1:
			single = last
			c.backOff(ctx)
		case c.hopeless(err) && c.park(ctx, last, err):
			position = last
		default:
			c.backOff(ctx)
		}
	}
}

// try calls the handler and counts how it went.
func (c *consumer) try(ctx context.Context, events []Event) error {
	err := guard(func() error { return c.handle(ctx, events) })
	if err != nil && ctx.Err() == nil {
		c.failed(err, "position", events[0].Position, "type", events[0].Type, "events", len(events))
	}
	if err == nil {
		c.recovered()
	}
	return err
}

// failed counts a failure and logs the first of a row.
func (c *consumer) failed(err error, attrs ...any) {
	c.note(err)
	c.l.mu.Lock()
	c.attempts++
	first := c.attempts == 1
	c.l.mu.Unlock()
	if first {
		c.l.log.Warn("consumer of events failed; trying again", append([]any{"consumer", c.name, "error", err}, attrs...)...)
	}
}

func (c *consumer) recovered() {
	c.l.mu.Lock()
	attempts := c.attempts
	c.attempts = 0
	c.l.mu.Unlock()
	if attempts > 0 {
		c.l.log.Info("consumer of events goes on", "consumer", c.name, "failed_attempts", attempts)
	}
}

// hopeless reports whether what fails should be put aside. The first attempt
// may have been made with others.
func (c *consumer) hopeless(err error) bool {
	if store.Unwell(err) || errors.Is(err, ErrLater) || errors.Is(err, store.ErrUnknown) || errors.Is(err, store.ErrClosed) ||
		errors.Is(err, ErrNotDone) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.attempts >= maxAttempts
}

// backOff waits after a failure.
func (c *consumer) backOff(ctx context.Context) {
	c.l.mu.Lock()
	n := c.attempts - 1
	c.l.mu.Unlock()
	wait(ctx, c.l.pause(n), nil)
}

// insist does something with the store until it succeeds or ctx ends.
func (c *consumer) insist(ctx context.Context, do func(context.Context) error) {
	for n := 0; ctx.Err() == nil; n++ {
		err := do(ctx)
		if err == nil {
			if n > 0 {
				c.l.log.Info("consumer of events has the store again", "consumer", c.name, "failed_attempts", n)
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.note(err)
		if n == 0 {
			c.l.log.Warn("consumer of events cannot use the store; trying again", "consumer", c.name, "error", err)
		}
		wait(ctx, c.l.pause(n), nil)
	}
}

// note counts a failure.
func (c *consumer) note(err error) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.failures++
	c.lastErr, c.lastFail = err.Error(), c.l.now()
}

// pause is how long to wait after so many failures before the last.
func pause(n int) time.Duration { return min(firstWait<<min(max(n, 0), 16), longestWait) }

// save saves the cursor. What has been handled is saved also when ctx has
// ended meanwhile.
func (c *consumer) save(ctx context.Context, position int64) {
	do := func(ctx context.Context) error {
		return c.l.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			return saveCursor(ctx, tx, c.name, position, c.l.nowMS())
		})
	}
	c.insist(ctx, do)
	if ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := do(ctx); err != nil {
			c.l.log.Warn("cursor was not saved; the last events will be handled again", "consumer", c.name, "error", err)
		}
	}
}

// wait waits until d has passed, wake is woken or ctx ends.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}
